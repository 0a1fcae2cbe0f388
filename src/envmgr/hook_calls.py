"""The calls of shims and hooks, for what they cannot do with shell builtins.

`_shim HOME COMMAND ARGUMENT...` becomes the program, `_which HOME COMMAND` prints it, `_enter HOME DIRECTORY` looks
at a project that has no record that works, once per visit, `_recheck HOME DIRECTORY` at a grant of which something has
changed. HOME is the store that the caller found from its own path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from envmgr.environments import binding, builder, external, project_environment, record
from envmgr.environments.base_interpreter import base_python
from envmgr.environments.record import Environment
from envmgr.errors import EnvironmentFailedError, EnvmgrError, NotInstalledError, StoreBusyError, UsageError
from envmgr.host import config, files, lock, paths, process
from envmgr.host.paths import Environ, Home
from envmgr.pythons import aliases, resolve
from envmgr.pythons.resolve import ResolvedPin
from envmgr.pythons.store import Interpreter, Store
from envmgr.shell import grant, programs, shims, trust
from envmgr.shell.active import ActivePython, active_python

REVOKED = 10  # exit code of `_recheck` after a note


def shim(home: Home, command: str, arguments: list[str], environ: Environ) -> int:
    """Become the program that `command` means here; raises EnvmgrError.

    Returns only where that is an installer of the store or of a virtual environment: its exit code, after the shims
    were brought up to date.
    """
    program = which(home, command, environ)
    of_venv = (program.parent.parent / external.CONFIG).is_file()
    if (of_venv or program.is_relative_to(home.root)) and programs.installs(command, arguments):
        return shims.run_installer(home, program, [str(program), *arguments], environ)
    if program.parent.name == "shims":
        environ = {**environ, resolve.GUARD: str(os.getpid())}
    return process.exec_program(program, [str(program), *arguments], environ)


def which(home: Home, command: str, environ: Environ) -> Path:
    """Return the program that `command` means here, and remember what was asked for; raises EnvmgrError."""
    try:
        directory = paths.working_directory(environ)
    except UsageError:  # it was deleted; what rules everywhere rules here too
        directory = Path("/")
    _recheck(home, directory, environ)
    here = active_python(home, directory, environ)
    _remember(home, here.ruling)
    return programs.find_program(home, here, command, environ)


def recheck(home: Home, place: Path, environ: Environ) -> Iterator[str]:
    """Look again at what was allowed in `place`, because something changed; yield what no longer holds, if that is new.

    A hook that sees REVOKED as exit code has nothing to say itself. Raises
    EnvmgrError where the result cannot be written: then nothing counts as allowed.
    """
    try:
        problems = grant.recheck(home, place, environ)
    except OSError as error:
        raise EnvmgrError(f"{error.filename or home.projects}: {error.strerror}") from error
    if problems:
        yield f"what was allowed here has changed: {'; '.join(problems)}; `envmgr allow` shows it and allows it again"


def _recheck(home: Home, directory: Path, environ: Environ) -> None:
    """Look again at what was allowed here, if anything of it has changed, so that the next shim need not ask."""
    if place := trust.nearest(home, directory, None, resolve.ceilings(environ)):
        with suppress(OSError):
            grant.recheck(home, place, environ)


def _remember(home: Home, ruling: ResolvedPin) -> None:
    """Write down what the words of `ruling` mean now, unless the store is busy or cannot be written."""
    store = Store(home)
    with suppress(StoreBusyError, EnvmgrError, OSError), lock.exclusive(home.lock, timeout=0):
        for request in ruling.requests:
            if not request.system:
                aliases.write_request(home, request, store.find(request))


def enter(home: Home, directory: Path, environ: Environ) -> Iterator[str]:
    """Yield notes on the project in `directory`, whose record is missing or does not work, for the user.

    Puts on record an environment that exists already, as after another spelling of the same pin, or through a link to
    the project; makes one where the user's configuration says so. Never downloads. Raises UsageError for a pin or a
    configuration that cannot be understood, EnvironmentFailedError.
    """
    here = active_python(home, directory, environ)
    if here.ruling.project:
        _linked(home, here.ruling.project)
    if here.external:
        yield from _compared(home, here, here.external)
    elif here.ruling.project and not here.ruling.requests[0].system:
        yield from _pinned(home, here.ruling, here.ruling.project, environ)


def _compared(home: Home, here: ActivePython, venv: Environment) -> Iterator[str]:
    """Yield a note where an allowed `.venv` is not what the pin asks for; else put on record that it is, for hooks."""
    if problem := here.problem.message if here.problem else here.mismatch:
        yield f"{problem}; `envmgr deny` takes back that {venv.path} is allowed"
    elif here.ruling.project:
        with suppress(OSError):
            files.write_atomically(trust.records(home, venv.project) / trust.ANSWERS, f"{here.ruling.words}\n")


def _pinned(home: Home, ruling: ResolvedPin, entered: Path, environ: Environ) -> Iterator[str]:
    """Put the environment of a pinned project on record; make it where the user wants that. Yields notes."""
    try:
        interpreter = resolve.installed_interpreter(Store(home), ruling, ruling.requests[0])
    except NotInstalledError as error:
        yield f"{error.message}; `envmgr use` installs it"
        return
    project = Path(os.path.realpath(entered))
    with suppress(StoreBusyError):
        yield from project_environment.rebind_moved(home, project)
    if environment := _made(home, project, interpreter):
        with suppress(StoreBusyError, EnvironmentFailedError):
            yield from binding.bind(home, entered, ruling.words, environment, patience=0)
    elif _automatic(environ):
        binding.ensure_bindable(project)
        environment = builder.build(home, project, interpreter, environ)
        yield from binding.bind(home, entered, ruling.words, environment)
        yield f"made an environment for Python {interpreter.build.version} in {environment.path}"
    else:
        yield _without_environment(home, ruling, project)


def _without_environment(home: Home, ruling: ResolvedPin, project: Path) -> str:
    """Return the note on a project that has no environment that works."""
    venv = project / record.VENV_LINK
    target = record.link_target(venv)
    ours = target is not None and home.envs in target.parents
    if record.lookup(home, project, ruling.words):
        return f"the environment of {project} no longer works; `envmgr use` makes it anew"
    if (venv / external.CONFIG).is_file() and not ours:
        return f"{venv} is not envmgr's; `envmgr allow` has it activated, `envmgr use` makes another"
    return f"no environment for Python {ruling.words} ({ruling.location}); `envmgr use` makes it"


def _linked(home: Home, project: Path) -> None:
    """Let a project that was entered through a link have the records of its real path, also those still to be made."""
    physical = Path(os.path.realpath(project))
    if project != physical or record.record_folder(home, physical).is_symlink():
        with suppress(StoreBusyError, UsageError, OSError), lock.exclusive(home.lock, timeout=0):
            binding.ensure_bindable(project)
            binding.link_real_path(home, project)


def _automatic(environ: Environ) -> bool:
    """Whether the user wants environments to be made on entering: `[hook] auto = "create"` in config.toml."""
    file = paths.config_file(environ)
    auto = config.table(config.read(file), file, "hook").get("auto", "off")
    if auto not in {"off", "create"}:
        raise UsageError(f"{file}: [hook] auto is {auto!a}", hint='it may be "off" or "create"')
    return bool(auto == "create")


def _made(home: Home, project: Path, interpreter: Interpreter) -> Environment | None:
    """Return the environment of `project` on `interpreter`, if there is one that works."""
    try:
        key = base_python(home, interpreter).key
    except EnvironmentFailedError:
        return None
    environment = record.load(record.environments_folder(home, project) / key)
    return environment if environment and environment.works else None

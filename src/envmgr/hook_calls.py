"""The commands that shims and hooks run for what shell builtins cannot do.

`_shim HOME COMMAND ARGUMENT...` replaces the process with the program, `_which HOME COMMAND` prints its path. `_enter
HOME DIRECTORY` writes the missing record of a project, once per visit; `_recheck HOME DIRECTORY` checks a grant again
after a path that it depends on has changed. HOME is the store; the caller derives it from its own path. Nothing here
downloads.
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

REVOKED = 10  # exit code of `_recheck` where a grant no longer holds


def shim(home: Home, command: str, arguments: list[str], environ: Environ) -> int:
    """Replace this process with the program that `command` means here; raises EnvmgrError.

    A program that installs or removes commands, in the store or in a virtual environment, is run as a child process
    instead: returns its exit code after the shims are refreshed.
    """
    program = which(home, command, environ)
    in_venv = (program.parent.parent / external.CONFIG).is_file()
    if (in_venv or program.is_relative_to(home.root)) and programs.installs(command, arguments):
        return shims.run_installer(home, program, [str(program), *arguments], environ)
    if program.parent.name == "shims":
        environ = {**environ, resolve.GUARD: str(os.getpid())}
    return process.exec_program(program, [str(program), *arguments], environ)


def which(home: Home, command: str, environ: Environ) -> Path:
    """Return the program that `command` means here; update the aliases of the pin's requests; raises EnvmgrError."""
    try:
        directory = paths.working_directory(environ)
    except UsageError:  # it was deleted: only the variable and the default apply
        directory = Path("/")
    _recheck(home, directory, environ)
    here = active_python(home, directory, environ)
    _write_aliases(home, here.resolved)
    return programs.find_program(home, here, command, environ)


def recheck(home: Home, directory: Path, environ: Environ) -> Iterator[str]:
    """Check the grant of `directory` again, because a path changed; yield a note where it newly does not hold.

    With the exit code REVOKED the hook prints no note of its own. Raises EnvmgrError where the result cannot be
    written: then nothing counts as allowed.
    """
    try:
        problems = grant.recheck(home, directory, environ)
    except OSError as error:
        raise EnvmgrError(f"{error.filename or home.projects}: {error.strerror}") from error
    if problems:
        yield f"what was allowed here has changed: {'; '.join(problems)}; `envmgr allow` shows it and allows it again"


def _recheck(home: Home, directory: Path, environ: Environ) -> None:
    """Check the nearest grant again if a path changed, and write the result, so that the next shim need not call."""
    if granted := trust.nearest(home, directory, None, resolve.ceilings(environ)):
        with suppress(OSError):
            grant.recheck(home, granted, environ)


def _write_aliases(home: Home, resolved: ResolvedPin) -> None:
    """Write the alias of each request of `resolved`, unless the store is busy or cannot be written."""
    store = Store(home)
    with suppress(StoreBusyError, EnvmgrError, OSError), lock.exclusive(home.lock, timeout=0):
        for request in resolved.requests:
            if not request.system:
                aliases.write_request(home, request, store.find(request))


def enter(home: Home, directory: Path, environ: Environ) -> Iterator[str]:
    """Bind the project in `directory`, whose record is missing or broken, to its environment; yield notes for the user.

    The environment may exist already, for another spelling of the same pin or for another path of the project. It is
    created only where the user's configuration says so. Raises UsageError for an invalid pin or configuration,
    EnvironmentFailedError.
    """
    here = active_python(home, directory, environ)
    if here.resolved.project:
        _link_real_path(home, here.resolved.project)
    if here.external:
        yield from _check_external(home, here, here.external)
    elif here.resolved.project and not here.resolved.requests[0].system:
        yield from _bind(home, here.resolved, here.resolved.project, environ)


def _check_external(home: Home, here: ActivePython, venv: Environment) -> Iterator[str]:
    """Yield a note where an allowed `.venv` does not match the pin; else write `.answers`, which hooks read."""
    if problem := here.problem.message if here.problem else here.mismatch:
        yield f"{problem}; `envmgr deny` revokes that {venv.path} is allowed"
    elif here.resolved.project:
        with suppress(OSError):
            files.write_atomically(trust.grant_folder(home, venv.project) / trust.ANSWERS, f"{here.resolved.words}\n")


def _bind(home: Home, resolved: ResolvedPin, entered: Path, environ: Environ) -> Iterator[str]:
    """Bind a pinned project to its environment; create it where the configuration says so. Yields notes."""
    try:
        interpreter = resolve.installed_interpreter(Store(home), resolved, resolved.requests[0])
    except NotInstalledError as error:
        yield f"{error.message}; `envmgr use` installs it"
        return
    project = Path(os.path.realpath(entered))
    with suppress(StoreBusyError):
        yield from project_environment.rebind_moved(home, project)
    if environment := _existing(home, project, interpreter):
        with suppress(StoreBusyError, EnvironmentFailedError):
            yield from binding.bind(home, entered, resolved.words, environment, patience=0)
    elif _creates_environments(environ):
        binding.ensure_bindable(project)
        environment = builder.build(home, project, interpreter, environ)
        yield from binding.bind(home, entered, resolved.words, environment)
        yield f"made an environment for Python {interpreter.build.version} in {environment.path}"
    else:
        yield _without_environment(home, resolved, project)


def _without_environment(home: Home, resolved: ResolvedPin, project: Path) -> str:
    """Return the note for a project without a working environment."""
    venv = project / record.VENV_LINK
    target = record.link_target(venv)
    in_store = target is not None and home.envs in target.parents
    if record.lookup(home, project, resolved.words):
        return f"the environment of {project} no longer works; `envmgr use` makes it anew"
    if (venv / external.CONFIG).is_file() and not in_store:
        return f"{venv} is not envmgr's; `envmgr allow` activates it, `envmgr use` makes another"
    return f"no environment for Python {resolved.words} ({resolved.location}); `envmgr use` makes it"


def _link_real_path(home: Home, project: Path) -> None:
    """Make the record folder of a project that was entered through a link a link to that of its real path."""
    real = Path(os.path.realpath(project))
    if project != real or record.record_folder(home, real).is_symlink():
        with suppress(StoreBusyError, UsageError, OSError), lock.exclusive(home.lock, timeout=0):
            binding.ensure_bindable(project)
            binding.link_real_path(home, project)


def _creates_environments(environ: Environ) -> bool:
    """Return whether environments are created on entering: `[hook] auto = "create"` in config.toml.

    Raises UsageError for another value than "off" or "create".
    """
    file = paths.config_file(environ)
    auto = config.table(config.read(file), file, "hook").get("auto", "off")
    if auto not in {"off", "create"}:
        raise UsageError(f"{file}: [hook] auto is {auto!a}", hint='it may be "off" or "create"')
    return bool(auto == "create")


def _existing(home: Home, project: Path, interpreter: Interpreter) -> Environment | None:
    """Return the working environment of `project` on `interpreter`, None where there is none."""
    try:
        key = base_python(home, interpreter).key
    except EnvironmentFailedError:
        return None
    environment = record.load(record.environments_folder(home, project) / key)
    return environment if environment and environment.works else None

"""What shims and hooks call when builtins do not suffice.

`_shim HOME COMMAND ARGUMENT...` becomes the program, `_which HOME COMMAND` prints it, `_enter HOME DIRECTORY` looks
at a project that has no record that works, once per visit. HOME is the store that the caller found from its own path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from envmgr.environments import builder, record, ties
from envmgr.environments.base import base
from envmgr.environments.record import Environment
from envmgr.errors import EnvironmentFailedError, EnvmgrError, NotInstalledError, StoreBusyError, UsageError
from envmgr.host import config, lock, paths, process
from envmgr.host.paths import Environ, Home
from envmgr.pythons import aliases, resolve
from envmgr.pythons.resolve import Ruling
from envmgr.pythons.store import Interpreter, Store
from envmgr.shell import programs


def shim(home: Home, command: str, arguments: list[str], environ: Environ) -> None:
    """Become the program that `command` means here; returns never, raises EnvmgrError."""
    program = which(home, command, environ)
    if program.parent.name == "shims":
        environ = {**environ, resolve.GUARD: str(os.getpid())}
    process.become(program, [str(program), *arguments], environ)


def which(home: Home, command: str, environ: Environ) -> Path:
    """Return the program that `command` means here, and remember what was asked for; raises EnvmgrError."""
    try:
        directory = paths.working_directory(environ)
    except UsageError:  # it was deleted; what rules everywhere rules here too
        directory = Path("/")
    ruling = resolve.ruling(home, directory, environ)
    _remember(home, ruling)
    return programs.find(home, ruling, command, environ)


def _remember(home: Home, ruling: Ruling) -> None:
    """Write down what the words of `ruling` mean now, unless the store is busy or cannot be written."""
    store = Store(home)
    with suppress(StoreBusyError, EnvmgrError, OSError), lock.exclusive(home.lock, patience=0):
        for request in ruling.requests:
            if not request.system:
                aliases.remember(home, request, store.find(request))


def enter(home: Home, directory: Path, environ: Environ) -> Iterator[str]:
    """Yield what the user should know about the project in `directory`, whose record is missing or does not work.

    Puts on record an environment that exists already, as after another spelling of the same pin, or through a link to
    the project; makes one where the user's configuration says so. Never downloads. Raises UsageError for a pin or a
    configuration that cannot be understood, EnvironmentFailedError.
    """
    ruling = resolve.ruling(home, directory, environ)
    if ruling.project is None or ruling.requests[0].system:
        return
    _entered(home, ruling.project)
    try:
        interpreter = resolve.interpreter(Store(home), ruling, ruling.requests[0])
    except NotInstalledError as error:
        yield f"{error.message}; `envmgr use` installs it"
        return
    project = ruling.project.resolve()
    if environment := _made(home, project, interpreter):
        with suppress(StoreBusyError, EnvironmentFailedError):
            yield from ties.tie(home, ruling.project, ruling.words, environment, patience=0)
    elif _automatic(environ):
        ties.refuse(project)
        environment = builder.build(home, project, interpreter, environ)
        yield from ties.tie(home, ruling.project, ruling.words, environment)
        yield f"made an environment for Python {interpreter.build.version} in {environment.path}"
    elif record.lookup(home, project, ruling.words):
        yield f"the environment of {project} no longer works; `envmgr use` makes it anew"
    elif (project / record.LINK / "pyvenv.cfg").is_file():
        yield f"{project}/{record.LINK} is not envmgr's; `envmgr allow` has it activated, `envmgr use` makes another"
    else:
        yield f"no environment for Python {ruling.words} ({ruling.origin}); `envmgr use` makes it"


def _entered(home: Home, project: Path) -> None:
    """Let a project that was entered through a link have the records of its real path, also those still to be made."""
    physical = Path(os.path.realpath(project))
    if project != physical or record.records(home, physical).is_symlink():
        with suppress(StoreBusyError, UsageError, OSError), lock.exclusive(home.lock, patience=0):
            ties.refuse(project)
            ties.enter(home, project)


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
        key = base(home, interpreter).key
    except EnvironmentFailedError:
        return None
    environment = record.load(record.folder(home, project) / key)
    return environment if environment and environment.works else None

"""Find the program that a command runs in a directory; `shims/shim.sh` implements the same rule in sh.

docs/reference/state-on-disk.md describes the rule; tests/conformance checks both implementations against one table.
Nothing here may write.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from envmgr.errors import CommandNotFoundError
from envmgr.host.paths import Environ, Home
from envmgr.pythons import resolve
from envmgr.pythons.store import Store
from envmgr.shell.active import ActivePython

# Python's own commands, as patterns; shim.sh has the same ones. They are never taken from the rest of PATH, because the
# `pip` of a project must not install into another Python.
PYTHON_COMMANDS = (
    "python",
    "pythonw",
    "python-config",
    "python[0-9]*",
    "pip",
    "pip[0-9]*",
    "pydoc",
    "pydoc[0-9]*",
    "idle",
    "idle[0-9]*",
    "2to3",
    "2to3-*",
)


def is_python_command(command: str) -> bool:
    """Return whether `command` belongs to Python itself, as `python3.12` and `pip` do."""
    return any(fnmatchcase(command, pattern) for pattern in PYTHON_COMMANDS)


_INSTALLING = ("install", "uninstall", "sync", "add", "remove")


def installs(command: str, arguments: Sequence[str]) -> bool:
    """Return whether `command` with `arguments` may install or remove programs: pip, in any of its forms, and uv.

    shim.sh has the same patterns.
    """
    first, text = (f" {' '.join(words)} " for words in (arguments[:4], arguments))
    if command == "python" or fnmatchcase(command, "python[0-9]*"):
        if " -m ensurepip " in first:
            return True
        if " -m pip " not in first and " -mpip " not in first:
            return False
    elif command not in {"pip", "uv"} and not fnmatchcase(command, "pip[0-9]*"):
        return False
    return any(f" {word} " in text for word in _INSTALLING)


def candidates(home: Home, active: ActivePython, command: str, environ: Environ) -> Iterator[Path]:
    """Yield the programs that `command` may mean under `active`; the first is the one that runs.

    Raises, on the way, NotInstalledError or NoSuchVersionError for a missing Python, and UsageError for an invalid pin.
    """
    for environment in active.environments:
        yield from _executable(environment.bin / command)
    active.check_pin()
    store = Store(home)
    for request in active.resolved.requests:
        if request.system:
            yield from _on_path(home, command, environ)
        else:
            found = resolve.installed_interpreter(store, active.resolved, request)
            yield from _executable(home.aliases / found.alias / "bin" / command)
    link = home.shims / command
    if _target(link).startswith("../aliases/"):
        yield from _executable(link)
    if not is_python_command(command):
        yield from _on_path(home, command, environ)


def find_program(home: Home, active: ActivePython, command: str, environ: Environ) -> Path:
    """Return the program that `command` means under `active`.

    Raises CommandNotFoundError, which names the Pythons that have it, and the errors of `candidates`.
    """
    for program in candidates(home, active, command, environ):
        return program
    raise missing_error(home, active, command)


def missing_error(home: Home, active: ActivePython, command: str) -> CommandNotFoundError:
    """Return the error for a command that is not found; its hint names the Pythons that have it, or the next step."""
    hint, store, resolved = None, Store(home), active.resolved
    found = [store.find(request) for request in resolved.requests]
    if broken := next(
        (interpreter.missing_error() for interpreter in found if interpreter and not interpreter.works), None
    ):
        return CommandNotFoundError(f"{command}: {broken.message} ({resolved.location})", hint=broken.hint)
    if holders := ", ".join(resolve.versions_with(store, command)):
        step = "`envmgr use`" if resolved.pin else "`envmgr use` here, or `envmgr use --global` everywhere"
        hint = f"these have it: {holders}; pin one with {step}"
    elif resolved.project and not active.recorded:
        hint = (
            f"{resolved.project} has no environment yet: `envmgr use` makes it, `envmgr sync` installs the requirements"
        )
    return CommandNotFoundError(f"{command}: no such command under {resolved.words} ({resolved.location})", hint=hint)


def _executable(path: Path) -> Iterator[Path]:
    """Yield `path` if it is executable."""
    if os.access(path, os.X_OK):
        yield path


def _on_path(home: Home, command: str, environ: Environ) -> Iterator[Path]:
    """Yield the program that PATH has without shims and environments."""
    if found := resolve.find_on_path(command, home, environ):
        yield found


def _target(link: Path) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 - the text of the link, not a path
    except OSError:
        return ""

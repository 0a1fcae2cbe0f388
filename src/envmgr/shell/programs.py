"""Which program a command is in a directory: the rule that `shims/shim.sh` tells in sh.

docs/reference/state-on-disk.md has it in words; tests/conformance holds every telling to one table.
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

# never taken from elsewhere: a project's `pip` must not install into another Python; the same patterns as in shim.sh
FAMILY = (
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


def family(command: str) -> bool:
    """Whether `command` belongs to Python itself."""
    return any(fnmatchcase(command, pattern) for pattern in FAMILY)


_INSTALLING = ("install", "uninstall", "sync", "add", "remove")


def installs(command: str, arguments: Sequence[str]) -> bool:
    """Whether `command` with `arguments` may install or remove programs: pip, in any of its forms, and uv.

    The same patterns as in shim.sh.
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
    """Yield the programs that `command` may mean where `active` is the answer; the first is the one that runs.

    Raises NotInstalledError or NoSuchVersionError when it comes to a Python that is missing, UsageError for a pin that
    cannot be understood when it comes to it.
    """
    for environment in active.environments:
        yield from _executable(environment.bin / command)
    active.check_pin()
    store = Store(home)
    for request in active.ruling.requests:
        if request.system:
            yield from _elsewhere(home, command, environ)
        else:
            found = resolve.installed_interpreter(store, active.ruling, request)
            yield from _executable(home.aliases / found.alias / "bin" / command)
    link = home.shims / command
    if _target(link).startswith("../aliases/"):
        yield from _executable(link)
    if not family(command):
        yield from _elsewhere(home, command, environ)


def find_program(home: Home, active: ActivePython, command: str, environ: Environ) -> Path:
    """Return the program that `command` means where `active` is the answer.

    Raises CommandNotFoundError naming the Pythons that have it, and what `candidates` raises.
    """
    for program in candidates(home, active, command, environ):
        return program
    raise missing_error(home, active, command)


def missing_error(home: Home, active: ActivePython, command: str) -> CommandNotFoundError:
    """Return the error for a command that nothing here has; it names the Pythons that do, or the next step."""
    hint, store, ruling = None, Store(home), active.ruling
    asked = [store.find(request) for request in ruling.requests]
    if lost := next((found.missing_error() for found in asked if found and not found.works), None):
        return CommandNotFoundError(f"{command}: {lost.message} ({ruling.location})", hint=lost.hint)
    if holders := ", ".join(resolve.versions_with(store, command)):
        step = "`envmgr use`" if ruling.pin else "`envmgr use` here, or `envmgr use --global` everywhere"
        hint = f"these have it: {holders}; pin one with {step}"
    elif ruling.project and not active.recorded:
        hint = f"{ruling.project} has no environment yet: `envmgr use` makes it, `envmgr sync` fills it"
    return CommandNotFoundError(f"{command}: no such command under {ruling.words} ({ruling.location})", hint=hint)


def _executable(path: Path) -> Iterator[Path]:
    if os.access(path, os.X_OK):
        yield path


def _elsewhere(home: Home, command: str, environ: Environ) -> Iterator[Path]:
    if found := resolve.find_on_path(command, home, environ):
        yield found


def _target(link: Path) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 - the text of the link, not a path
    except OSError:
        return ""

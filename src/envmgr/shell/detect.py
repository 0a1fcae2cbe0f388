"""Detect the user's shell: the nearest parent process that is a shell with a hook, else the login shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from envmgr.errors import CommandNotFoundError, UsageError
from envmgr.host import process
from envmgr.host.paths import Environ
from envmgr.shell.shells import SHELLS

_MAX_PARENTS = 20  # the terminal is among the first


def current_shell(environ: Environ) -> str:
    """Return the name of the user's shell; raises UsageError where it has no hook or is unknown."""
    return select_shell(ancestors(os.getppid(), environ), environ)


def select_shell(programs: Iterable[str], environ: Environ) -> str:
    """Return the first of `programs` that is a shell with a hook, else that of `$SHELL`; raises UsageError."""
    login = environ.get("SHELL", "").rpartition("/")[2]
    for name in (*programs, login):
        if name in SHELLS:
            return name
    raise UsageError(f"cannot detect the shell ($SHELL: {login!a})", hint="name it, one of: " + ", ".join(SHELLS))


def ancestors(pid: int, environ: Environ) -> Iterator[str]:
    """Yield the names of process `pid` and its ancestors, without the leading `-` of a login shell."""
    return (name.removeprefix("-") for _, name in _processes(pid, environ))


def process_ids(pid: int, environ: Environ) -> Iterator[int]:
    """Yield `pid` and the ids of its ancestors."""
    return (number for number, _ in _processes(pid, environ))


def _processes(pid: int, environ: Environ) -> Iterator[tuple[int, str]]:
    """Yield the id and the name of process `pid` and of its ancestors."""
    for _ in range(_MAX_PARENTS):
        parent, name = _linux(pid) if sys.platform == "linux" else _ps(pid, environ)
        if not name:
            return
        yield pid, name
        pid = parent


def _linux(pid: int) -> tuple[int, str]:
    """Return the parent and the name from /proc/PID/stat: `pid (name) state parent ...`; the name may have any byte."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return 0, ""
    head, _, tail = text.rpartition(")")
    return int(tail.split()[1]), head.partition("(")[2]


def _ps(pid: int, environ: Environ) -> tuple[int, str]:
    """Return the parent and the name from ps(1), for systems without /proc."""
    try:
        done = process.run(["ps", "-o", "ppid=,comm=", "-p", str(pid)], environ=environ, timeout=5)
    except CommandNotFoundError:
        return 0, ""
    parent, _, name = done.text.strip().partition(" ")
    return (int(parent), name.strip().rpartition("/")[2]) if done.code == 0 and parent.isdigit() else (0, "")

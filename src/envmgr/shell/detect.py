"""Which shell the user is in: the nearest program above this process that is one, else the login shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from envmgr.errors import CommandNotFoundError, UsageError
from envmgr.host import process
from envmgr.host.paths import Environ
from envmgr.shell.shells import SHELLS

_TALLEST = 20  # generations; a terminal is nearer


def current_shell(environ: Environ) -> str:
    """Return the name of the user's shell; raises UsageError when that has no hook, or cannot be told."""
    return select_shell(ancestors(os.getppid(), environ), environ)


def select_shell(programs: Iterable[str], environ: Environ) -> str:
    """Return the first of `programs` that is a shell with a hook, else `$SHELL`; raises UsageError as `shell` does."""
    login = environ.get("SHELL", "").rpartition("/")[2]
    for name in (*programs, login):
        if name in SHELLS:
            return name
    raise UsageError(
        f"cannot tell which shell this is ($SHELL: {login!a})", hint="name it, one of: " + ", ".join(SHELLS)
    )


def ancestors(pid: int, environ: Environ) -> Iterator[str]:
    """Yield the names of process `pid` and of those above it; a login shell's leading `-` is left out."""
    return (name.removeprefix("-") for _, name in _above(pid, environ))


def process_ids(pid: int, environ: Environ) -> Iterator[int]:
    """Yield `pid` and the numbers of the processes above it."""
    return (number for number, _ in _above(pid, environ))


def _above(pid: int, environ: Environ) -> Iterator[tuple[int, str]]:
    for _ in range(_TALLEST):
        parent, name = _linux(pid) if sys.platform == "linux" else _ps(pid, environ)
        if not name:
            return
        yield pid, name
        pid = parent


def _linux(pid: int) -> tuple[int, str]:
    """Read /proc/PID/stat: `pid (name) state parent ...`, where the name may hold anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return 0, ""
    head, _, tail = text.rpartition(")")
    return int(tail.split()[1]), head.partition("(")[2]


def _ps(pid: int, environ: Environ) -> tuple[int, str]:
    try:
        done = process.run(["ps", "-o", "ppid=,comm=", "-p", str(pid)], environ=environ, timeout=5)
    except CommandNotFoundError:
        return 0, ""
    parent, _, name = done.text.strip().partition(" ")
    return (int(parent), name.strip().rpartition("/")[2]) if done.code == 0 and parent.isdigit() else (0, "")

"""The writer lock: one per store, advisory, released by the kernel when its holder dies. The one home of fcntl.

It is `flock` itself; a library for it takes long to import (docs/adr/0060-the-lock-is-flock.md).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envmgr.errors import EnvmgrError, StoreBusyError

PATIENCE = 600.0  # seconds; an install over a slow line holds the lock only while it publishes
_PAUSE = 0.02  # seconds between two tries


@contextmanager
def exclusive(path: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock file at `path`, waiting at most `patience` seconds; raises StoreBusyError after that.

    It is not reentrant, and keeps threads of one process apart as well. Raises EnvmgrError for a place that cannot be
    written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = _acquired(path, time.monotonic() + patience)
    except OSError as error:
        raise EnvmgrError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        os.close(held)


def _acquired(path: Path, deadline: float) -> int:
    """Return the descriptor that holds the lock until it is closed."""
    while (held := _tried(path)) is None:
        if time.monotonic() >= deadline:
            raise StoreBusyError(
                f"another envmgr is working in {path.parent}", hint="wait for it to finish, then try again"
            )
        time.sleep(_PAUSE)
    return held


def _tried(path: Path) -> int | None:
    """Return a descriptor that holds the lock, or None when another has it."""
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:  # else its last holder removed it, and somebody else may hold its successor
            return descriptor
    except BlockingIOError:
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None

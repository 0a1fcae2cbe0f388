"""The writer lock: one per store, advisory, released by the kernel when its holder dies (flock(2); ADR 60)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envmgr.errors import EnvmgrError, StoreBusyError

PATIENCE = 600.0  # seconds; an install over a slow line holds the lock only while it publishes
_PAUSE = 0.05  # seconds between two tries


@contextmanager
def exclusive(path: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock file at `path`, waiting at most `patience` seconds; raises StoreBusyError after that.

    Not to be taken again by who has it. Raises EnvmgrError for a place that cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = _held(path, time.monotonic() + patience)
    except OSError as error:
        raise EnvmgrError(f"{path}: cannot be written: {error.strerror}") from error
    if held is None:
        raise StoreBusyError(
            f"another envmgr is working in {path.parent}", hint="wait for it to finish, then try again"
        )
    try:
        yield
    finally:
        os.close(held)


def _held(path: Path, end: float) -> int | None:
    """Return a descriptor that holds the lock, None where another still did at `end`; raises OSError."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        if _locked(descriptor) and _there(descriptor, path):
            return descriptor
        os.close(descriptor)
        if time.monotonic() >= end:
            return None
        time.sleep(_PAUSE)


def _locked(descriptor: int) -> bool:
    import fcntl  # Windows, which hears from `platforms` that it is not supported, has none

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _there(descriptor: int, path: Path) -> bool:
    """Whether the file is still the one at `path`: whoever removed the store removed the lock, and it locks nothing."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False

"""The writer lock: one per store, advisory, released by the kernel when its holder dies.

flock(2) itself, because importing a library for it takes longer than making an environment
(docs/adr/0052-flock-itself.md).
"""

from __future__ import annotations

import fcntl
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

    Not reentrant. Raises EnvmgrError for a place that cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise EnvmgrError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        _acquire(descriptor, path, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)  # which lets go


def _acquire(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise StoreBusyError(
                    f"another envmgr is working in {path.parent}", hint="wait for it to finish, then try again"
                ) from error
            time.sleep(_PAUSE)
        except OSError as error:
            raise EnvmgrError(f"{path}: this filesystem has no locks: {error.strerror}") from error
        else:
            return

"""The writer lock: one per store, advisory, released by the kernel when its holder dies. The one home of filelock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envmgr.errors import EnvmgrError, StoreBusyError

TIMEOUT = 600.0  # seconds; an install over a slow line holds the lock only while it publishes


@contextmanager
def exclusive(path: Path, *, patience: float = TIMEOUT) -> Iterator[None]:
    """Hold the lock file at `path`, waiting at most `patience` seconds; raises StoreBusyError after that.

    Raises EnvmgrError for a place that cannot be written to, and where the filesystem refuses to lock.
    """
    import filelock

    held = filelock.FileLock(path, fallback_to_soft=False)  # a soft lock outlives a holder that was killed
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire(timeout=0)
        except filelock.Timeout:
            _ensure_contended(path)
            held.acquire(timeout=patience)
    except filelock.Timeout as error:
        raise StoreBusyError(
            f"another envmgr is working in {path.parent}", hint="wait for it to finish, then try again"
        ) from error
    except OSError as error:
        refused = "written" if error.filename else "locked"  # flock has a descriptor, no path
        raise EnvmgrError(
            f"{path}: cannot be {refused}: {error.strerror}", hint="ENVMGR_HOME may name another place"
        ) from error
    try:
        yield
    finally:
        held.release()


def _ensure_contended(path: Path) -> None:
    """Raise OSError unless the lock is free by now, or held by somebody.

    filelock waits for EACCES as for a lock that is held; some network filesystems answer that for ever.
    """
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    finally:
        os.close(descriptor)

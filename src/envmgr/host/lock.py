"""The lock file: advisory, released by the kernel when its process ends. The only module that imports filelock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envmgr.errors import EnvmgrError, StoreBusyError

TIMEOUT = 600.0  # seconds; an install takes the lock only to publish, not while it downloads


@contextmanager
def exclusive(path: Path, *, timeout: float = TIMEOUT) -> Iterator[None]:
    """Lock the file at `path` for the block, waiting at most `timeout` seconds; raises StoreBusyError after that.

    Raises EnvmgrError for a path that cannot be written, and where the filesystem refuses to lock.
    """
    import filelock

    file_lock = filelock.FileLock(path, fallback_to_soft=False)  # a soft lock remains after its process was killed
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file_lock.acquire(timeout=0)
        except filelock.Timeout:
            _ensure_contended(path)
            file_lock.acquire(timeout=timeout)
    except filelock.Timeout as error:
        raise StoreBusyError(
            f"another envmgr has locked {path.parent}", hint="wait until it has finished, then try again"
        ) from error
    except OSError as error:
        refused = "written" if error.filename else "locked"  # an error of flock has no file name
        raise EnvmgrError(
            f"{path}: cannot be {refused}: {error.strerror}", hint="set ENVMGR_HOME to another directory"
        ) from error
    try:
        yield
    finally:
        file_lock.release()


def _ensure_contended(path: Path) -> None:
    """Raise OSError unless the lock is free by now, or another process has it.

    filelock retries on EACCES as on a taken lock; some network filesystems always return it.
    """
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    finally:
        os.close(descriptor)

"""The writer lock: one per store, advisory, released by the kernel when its holder dies. The one home of filelock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envmgr.errors import EnvmgrError, StoreBusyError

PATIENCE = 600.0  # seconds; an install over a slow line holds the lock only while it publishes


@contextmanager
def exclusive(path: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock file at `path`, waiting at most `patience` seconds; raises StoreBusyError after that.

    Raises EnvmgrError for a place that cannot be written to.
    """
    import filelock

    held = filelock.FileLock(path, timeout=patience)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except filelock.Timeout as error:
        raise StoreBusyError(
            f"another envmgr is working in {path.parent}", hint="wait for it to finish, then try again"
        ) from error
    except OSError as error:
        raise EnvmgrError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        held.release()

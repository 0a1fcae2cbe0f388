"""The writer lock: one per store, advisory, released by the kernel when its holder dies. The one home of filelock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envmgr.errors import StoreBusyError

PATIENCE = 600.0  # seconds; an install over a slow line holds the lock only while it publishes


@contextmanager
def exclusive(path: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock file at `path`, waiting at most `patience` seconds; raises StoreBusyError after that."""
    import filelock

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(path, timeout=patience):
            yield
    except filelock.Timeout as error:
        raise StoreBusyError(
            f"another envmgr is working in {path.parent}", hint="wait for it to finish, then try again"
        ) from error

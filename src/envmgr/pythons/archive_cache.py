"""List and remove cached archives, safely while other processes download or unpack them.

`host.download` writes two files beside an archive NAME: the lock `.NAME.lock`, and `NAME.part` for an incomplete
download.
"""

from __future__ import annotations

from pathlib import Path

from envmgr.errors import StoreBusyError
from envmgr.host import download, lock


def archives(cache: Path) -> list[Path]:
    """Return the paths of all archives in the cache, complete or not; a path may have only a lock or a part file."""
    names = {
        path.name.removeprefix(".").removesuffix(".lock").removesuffix(".part")
        for path in (cache / "downloads").glob("*")
        if path.is_file()
    }
    return [cache / "downloads" / name for name in sorted(names)]


def size(archive: Path) -> int:
    """Return the disk space that an archive and its part file take, in bytes."""
    total = 0
    for path in (archive, _part(archive)):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


def remove(archive: Path) -> bool:
    """Remove an archive with its part file and lock; return False without a change if another process uses it."""
    guard = download.lock_path(archive)
    try:
        with lock.exclusive(guard, timeout=0):
            for path in (archive, _part(archive), guard):  # a process that waits for the lock notices the new file
                path.unlink(missing_ok=True)
    except StoreBusyError:
        return False
    return True


def _part(archive: Path) -> Path:
    """Return the path of an incomplete download."""
    return archive.with_name(f"{archive.name}.part")

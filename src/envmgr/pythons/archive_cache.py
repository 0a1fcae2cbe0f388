"""The cache of archives: what is in it, and removing that while others may be at work. A writer.

`host.download` keeps beside an archive NAME the lock `.NAME.lock` and, of a download that broke off, `NAME.part`.
"""

from __future__ import annotations

from pathlib import Path

from envmgr.errors import StoreBusyError
from envmgr.host import download, lock


def archives(cache: Path) -> list[Path]:
    """Return the archives that are in the cache, or were begun; no file of a name need be there."""
    names = {
        path.name.removeprefix(".").removesuffix(".lock").removesuffix(".part")
        for path in (cache / "downloads").glob("*")
        if path.is_file()
    }
    return [cache / "downloads" / name for name in sorted(names)]


def size(archive: Path) -> int:
    """Return the bytes on the disk that removing an archive frees."""
    total = 0
    for path in (archive, _part(archive)):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


def remove(archive: Path) -> bool:
    """Remove an archive with what belongs to it; returns False, and leaves it, while it is downloaded or unpacked."""
    guard = download.lock_path(archive)
    try:
        with lock.exclusive(guard, timeout=0):
            for path in (archive, _part(archive), guard):  # who waits for the lock sees that it is another one now
                path.unlink(missing_ok=True)
    except StoreBusyError:
        return False
    return True


def _part(archive: Path) -> Path:
    return archive.with_name(f"{archive.name}.part")

"""Archives: writing and unpacking them. The one home of tarfile."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

_MTIME = 1704067200  # any constant: equal inputs make equal archives


def write(root: Path, to: Path, *, level: int) -> None:
    """Write the tree `root`, named by its last component, to the file `to` as `.tar.gz`; files and links only."""
    with (
        to.open("wb") as raw,
        gzip.GzipFile("", "wb", level, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path in sorted(root.rglob("*")):
            if path.is_symlink() or not path.is_dir():
                tar.add(path, path.relative_to(root.parent), recursive=False, filter=_plain)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Forget whose file it was, and when."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = _MTIME
    return member

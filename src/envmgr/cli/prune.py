"""`envmgr prune`: remove what nothing uses any more, and say what that freed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from envmgr.cli import Context, console
from envmgr.environments import leftovers
from envmgr.pythons import installer


@click.command()
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would be removed.")
@click.pass_obj
def prune(context: Context, *, dry_run: bool) -> None:
    """Remove Pythons that have a successor and that nothing uses, stale templates, and downloaded archives.

    Kept is what an environment runs on, and what the global default or the version file of a project that has an
    environment means. Linked Pythons and environments are never touched.
    """
    installer.mend(context.home)
    freed = 0
    for path in list(_useless(context)):
        size = _size(path)
        if not dry_run:
            _remove(context, path)
        freed += size
        console.say(f"{'Would remove' if dry_run else 'Removed'} {path} ({size / 1e6:.1f} MB)")
    console.say(f"{'Would free' if dry_run else 'Freed'} {freed / 1e6:.1f} MB" if freed else "Nothing to remove")


def _useless(context: Context) -> Iterator[Path]:
    for build in leftovers.superseded(context.home):
        yield context.home.versions / str(build)
    yield from leftovers.stale_templates(context.home)
    yield from sorted((context.cache / "downloads").glob("*"))


def _remove(context: Context, path: Path) -> None:
    if path.is_dir():
        installer.discard(context.home, path)
    else:
        path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    """Return the bytes that removing `path` frees; what other directories have by a hard link too stays."""
    files = path.rglob("*") if path.is_dir() else [path]
    found = [file.lstat() for file in files if not file.is_dir() or file.is_symlink()]
    return sum(status.st_blocks * 512 for status in found if status.st_nlink == 1)

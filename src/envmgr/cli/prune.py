"""`envmgr prune`: remove unused Pythons, templates and archives, and print the freed space."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand
from envmgr.environments import unused
from envmgr.pythons import archive_cache, installer


@click.command(cls=ChangingCommand)
@click.option("--dry-run", "-n", is_flag=True, help="Only print what would be removed.")
@click.pass_obj
def prune_command(context: Context, *, dry_run: bool) -> None:
    """Remove superseded Pythons that nothing uses, stale templates, and downloaded archives.

    A Python is used where an environment runs on it, or where the global default or the version file of a project with
    an environment asks for it. Linked Pythons and environments are never removed.
    """
    installer.clean_up(context.home)
    freed = sum(_remove(context, path, size, dry_run=dry_run) for path, size in list(_unused(context)))
    console.say(f"{'Would free' if dry_run else 'Freed'} {freed / 1e6:.1f} MB" if freed else "Nothing to remove")


def _unused(context: Context) -> Iterator[tuple[Path, int]]:
    """Yield the paths to remove, and their sizes in bytes."""
    for build in unused.superseded(context.home):
        yield (path := context.home.versions / str(build)), _size(path)
    for path in unused.stale_templates(context.home):
        yield path, _size(path)
    for path in archive_cache.archives(context.cache):
        yield path, archive_cache.size(path)


def _remove(context: Context, path: Path, size: int, *, dry_run: bool) -> int:
    """Remove `path`, unless another process uses it, and print that; return the bytes freed."""
    if not dry_run:
        if path.parent == context.cache / "downloads":
            if not archive_cache.remove(path):
                return 0
        else:
            installer.remove_directory(context.home, path)
    if size:
        console.say(f"{'Would remove' if dry_run else 'Removed'} {path} ({size / 1e6:.1f} MB)")
    return size


def _size(path: Path) -> int:
    """Return the bytes that removing a directory frees: files with other hard links free none."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(FileNotFoundError):  # another process removes it
                status = os.lstat(f"{folder}/{name}")
                total += status.st_blocks * 512 if status.st_nlink == 1 else 0
    return total

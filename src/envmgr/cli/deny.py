"""`envmgr deny`: revoke what was allowed."""

from __future__ import annotations

import os
from pathlib import Path

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand
from envmgr.shell import grant


@click.command(cls=ChangingCommand)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def deny_command(context: Context, path: Path | None) -> None:
    """Revoke what was allowed for the project in PATH (here, by default)."""
    folder = Path(os.path.normpath(context.cwd / (path or ".")))
    revoked = grant.deny(context.home, folder)
    console.say(f"Revoked what was allowed in {folder}." if revoked else f"Nothing was allowed in {folder}.")

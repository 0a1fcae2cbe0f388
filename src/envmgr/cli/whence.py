"""`envmgr whence`: which Pythons and environments have a command."""

from __future__ import annotations

import os

import click

from envmgr.cli import Context, console
from envmgr.environments import record
from envmgr.errors import CommandNotFoundError
from envmgr.pythons import resolve
from envmgr.pythons.store import Store


@click.command()
@click.argument("command")
@click.pass_obj
def whence(context: Context, command: str) -> None:
    """Print the Pythons, then the environments, that have COMMAND."""
    found = list(resolve.holders(Store(context.home), command))
    for made in record.environments(context.home):
        found += [f"{made.project} ({made.key})"] if os.access(made.bin / command, os.X_OK) else []
    if not found:
        raise CommandNotFoundError(f"{command}: no Python and no environment has it")
    for place in found:
        console.data(console.printable(place))

"""`envmgr whence`: which Pythons and environments have a command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

import click

from envmgr.cli import Context, console
from envmgr.environments import record
from envmgr.environments.record import Environment
from envmgr.errors import CommandNotFoundError, UsageError
from envmgr.pythons import resolve
from envmgr.pythons.store import Store
from envmgr.shell.active import active_python


@click.command()
@click.argument("command")
@click.pass_obj
def whence(context: Context, command: str) -> None:
    """Print the Pythons, then the environments, that have COMMAND."""
    found = list(resolve.versions_with(Store(context.home), command))
    for made in chain(_allowed(context), record.environments(context.home)):
        found += [f"{made.project} ({made.key})"] if os.access(made.bin / command, os.X_OK) else []
    if not found:
        raise CommandNotFoundError(f"{command}: no Python and no environment has it")
    for place in found:
        console.data(console.printable(place))


def _allowed(context: Context) -> Iterator[Environment]:
    """Yield the project's own `.venv` if it is active here; a pin that cannot be understood is no matter."""
    with suppress(UsageError):
        here = active_python(context.home, context.cwd, context.environ)
        yield from [here.external] if here.external else []

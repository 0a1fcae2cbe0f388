"""`envmgr whence`: list the Pythons and environments that have a command."""

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
def whence_command(context: Context, command: str) -> None:
    """Print the Pythons, then the environments, that have COMMAND."""
    found = list(resolve.versions_with(Store(context.home), command))
    for environment in chain(_allowed(context), record.environments(context.home)):
        found += [f"{environment.project} ({environment.key})"] if os.access(environment.bin / command, os.X_OK) else []
    if not found:
        raise CommandNotFoundError(f"{command}: no Python and no environment has it")
    for name in found:
        console.data(console.printable(name))


def _allowed(context: Context) -> Iterator[Environment]:
    """Yield the allowed `.venv` of this directory; an invalid pin is no error."""
    with suppress(UsageError):
        here = active_python(context.home, context.cwd, context.environ)
        yield from [here.external] if here.external else []

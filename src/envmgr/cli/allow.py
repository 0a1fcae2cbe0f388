"""`envmgr allow`: show the external environment and the variables of a project, then grant them."""

from __future__ import annotations

import os
from pathlib import Path

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand
from envmgr.errors import UsageError
from envmgr.shell import grant, offer, trust, variables
from envmgr.shell.offer import Offer


@click.command(cls=ChangingCommand)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--list", "listing", is_flag=True, help="List everything that is allowed.")
@click.option(
    "--unsafe", is_flag=True, help="Allow variables that steer the shell or programs, too (PATH, LD_*, PIP_*, ...)."
)
@click.pass_obj
def allow_command(context: Context, path: Path | None, *, listing: bool, unsafe: bool) -> None:
    """Allow the project in PATH (here, by default) to activate its own .venv and to set its variables on entering.

    Both are printed first. A .venv or file of variables that changes later is no longer allowed.
    """
    if listing:
        for project, allowed in trust.all_grants(context.home):
            console.data(f"{console.printable(project)}: {', '.join(map(console.printable, allowed))}")
        return
    offered = offer.read(context.home, Path(os.path.normpath(context.cwd / (path or "."))), context.environ)
    if not (offered.environment or offered.variables):
        raise UsageError(
            f"{offered.folder}: there is nothing to allow",
            hint="it needs a .venv, [tool.envmgr.env] in pyproject.toml, or a .env file",
        )
    _show(offered)
    grant.allow(context.home, offered, unsafe=unsafe)
    console.say(f"Allowed in {offered.folder}; `envmgr deny` revokes it.")


def _show(offered: Offer) -> None:
    """Print the environment and the variables, and the names that no list of steering variables has."""
    if environment := offered.environment:
        console.say(f"environment: {environment.path} (made by {environment.maker})")
        console.say(f"its Python:  {environment.python}")
    for name, value in offered.variables.items():
        console.say(f"variable:    {name}={value}")
    steering = variables.steering(offered.variables)
    if unlisted := [name for name in offered.variables if name not in steering]:
        console.say(
            f"Not in the list of variables that steer programs, and not checked further: {', '.join(unlisted)}."
        )

"""`envmgr allow`: let a project bring its own `.venv` and set variables, after showing both."""

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
@click.option("--list", "listing", is_flag=True, help="List what is allowed, and where.")
@click.option(
    "--unsafe", is_flag=True, help="Allow variables that steer the shell or programs, too (PATH, LD_*, PIP_*, ...)."
)
@click.pass_obj
def allow(context: Context, path: Path | None, *, listing: bool, unsafe: bool) -> None:
    """Let the project in PATH (here, by default) activate its own .venv and set its variables on entering.

    What is allowed is bound to what you see now: when it changes, it is no longer allowed.
    """
    if listing:
        for project, what in trust.all_grants(context.home):
            console.data(f"{console.printable(project)}: {', '.join(map(console.printable, what))}")
        return
    offered = offer.read(context.home, Path(os.path.normpath(context.cwd / (path or "."))), context.environ)
    if not (offered.environment or offered.variables):
        raise UsageError(
            f"{offered.folder}: there is nothing to allow",
            hint="a .venv, [tool.envmgr.env] in pyproject.toml, or a .env file",
        )
    _show(offered)
    grant.allow(context.home, offered, unsafe=unsafe)
    console.say(f"Allowed in {offered.folder}; `envmgr deny` revokes it.")


def _show(offered: Offer) -> None:
    """Print all that would be allowed, and what of it nobody has judged."""
    if environment := offered.environment:
        console.say(f"environment: {environment.path} (made by {environment.maker})")
        console.say(f"its Python:  {environment.python}")
    for name, value in offered.variables.items():
        console.say(f"variable:    {name}={value}")
    steering = variables.steering(offered.variables)
    if unjudged := [name for name in offered.variables if name not in steering]:
        console.say(f"Not known to steer programs, and not judged further: {', '.join(unjudged)}.")

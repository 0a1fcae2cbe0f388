"""`envmgr allow`: let a project bring its own `.venv` and set variables, after showing both."""

from __future__ import annotations

import os
from pathlib import Path

import click

from envmgr.cli import Context, console
from envmgr.errors import UsageError
from envmgr.shell import trust


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--list", "listing", is_flag=True, help="List what is allowed, and where.")
@click.option("--unsafe", is_flag=True, help="Allow variables that steer the shell, too (PATH, LD_*, ...).")
@click.pass_obj
def allow(context: Context, path: Path | None, *, listing: bool, unsafe: bool) -> None:
    """Let the project in PATH (here, by default) activate its own .venv and set its variables on entering.

    What is allowed is bound to what you see now: when it changes, it is no longer allowed.
    """
    if listing:
        for project, what in trust.allowed(context.home):
            console.data(f"{console.printable(project)}: {', '.join(map(console.printable, what))}")
        return
    offered = trust.offer(context.home, Path(os.path.normpath(context.cwd / (path or "."))), context.environ)
    if not (offered.venv or offered.variables):
        raise UsageError(
            f"{offered.folder}: there is nothing to allow",
            hint="a .venv, [tool.envmgr.env] in pyproject.toml, or a .env file",
        )
    if offered.venv:
        console.say(f"environment: {offered.venv} (made by {offered.maker})")
    for name, value in offered.variables.items():
        console.say(f"variable:    {name}={value}")
    trust.allow(context.home, offered, unsafe=unsafe)
    console.say(f"Allowed in {offered.folder}; `envmgr deny` revokes it.")

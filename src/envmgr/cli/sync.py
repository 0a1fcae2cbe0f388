"""`envmgr sync`: install what the project declares into its environment."""

from __future__ import annotations

from pathlib import Path

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand
from envmgr.environments import provision, record
from envmgr.environments.record import Environment
from envmgr.errors import UsageError
from envmgr.packages import sync as syncing
from envmgr.packages.declared import declared
from envmgr.packages.engine import ENGINES, Workplace
from envmgr.pythons import resolve


@click.command(cls=ChangingCommand)
@click.option("-r", "--requirement", "files", multiple=True, metavar="FILE", help="Install from this file instead.")
@click.option("--group", "groups", multiple=True, help="Install this dependency group, too (PEP 735).")
@click.option("--extra", "extras", multiple=True, help="Install with this extra of the project.")
@click.option("--no-project", is_flag=True, help="Install what the project needs, not the project itself.")
@click.option("--engine", type=click.Choice(list(ENGINES)), help="Install with this; uv if it is there, by default.")
@click.pass_obj
def sync(
    context: Context,
    files: tuple[str, ...],
    groups: tuple[str, ...],
    extras: tuple[str, ...],
    *,
    no_project: bool,
    engine: str | None,
) -> None:
    """Install what the project declares: pylock.toml, else requirements.txt, else pyproject.toml."""
    environment = _environment(context)
    wanted = declared(
        environment.project,
        requirements=[str(context.cwd / file) for file in files],
        groups=groups,
        extras=extras,
        own="dependencies" if no_project else "project",
    )
    if not wanted.arguments:
        raise UsageError(
            f"{environment.project} declares nothing to install",
            hint="write a requirements.txt, a pylock.toml, or [project] dependencies in pyproject.toml",
        )
    done = syncing.sync(Workplace(context.home, environment, context.environ), wanted, engine=engine)
    came_from = ", ".join(str(_short(file, environment)) for file in wanted.files)
    console.say(
        f"Installed what {came_from} declares, with {done}" if done else f"Nothing to do: {came_from} unchanged"
    )


def _environment(context: Context) -> Environment:
    """Return the environment that rules here, made if need be; raises UsageError where the system's Python does."""
    ruling = resolve.ruling(context.home, context.cwd, context.environ)
    found = record.lookup(context.home, ruling.project, ruling.words) if ruling.project else None
    if found and found.works:
        return found
    provided = provision.provide(context.home, ruling, context.environ)
    if provided is None:
        raise UsageError(f"{ruling.origin}: the system's Python has no environment", hint="pin one: `envmgr use 3.12`")
    for note in provided.notes:
        console.say(f"note: {note}")
    return provided.environment


def _short(file: Path, environment: Environment) -> Path:
    return file.relative_to(environment.project) if file.is_relative_to(environment.project) else file

"""`envmgr sync`: install what the project declares into its environment."""

from __future__ import annotations

import os
from pathlib import Path

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand
from envmgr.cli.ensure import ensure_environment
from envmgr.environments import base_interpreter, project_environment, record
from envmgr.environments.record import Environment
from envmgr.errors import UsageError
from envmgr.packages import sync as syncing
from envmgr.packages.engines import ENGINES, Target
from envmgr.packages.requirements import Requirements, read_requirements
from envmgr.shell.active import ActivePython, active_python


@click.command(cls=ChangingCommand)
@click.option("-r", "--requirement", "files", multiple=True, metavar="FILE", help="Install from this file instead.")
@click.option("--group", "groups", multiple=True, help="Install this dependency group, too (PEP 735).")
@click.option("--extra", "extras", multiple=True, help="Install with this extra of the project.")
@click.option("--no-project", is_flag=True, help="Install what the project needs, not the project itself.")
@click.option("--engine", type=click.Choice(list(ENGINES)), help="Install with this; uv if it is there, by default.")
@click.option("--no-install", is_flag=True, help="Use only Pythons that are installed.")
@click.option("--dry-run", is_flag=True, help="Print the Python, the environment and what would be installed.")
@click.pass_obj
def sync(
    context: Context,
    files: tuple[str, ...],
    groups: tuple[str, ...],
    extras: tuple[str, ...],
    *,
    no_project: bool,
    engine: str | None,
    no_install: bool,
    dry_run: bool,
) -> None:
    """Install what the project declares: pylock.toml, else requirements.txt, else pyproject.toml.

    It goes into the environment that is active here: an allowed .venv, or envmgr's own, which is made if need be.
    """
    here = active_python(context.home, context.cwd, context.environ)
    project = _project(here)
    wanted = read_requirements(
        project,
        requirements=[str(context.cwd / file) for file in files],
        groups=groups,
        extras=extras,
        include="dependencies" if no_project else "project",
    )
    if dry_run:
        console.table(_plan(_planned(context, here), wanted).items())
        return
    if not wanted.arguments:
        raise UsageError(
            f"{project} declares nothing to install",
            hint="write a requirements.txt, a pylock.toml, or [project] dependencies in pyproject.toml",
        )
    environment = _ensured(context, here, install=not no_install)
    if here.mismatch:
        console.say(f"note: {here.mismatch}")
    done = syncing.sync_environment(Target(context.home, environment, context.environ), wanted, engine=engine)
    came_from = _sources(environment, wanted)
    console.say(
        f"Installed what {came_from} declares, with {done}" if done else f"Nothing to do: {came_from} unchanged"
    )


def _project(here: ActivePython) -> Path:
    """Return the project whose requirements to read, before anything is made; raises UsageError where none is."""
    if here.environment:
        return here.environment.project
    if here.resolved.project is None:
        raise _without_environment(here)
    return Path(os.path.realpath(here.resolved.project))


def _ensured(context: Context, here: ActivePython, *, install: bool) -> Environment:
    """Return the active environment, made now if need be; raises UsageError where the system's Python is active."""
    environment = ensure_environment(context, here, install=install)
    if environment is None:
        project_environment.ensure_environment(
            context.home, here.resolved, context.environ
        )  # raises, where there is more to tell
        raise _without_environment(here)
    return environment


def _planned(context: Context, here: ActivePython) -> Environment:
    """Return the active environment, or the one that would be made; raises as `_ensured` does."""
    if here.environment:
        return here.environment
    interpreter = here.interpreter(context.home)
    if here.resolved.project is None or interpreter is None:
        raise _without_environment(here)
    project = Path(os.path.realpath(here.resolved.project))
    key = base_interpreter.base_python(context.home, interpreter).key
    return Environment(record.environments_folder(context.home, project) / key, project, key)


def _without_environment(here: ActivePython) -> UsageError:
    if here.resolved.project is None:
        return UsageError("no version file rules here", hint="pin a Python with `envmgr use 3.12`")
    return UsageError(
        f"{here.resolved.location}: the system's Python has no environment", hint="pin one: `envmgr use 3.12`"
    )


def _plan(environment: Environment, wanted: Requirements) -> dict[str, object]:
    """Return what `--dry-run` prints, a value each."""
    made = environment.works
    return {
        "python": environment.bin / "python",
        "environment": environment.path if made else f"{environment.path} (is made)",
        "installs": " ".join(wanted.arguments) or "nothing",
        "declared by": _sources(environment, wanted) or "nothing",
        "state": "up to date" if made and syncing.is_current(environment, wanted) else "to be installed",
    }


def _sources(environment: Environment, wanted: Requirements) -> str:
    """Return the files that `wanted` came from, relative to the project where they are in it."""
    project = environment.project
    return ", ".join(str(file.relative_to(project) if file.is_relative_to(project) else file) for file in wanted.files)

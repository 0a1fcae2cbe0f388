"""`envmgr sync`: install the requirements of the project into its environment."""

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
@click.option("--no-project", is_flag=True, help="Install the dependencies of the project, but not the project itself.")
@click.option(
    "--engine", type=click.Choice(list(ENGINES)), help="Install with this engine; by default uv, if it is found."
)
@click.option("--no-install", is_flag=True, help="Use only Pythons that are installed.")
@click.option(
    "--dry-run", is_flag=True, help="Print the Python, the environment and the requirements, and install nothing."
)
@click.pass_obj
def sync_command(
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
    """Install the requirements of the project: pylock.toml, else requirements.txt, else pyproject.toml.

    The target is the active environment: an allowed .venv, or that of envmgr, which is made if it is missing.
    """
    here = active_python(context.home, context.cwd, context.environ)
    project = _project(context, here)
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
            f"{project} has no requirements",
            hint="write a requirements.txt, a pylock.toml, or [project] dependencies in pyproject.toml",
        )
    environment = _ensured(context, here, install=not no_install)
    if here.mismatch:
        console.say(f"note: {here.mismatch}")
    done = syncing.sync_environment(Target(context.home, environment, context.environ), wanted, engine=engine)
    sources = _sources(environment, wanted)
    console.say(
        f"Installed the requirements of {sources} with {done}" if done else f"Nothing to do: {sources} unchanged"
    )


def _project(context: Context, here: ActivePython) -> Path:
    """Return the project whose requirements are read before anything is made; raises UsageError where there is none."""
    if here.environment:
        return here.environment.project
    if here.resolved.project is None:
        here.interpreter(context.home)  # raises where the default is not installed
        raise _without_environment(here)
    return Path(os.path.realpath(here.resolved.project))


def _ensured(context: Context, here: ActivePython, *, install: bool) -> Environment:
    """Return the active environment, made if it is missing; raises UsageError for the system's Python."""
    environment = ensure_environment(context, here, install=install)
    if environment is None:
        project_environment.ensure_environment(
            context.home, here.resolved, context.environ
        )  # raises where it has a more exact error
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
    """Return the error for a directory in which the system's Python is active."""
    if here.resolved.project is None:
        return UsageError("no version file applies here", hint="pin a Python with `envmgr use 3.12`")
    return UsageError(
        f"{here.resolved.location}: the system's Python has no environment", hint="pin one: `envmgr use 3.12`"
    )


def _plan(environment: Environment, wanted: Requirements) -> dict[str, object]:
    """Return the rows that `--dry-run` prints."""
    made = environment.works
    return {
        "python": environment.bin / "python",
        "environment": environment.path if made else f"{environment.path} (to be made)",
        "installs": " ".join(wanted.arguments) or "nothing",
        "from": _sources(environment, wanted) or "nothing",
        "state": "up to date" if made and syncing.is_current(environment, wanted) else "to be installed",
    }


def _sources(environment: Environment, wanted: Requirements) -> str:
    """Return the files with the requirements `wanted`, relative to the project if inside it."""
    project = environment.project
    return ", ".join(str(file.relative_to(project) if file.is_relative_to(project) else file) for file in wanted.files)

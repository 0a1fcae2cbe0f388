"""`envmgr env`: the environments in the store."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand, Group
from envmgr.environments import builder, health, record
from envmgr.environments.record import Environment
from envmgr.errors import EnvironmentFailedError, UsageError
from envmgr.shell.active import active_python


@click.group(cls=Group)
def env_command() -> None:
    """List, locate, repair and remove environments."""


@env_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_command(context: Context, *, as_json: bool) -> None:
    """List every environment: name (with a hash of the project's path where names are equal), state and project."""
    rows = [
        (environment, health.check_health(context.home, environment, thorough=True))
        for environment in record.environments(context.home)
    ]
    if as_json:
        console.data(json.dumps([dict(_fields(environment, state)) for environment, state in rows], indent=2))
    elif rows:
        names = Counter(_name(environment) for environment, _ in rows)
        console.table(
            (
                environment.label if names[_name(environment)] > 1 else _name(environment),
                state.state,
                environment.project,
            )
            for environment, state in rows
        )
    else:
        console.say("No environments yet; `envmgr use 3.12` in a project makes one.")


@env_command.command("path")
@click.argument("project", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def path_command(context: Context, project: Path | None) -> None:
    """Print the directory of the environment that is active in PROJECT (here, by default)."""
    here = active_python(context.home, context.cwd / (project or "."), context.environ)
    if here.environment is None:
        raise EnvironmentFailedError(
            f"no environment for {here.resolved.words} ({here.resolved.location})", hint="`envmgr use` makes it"
        )
    console.data(here.environment.path)


@env_command.command("remove", cls=ChangingCommand)
@click.argument("targets", nargs=-1)
@click.option("--all-missing", is_flag=True, help="Remove those whose project is missing.")
@click.pass_obj
def remove_command(context: Context, targets: Sequence[str], *, all_missing: bool) -> None:
    """Remove environments: all of a project (its path or name), or one (NAME/KEY or its path)."""
    if not targets and not all_missing:
        raise UsageError("remove which environment?", hint="`envmgr env list` shows them")
    existing = list(record.environments(context.home))
    selected = [environment for environment in existing if all_missing and not environment.project.is_dir()]
    for target in targets:
        selected += _matching(existing, target, context.cwd)
    for environment in dict.fromkeys(selected):
        builder.remove(context.home, environment)
        console.say(f"Removed {environment.name}/{environment.key} of {environment.project}")
    if not selected:
        console.say("The project of every environment exists; nothing to remove.")


@env_command.command("repair", cls=ChangingCommand)
@click.argument("targets", nargs=-1)
@click.option("--all", "everywhere", is_flag=True, help="Repair every changed environment.")
@click.pass_obj
def repair_command(context: Context, targets: Sequence[str], *, everywhere: bool) -> None:
    """Restore changed files that environments share: in all of a project (its path or name), or in one (NAME/KEY).

    Installed packages stay. A file is shared with other environments until a tool replaces it.
    """
    from envmgr.environments.repair import repair_environment

    if not targets and not everywhere:
        raise UsageError("repair which environment?", hint="`envmgr env list` shows those that are changed")
    existing = list(record.environments(context.home))
    selected = (
        existing
        if everywhere
        else [environment for it in targets for environment in _matching(existing, it, context.cwd)]
    )
    repaired = 0
    for environment in selected:
        if names := repair_environment(context.home, environment, context.environ):
            repaired += 1
            console.say(f"Repaired {len(names)} files in {environment.name}/{environment.key} of {environment.project}")
    if not repaired:
        console.say("Nothing to repair")


def _matching(existing: list[Environment], target: str, cwd: Path) -> list[Environment]:
    """Return the environments that `target` means: all of a project (path or name), or one (path or name).

    A name stays a name where a directory has the same one. Raises UsageError for no match, and for two projects.
    """
    real_path = Path(os.path.realpath(cwd / target))
    found = [environment for environment in existing if real_path in (environment.project, environment.path)]
    if not target.startswith((".", "/")):
        found += [
            environment
            for environment in existing
            if target in (environment.name, _name(environment), environment.path.parent.name, environment.label)
        ]
    projects = dict.fromkeys(environment.project for environment in found)
    if not found:
        raise UsageError(f"no environment belongs to {target!a}", hint="`envmgr env list` shows them")
    if len(projects) > 1:
        raise UsageError(
            f"{target!a} is the name of {len(projects)} projects",
            hint="name one by its path: " + ", ".join(map(str, projects)),
        )
    return list(dict.fromkeys(found))


def _name(environment: Environment) -> str:
    """Return the name that `env list` prints."""
    return f"{environment.name}/{environment.key}"


def _fields(environment: Environment, state: health.Health) -> Iterator[tuple[str, str]]:
    """Yield the fields that `env list --json` prints."""
    yield "name", environment.name
    yield "key", environment.key
    yield "label", environment.label
    yield "base", environment.base
    yield "path", str(environment.path)
    yield "project", str(environment.project)
    yield "state", state.state
    yield "reason", state.reason

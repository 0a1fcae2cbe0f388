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
def env() -> None:
    """List, locate, repair and remove environments."""


@env.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(context: Context, *, as_json: bool) -> None:
    """List every environment: its name (with the hash of its project's path where two are equal), state and project."""
    rows = [
        (made, health.check_health(context.home, made, thorough=True)) for made in record.environments(context.home)
    ]
    if as_json:
        console.data(json.dumps([_described(made, state) for made, state in rows], indent=2))
    elif rows:
        names = Counter(_name(made) for made, _ in rows)
        console.table(
            (made.label if names[_name(made)] > 1 else _name(made), state.state, made.project) for made, state in rows
        )
    else:
        console.say("No environments yet; `envmgr use 3.12` in a project makes one.")


@env.command()
@click.argument("project", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def path(context: Context, project: Path | None) -> None:
    """Print the directory of the environment that is active in PROJECT (here, by default)."""
    here = active_python(context.home, context.cwd / (project or "."), context.environ)
    if here.environment is None:
        raise EnvironmentFailedError(
            f"no environment for {here.resolved.words} ({here.resolved.location})", hint="`envmgr use` makes it"
        )
    console.data(here.environment.path)


@env.command(cls=ChangingCommand)
@click.argument("targets", nargs=-1)
@click.option("--all-missing", is_flag=True, help="Remove those whose project is gone.")
@click.pass_obj
def remove(context: Context, targets: Sequence[str], *, all_missing: bool) -> None:
    """Remove environments: all of a project (its path or name), or one (NAME/KEY or its path)."""
    if not targets and not all_missing:
        raise UsageError("remove which environment?", hint="`envmgr env list` shows them")
    everything = list(record.environments(context.home))
    doomed = [made for made in everything if all_missing and not made.project.is_dir()]
    for target in targets:
        doomed += _matching(everything, target, context.cwd)
    for made in dict.fromkeys(doomed):
        builder.remove(context.home, made)
        console.say(f"Removed {made.name}/{made.key} of {made.project}")
    if not doomed:
        console.say("Every environment's project is there; nothing to remove.")


@env.command(cls=ChangingCommand)
@click.argument("targets", nargs=-1)
@click.option("--all", "everywhere", is_flag=True, help="Repair every environment that needs it.")
@click.pass_obj
def repair(context: Context, targets: Sequence[str], *, everywhere: bool) -> None:
    """Undo changes of files that environments share, in those of a project (its path or name) or in one (NAME/KEY).

    What is installed stays. Files are shared with other environments until a tool replaces them.
    """
    from envmgr.environments.repair import repair_environment

    if not targets and not everywhere:
        raise UsageError("repair which environment?", hint="`envmgr env list` shows those that are changed")
    everything = list(record.environments(context.home))
    chosen = everything if everywhere else [made for it in targets for made in _matching(everything, it, context.cwd)]
    repaired = 0
    for made in chosen:
        if names := repair_environment(context.home, made, context.environ):
            repaired += 1
            console.say(f"Repaired {len(names)} files in {made.name}/{made.key} of {made.project}")
    if not repaired:
        console.say("Nothing to repair")


def _matching(everything: list[Environment], target: str, cwd: Path) -> list[Environment]:
    """Return the environments that `target` means: a project's path or name, or one environment's path or name.

    Raises UsageError when it is none, or may mean two projects: a name is one also where a directory is called so.
    """
    place = Path(os.path.realpath(cwd / target))
    found = [made for made in everything if place in (made.project, made.path)]
    if not target.startswith((".", "/")):
        found += [made for made in everything if target in (made.name, _name(made), made.path.parent.name, made.label)]
    projects = dict.fromkeys(made.project for made in found)
    if not found:
        raise UsageError(f"no environment belongs to {target!a}", hint="`envmgr env list` shows them")
    if len(projects) > 1:
        raise UsageError(
            f"{target!a} is the name of {len(projects)} projects",
            hint="name one by its path: " + ", ".join(map(str, projects)),
        )
    return list(dict.fromkeys(found))


def _name(made: Environment) -> str:
    return f"{made.name}/{made.key}"


def _described(made: Environment, state: health.Health) -> dict[str, str]:
    return dict(_fields(made, state))


def _fields(made: Environment, state: health.Health) -> Iterator[tuple[str, str]]:
    yield "name", made.name
    yield "key", made.key
    yield "label", made.label
    yield "base", made.base
    yield "path", str(made.path)
    yield "project", str(made.project)
    yield "state", state.state
    yield "reason", state.reason

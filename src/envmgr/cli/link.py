"""`envmgr link`: link Pythons of this machine into the store, without copying them."""

from __future__ import annotations

from pathlib import Path

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand
from envmgr.environments import binding
from envmgr.errors import BrokenInterpreterError, EnvmgrError, NoSuchVersionError, UsageError
from envmgr.pythons import discovery, linker
from envmgr.pythons.store import Store


@click.command(cls=ChangingCommand)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.argument("name", required=False)
@click.option("--from", "origin", type=click.Choice(list(discovery.OWNERS)), help="Link all Pythons of another tool.")
@click.pass_obj
def link_command(context: Context, path: Path | None, name: str | None, *, origin: str | None) -> None:
    """Make the Python at PATH (a program, or the directory it is installed in) usable under NAME.

    With --from, a Python that its owner has under a name (miniconda3-latest, a conda environment) gets that name, the
    others the name of the owner. Only links are made: nothing is copied or changed. Run it again after an upgrade.
    """
    if (path is None) == (origin is None):
        raise UsageError("give either a PATH or --from", hint="envmgr link PATH [NAME], or envmgr link --from pyenv")
    if path is not None:
        _link(context, discovery.locate(context.cwd / path, context.environ), name)
    elif origin is not None:
        _link_all(context, origin)


def _link(context: Context, found: discovery.FoundPython, name: str | None = None) -> None:
    """Link one Python; print what it replaces, and the environments of that."""
    store = Store(context.home)
    before = {*store.builds()}
    made = linker.link(context.home, found, context.environ, name=name)
    console.say(f"{made.build.build_alias}: linked to {found.executable}")
    for old in sorted(before - {*store.builds()}):
        console.say(f"{old.build_alias}: not linked any more, {made.build.version} has replaced it there")
        for environment in binding.unbind(context.home, old, made.build):
            console.say(f"note: {environment.path} was for {old.version}; run `envmgr use` in {environment.project}")


def _link_all(context: Context, origin: str) -> None:
    """Link every Python of `origin`; a broken one does not stop the others."""
    every = discovery.discover(origin, context.environ)
    broken: list[EnvmgrError] = []
    for found in every:
        try:
            _link(context, found, discovery.owner_name(found))
        except (BrokenInterpreterError, UsageError) as error:
            broken.append(error)
            console.say(f"{'broken' if isinstance(error, BrokenInterpreterError) else 'not linked'}: {error.message}")
    _report_missing(context, origin)
    if not every:
        raise NoSuchVersionError(f"no Python of {origin} on this machine")
    if len(broken) == len(every):
        raise broken[0]


def _report_missing(context: Context, origin: str) -> None:
    """Print the linked Pythons of `origin` that no longer exist."""
    store = Store(context.home)
    for interpreter in map(store.interpreter, sorted(store.builds())):
        if interpreter.linked and interpreter.receipt_value("origin") == origin and not interpreter.works:
            problem = interpreter.missing_error()
            console.say(f"broken: {problem.message}; {problem.hint}")

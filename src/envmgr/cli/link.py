"""`envmgr link`: use Pythons that this machine already has, without copying them."""

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
def link(context: Context, path: Path | None, name: str | None, *, origin: str | None) -> None:
    """Make the Python at PATH (a program, or the directory it is installed in) usable under NAME.

    With --from, one that its owner knows by a name (miniconda3-latest, a conda environment) gets that name, others that
    of their owner. Only links are made: nothing is copied, and nothing of theirs is changed. Link again to refresh.
    """
    if (path is None) == (origin is None):
        raise UsageError("say what to link", hint="envmgr link PATH [NAME], or envmgr link --from pyenv")
    if path is not None:
        _link(context, discovery.locate(context.cwd / path, context.environ), name)
    elif origin is not None:
        _link_all(context, origin)


def _link(context: Context, found: discovery.FoundPython, name: str | None = None) -> None:
    store = Store(context.home)
    before = {*store.builds()}
    made = linker.link(context.home, found, context.environ, name=name)
    console.say(f"{made.build.build_alias}: linked to {found.executable}")
    for old in sorted(before - {*store.builds()}):
        console.say(f"{old.build_alias}: not linked any more, {made.build.version} has replaced it there")
        for environment in binding.unbind(context.home, old, made.build):
            console.say(
                f"note: {environment.path} was for {old.version}; `envmgr use` in {environment.project} tells more"
            )


def _link_all(context: Context, origin: str) -> None:
    """Link every Python of `origin`; a broken one does not hide the others."""
    every = discovery.discover(origin, context.environ)
    broken: list[EnvmgrError] = []
    for found in every:
        try:
            _link(context, found, discovery.owner_name(found))
        except (BrokenInterpreterError, UsageError) as error:
            broken.append(error)
            console.say(f"{'broken' if isinstance(error, BrokenInterpreterError) else 'not linked'}: {error.message}")
    _tell_lost(context, origin)
    if not every:
        raise NoSuchVersionError(f"no Python of {origin} on this machine")
    if len(broken) == len(every):
        raise broken[0]


def _tell_lost(context: Context, origin: str) -> None:
    """Tell which Pythons of `origin` were linked before and are no more."""
    store = Store(context.home)
    for interpreter in map(store.interpreter, sorted(store.builds())):
        if interpreter.linked and interpreter.receipt_value("origin") == origin and not interpreter.works:
            problem = interpreter.missing_error()
            console.say(f"broken: {problem.message}; {problem.hint}")

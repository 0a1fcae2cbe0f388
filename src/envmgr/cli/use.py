"""`envmgr use`: pin a Python, make the environment, and have it active at the next prompt."""

from __future__ import annotations

import click

from envmgr.cli import Context, console
from envmgr.environments import provision, ties
from envmgr.errors import UsageError
from envmgr.pythons import resolve
from envmgr.pythons.resolve import Ruling
from envmgr.pythons.store import Interpreter, Store
from envmgr.versions import pinning, pins
from envmgr.versions.request import VersionRequest


@click.command()
@click.argument("requests", nargs=-1)
@click.option("--global", "globally", is_flag=True, help="Set the default for where no version file rules.")
@click.option("--no-pip", is_flag=True, help="Make the environment without pip.")
@click.pass_obj
def use(context: Context, requests: tuple[str, ...], *, globally: bool, no_pip: bool) -> None:
    """Pin REQUESTS in this directory, install what is missing, and make the environment.

    Without REQUESTS, do that for the pin that rules here.
    """
    asked = [VersionRequest.parse(word) for word in requests]
    if globally:
        _global(context, asked)
        return
    if asked:
        file = context.cwd / pins.FILE_NAME
        ties.refuse(context.cwd)
        _installed(context, Ruling(pins.parse(" ".join(requests)), context.cwd))
        pinning.write(file, requests)
        console.say(f"Pinned {' '.join(requests)} in {file}")
    _environment(context, resolve.ruling(context.home, context.cwd, context.environ), pip=not no_pip)


def _global(context: Context, asked: list[VersionRequest]) -> None:
    if not asked:
        raise UsageError("which Python shall be the default?", hint="for example: envmgr use --global 3.12")
    words = [request.text for request in asked]
    _installed(context, Ruling(pins.parse(" ".join(words)), None))
    pinning.write(context.home.default, words)
    console.say(f"The default is {' '.join(words)} now, where no version file rules")


def _installed(context: Context, ruling: Ruling) -> list[Interpreter | None]:
    """Return the interpreters that `ruling` asks for, None for `system`."""
    store = Store(context.home)
    return [None if request.system else resolve.interpreter(store, ruling, request) for request in ruling.requests]


def _environment(context: Context, ruling: Ruling, *, pip: bool) -> None:
    """Make the environment that `ruling` asks for, and tell."""
    provided = provision.provide(context.home, ruling, context.environ, pip=pip)
    if provided is None:
        console.say(f"{ruling.origin}: the system's Python rules; it gets no environment")
        return
    for note in provided.notes:
        console.say(f"note: {note}")
    version, path = provided.interpreter.build.version, provided.environment.path
    console.say(f"Python {version} in {path}, active at the next prompt")

"""`envmgr find`: print the path of the Python that answers a request."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from envmgr.cli import Context, console
from envmgr.errors import CommandNotFoundError, NotInstalledError
from envmgr.pythons import catalogue, refresh, resolve
from envmgr.pythons.store import Store
from envmgr.versions.request import VersionRequest


@click.command()
@click.argument("request", required=False)
@click.pass_obj
def find(context: Context, request: str | None) -> None:
    """Print the path of the installed Python that answers REQUEST (by default, what rules here).

    The path names one build and never another. Exit 4: it can be installed; exit 3: there is no such Python; exit 7:
    it is gone.
    """
    if request is not None:
        console.data(_answer(context, VersionRequest.parse(request)))
        return
    ruling = resolve.ruling(context.home, context.cwd, context.environ)
    first = ruling.requests[0]
    store = Store(context.home)
    console.data(_system(context) if first.system else resolve.interpreter(store, ruling, first).checked().executable)


def _answer(context: Context, request: VersionRequest) -> Path:
    if request.system:
        return _system(context)
    if found := Store(context.home).find(request):
        return found.checked().executable
    platform = catalogue.target(request)
    theirs = any(context.environ.get(name) for name in (catalogue.INDEX, refresh.MIRROR))
    if request.name is not None or not theirs:  # what there is at a place of the user's, only `install` asks
        catalogue.choose(request, catalogue.known(context.cache, platform), "the index")
    raise NotInstalledError(
        f"Python {request} is not installed", hint=f"run `envmgr install {shlex.quote(request.text)}`"
    )


def _system(context: Context) -> Path:
    for command in ("python3", "python"):
        if found := resolve.system(command, context.home, context.environ):
            return found
    raise CommandNotFoundError("no python3 or python on PATH", hint="`envmgr install` gives one of our own")

"""`envmgr find`: print the path of the Python that answers a request."""

from __future__ import annotations

from pathlib import Path

import click

from envmgr.cli import Context, console
from envmgr.errors import CommandNotFoundError
from envmgr.pythons import resolve
from envmgr.pythons.store import Store
from envmgr.shell.active import active_python
from envmgr.versions.request import VersionRequest


@click.command()
@click.argument("request", required=False)
@click.pass_obj
def find(context: Context, request: str | None) -> None:
    """Print the path of the installed Python that answers REQUEST (by default, that the pin here asks for).

    The path names one build and never another. Exit 4: it is not installed; exit 3: no Python has that name; exit 7: it
    is gone.
    """
    if request is not None:
        console.data(_answer(context, VersionRequest.parse(request)))
        return
    found = active_python(context.home, context.cwd, context.environ).interpreter(context.home)
    console.data(found.executable if found else _system(context))


def _answer(context: Context, request: VersionRequest) -> Path:
    if request.system:
        return _system(context)
    store = Store(context.home)
    if found := store.find(request):
        return found.ensure_working().executable
    raise resolve.missing_error(store, request)


def _system(context: Context) -> Path:
    for command in ("python3", "python"):
        if found := resolve.find_on_path(command, context.home, context.environ):
            return found
    raise CommandNotFoundError("no python3 or python on PATH", hint="`envmgr install` gives one of our own")

"""`envmgr find`: print the path of the Python that matches a request."""

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
def find_command(context: Context, request: str | None) -> None:
    """Print the path of the installed Python that matches REQUEST (by default, the pin of this directory).

    The path is that of one build, no alias. Exit code 4: it is not installed; 3: there is no such Python; 7: it is
    broken.
    """
    if request is not None:
        console.data(_executable(context, VersionRequest.parse(request)))
        return
    found = active_python(context.home, context.cwd, context.environ).interpreter(context.home)
    console.data(found.executable if found else _system(context))


def _executable(context: Context, request: VersionRequest) -> Path:
    """Return the program of the newest installed Python that matches `request`."""
    if request.system:
        return _system(context)
    store = Store(context.home)
    if found := store.find(request):
        return found.ensure_working().executable
    raise resolve.missing_error(store, request)


def _system(context: Context) -> Path:
    """Return the Python that PATH has without envmgr."""
    for command in ("python3", "python"):
        if found := resolve.find_on_path(command, context.home, context.environ):
            return found
    raise CommandNotFoundError("no python3 or python on PATH", hint="`envmgr install` installs one")

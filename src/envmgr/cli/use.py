"""`envmgr use`: pin a Python, make the environment, and have it active at the next prompt."""

from __future__ import annotations

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand
from envmgr.environments import provision, ties
from envmgr.errors import NotInstalledError, UsageError
from envmgr.pythons import resolve
from envmgr.pythons.resolve import Ruling
from envmgr.pythons.store import Store
from envmgr.versions import pinning, pins, requires
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build


@click.command(cls=ChangingCommand)
@click.argument("requests", nargs=-1)
@click.option("--global", "globally", is_flag=True, help="Set the default for where no version file rules.")
@click.option("--no-pip", is_flag=True, help="Make the environment without pip.")
@click.pass_obj
def use(context: Context, requests: tuple[str, ...], *, globally: bool, no_pip: bool) -> None:
    """Pin REQUESTS in this directory, install what is missing, and make the environment.

    Without REQUESTS, do that for the pin that rules here; where none does, for the requires-python of pyproject.toml.
    """
    asked = [VersionRequest.parse(word) for word in requests]
    if globally:
        _global(context, asked)
        return
    words = requests or _required(context)
    ruling = _pin(context, words) if words else _pinned(context)
    _environment(context, ruling, pip=not no_pip)


def _required(context: Context) -> tuple[str, ...]:
    """Return the word to pin for requires-python, where no version file and no variable rules.

    It is a word that other tools read as well, `3.13`; of what is installed, else of what can be.
    """
    pin = resolve.ruling(context.home, context.cwd, context.environ).pin
    if pin is not None and pin.source != context.home.default:
        return ()
    request = requires.from_pyproject(context.cwd)
    if request is None:
        return ()
    installed = Store(context.home).find(request)
    build = installed.build if installed else _newest(context, request)
    return (build.minor_alias if request.floats(build) else build.patch_alias,)


def _pinned(context: Context) -> Ruling:
    """Return what rules here already."""
    return resolve.ruling(context.home, context.cwd, context.environ)


def _pin(context: Context, words: tuple[str, ...]) -> Ruling:
    """Write the version file of this directory, after installing what it asks for."""
    ties.refuse(context.cwd)
    file = context.cwd / pins.FILE_NAME
    asked = Ruling(pins.parse(" ".join(words), source=file), context.cwd)
    provision.refuse(context.home, asked)
    _install(context, asked)
    provision.refuse(context.home, asked)  # a range may have been answered by anything
    pinning.write(file, words)
    console.say(f"Pinned {' '.join(words)} in {file}")
    if context.environ.get(pins.VARIABLE):
        console.say(f"note: {pins.VARIABLE} is set, and rules in this shell until it is unset")
    return Ruling(pins.read(file), context.cwd)


def _global(context: Context, asked: list[VersionRequest]) -> None:
    if not asked:
        raise UsageError("which Python shall be the default?", hint="for example: envmgr use --global 3.12")
    words = [request.text for request in asked]
    _install(context, Ruling(pins.parse(" ".join(words), source=context.home.default), None))
    pinning.write(context.home.default, words)
    console.say(f"The default is {' '.join(words)} now, where no version file rules")


def _install(context: Context, ruling: Ruling) -> None:
    """Install what `ruling` asks for and is missing; raises EnvmgrError."""
    for request in ruling.requests:
        if not request.system:
            try:
                resolve.interpreter(Store(context.home), ruling, request)
            except NotInstalledError:
                _download(context, request)


def _newest(context: Context, request: VersionRequest) -> Build:
    """Return the build that installing `request` would bring."""
    from envmgr.host.network import Network
    from envmgr.pythons import refresh

    return refresh.pick(request, Network(context.environ), context.cache).build


def _download(context: Context, request: VersionRequest) -> None:
    """Install what answers `request`; all that this needs is loaded only now."""
    from envmgr.cli.install import provide
    from envmgr.host.network import Network

    provide(context, request, Network(context.environ))


def _environment(context: Context, ruling: Ruling, *, pip: bool) -> None:
    """Make the environment that `ruling` asks for, and tell."""
    _install(context, ruling)
    provided = provision.provide(context.home, ruling, context.environ, pip=pip)
    if provided is None:
        console.say(f"{ruling.origin}: the system's Python rules; it gets no environment")
        return
    for note in provided.notes:
        console.say(f"note: {note}")
    version, path = provided.interpreter.build.version, provided.environment.path
    console.say(f"Python {version} in {path}, active at the next prompt")

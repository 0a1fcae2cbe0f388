"""`envmgr use`: pin a Python and make the environment, which the hook activates at the next prompt."""

from __future__ import annotations

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand
from envmgr.cli.ensure import ensure_installed
from envmgr.environments import project_environment
from envmgr.environments.project_environment import BoundEnvironment
from envmgr.errors import UsageError
from envmgr.pythons import resolve
from envmgr.pythons.resolve import ResolvedPin
from envmgr.pythons.store import Store
from envmgr.versions import pinning, pins, requires
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build


@click.command(cls=ChangingCommand)
@click.argument("requests", nargs=-1)
@click.option("--global", "globally", is_flag=True, help="Set the default for directories without a version file.")
@click.option("--no-pip", is_flag=True, help="Make the environment without pip.")
@click.pass_obj
def use_command(context: Context, requests: tuple[str, ...], *, globally: bool, no_pip: bool) -> None:
    """Pin REQUESTS in this directory, install missing Pythons, and make the environment.

    Without REQUESTS, use the pin of this directory; where there is none, the requires-python of pyproject.toml.
    """
    if globally:
        _set_default(context, requests)
        return
    words = requests or _required(context)
    resolved = _resolve_pin(context, words)
    project_environment.ensure_possible(context.home, resolved)
    ensure_installed(context, resolved)
    bound = project_environment.ensure_environment(context.home, resolved, context.environ, pip=not no_pip)
    if words:
        _pin(context, words)
    if bound is None:
        console.say(f"{resolved.location}: the system's Python is active; it gets no environment")
    else:
        _report(bound, pip=not no_pip)


def _resolve_pin(context: Context, words: tuple[str, ...]) -> ResolvedPin:
    """Return the pin to make an environment for: `words` in this directory, else the existing pin."""
    if words:
        return ResolvedPin(pins.parse(" ".join(words), variable="envmgr use"), context.cwd)
    return resolve.resolve_pin(context.home, context.cwd, context.environ)


def _required(context: Context) -> tuple[str, ...]:
    """Return the request to pin for requires-python, where no version file and no variable applies.

    It is one that other tools read as well, such as `3.13`: of the newest installed match, else of the newest in the
    index.
    """
    pin = resolve.resolve_pin(context.home, context.cwd, context.environ).pin
    if pin is not None and pin.source != context.home.default:
        return ()
    request = requires.from_pyproject(context.cwd)
    if request is None:
        return ()
    installed = Store(context.home).find(request)
    build = installed.build if installed else _newest(context, request)
    return (build.minor_alias if request.floats(build) else build.patch_alias,)


def _newest(context: Context, request: VersionRequest) -> Build:
    """Return the build that `envmgr install` would install for `request`."""
    from envmgr.host.network import Network
    from envmgr.pythons import refresh

    return refresh.select(request, Network(context.environ), context.cache).build


def _pin(context: Context, words: tuple[str, ...]) -> None:
    """Write the version file, as the last step, so that an earlier error leaves the project unchanged."""
    file = context.cwd / pins.FILE_NAME
    pinning.write(file, words)
    console.say(f"Pinned {' '.join(words)} in {file}")
    if context.environ.get(pins.VARIABLE):
        console.say(f"note: {pins.VARIABLE} is set and has priority in this shell until it is unset")


def _set_default(context: Context, words: tuple[str, ...]) -> None:
    """Install the requests `words`, and make them the global default."""
    if not words:
        raise UsageError("which Python should be the default?", hint="for example: envmgr use --global 3.12")
    ensure_installed(context, ResolvedPin(pins.parse(" ".join(words), variable="envmgr use --global"), None))
    pinning.write(context.home.default, words)
    console.say(f"The default is {' '.join(words)} now, in directories without a version file")


def _report(bound: BoundEnvironment, *, pip: bool) -> None:
    """Print the environment that will be active."""
    for note in bound.notes:
        console.say(f"note: {note}")
    version, path = bound.interpreter.build.version, bound.environment.path
    if not pip and (bound.environment.bin / "pip").exists():
        console.say(f"note: {path} existed already, with pip; run `envmgr env remove` first to make it without")
    console.say(f"Python {version} in {path}, active at the next prompt")

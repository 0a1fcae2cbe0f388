"""`envmgr use`: pin a Python, make the environment, and have it active at the next prompt."""

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
@click.option("--global", "globally", is_flag=True, help="Set the default for where no version file rules.")
@click.option("--no-pip", is_flag=True, help="Make the environment without pip.")
@click.pass_obj
def use(context: Context, requests: tuple[str, ...], *, globally: bool, no_pip: bool) -> None:
    """Pin REQUESTS in this directory, install what is missing, and make the environment.

    Without REQUESTS, do that for the pin that rules here; where none does, for the requires-python of pyproject.toml.
    """
    if globally:
        _set_default(context, requests)
        return
    words = requests or _required(context)
    resolved = _resolve_pin(context, words)
    project_environment.ensure_possible(context.home, resolved)
    ensure_installed(context, resolved)
    provided = project_environment.ensure_environment(context.home, resolved, context.environ, pip=not no_pip)
    if words:
        _pin(context, words)
    if provided is None:
        console.say(f"{resolved.location}: the system's Python rules; it gets no environment")
    else:
        _report(provided, pip=not no_pip)


def _resolve_pin(context: Context, words: tuple[str, ...]) -> ResolvedPin:
    """Return the pin to make an environment for: `words` in this directory, else the one that is there already."""
    if words:
        return ResolvedPin(pins.parse(" ".join(words), variable="envmgr use"), context.cwd)
    return resolve.resolve_pin(context.home, context.cwd, context.environ)


def _required(context: Context) -> tuple[str, ...]:
    """Return the word to pin for requires-python, where no version file and no variable rules.

    It is a word that other tools read as well, `3.13`; of what is installed, else of what can be.
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
    """Return the build that installing `request` would bring."""
    from envmgr.host.network import Network
    from envmgr.pythons import refresh

    return refresh.select(request, Network(context.environ), context.cache).build


def _pin(context: Context, words: tuple[str, ...]) -> None:
    """Write the version file, as the last step: where an earlier one fails, the project stays as it was."""
    file = context.cwd / pins.FILE_NAME
    pinning.write(file, words)
    console.say(f"Pinned {' '.join(words)} in {file}")
    if context.environ.get(pins.VARIABLE):
        console.say(f"note: {pins.VARIABLE} is set, and rules in this shell until it is unset")


def _set_default(context: Context, words: tuple[str, ...]) -> None:
    """Install what `words` ask for, and make them the global default."""
    if not words:
        raise UsageError("which Python shall be the default?", hint="for example: envmgr use --global 3.12")
    ensure_installed(context, ResolvedPin(pins.parse(" ".join(words), variable="envmgr use --global"), None))
    pinning.write(context.home.default, words)
    console.say(f"The default is {' '.join(words)} now, where no version file rules")


def _report(provided: BoundEnvironment, *, pip: bool) -> None:
    """Tell which environment is active now."""
    for note in provided.notes:
        console.say(f"note: {note}")
    version, path = provided.interpreter.build.version, provided.environment.path
    if not pip and (provided.environment.bin / "pip").exists():
        console.say(f"note: {path} was there before, with pip; `envmgr env remove` it to have it made anew")
    console.say(f"Python {version} in {path}, active at the next prompt")

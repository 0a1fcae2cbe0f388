"""`envmgr install`: download, verify and install Pythons."""

from __future__ import annotations

import click

from envmgr.cli import Context, console
from envmgr.host.download import Network
from envmgr.pythons import installer, refresh
from envmgr.pythons.store import Interpreter, Store
from envmgr.versions.request import VersionRequest


@click.command()
@click.argument("requests", nargs=-1, required=True)
@click.option("--offline", is_flag=True, help="Use only what the cache and file:// mirrors have.")
@click.pass_obj
def install(context: Context, requests: tuple[str, ...], *, offline: bool) -> None:
    """Install the newest Python that answers each of REQUESTS, such as 3.12, 3.13t or >=3.11."""
    network = Network(context.environ, offline)
    for request in [VersionRequest.parse(word) for word in requests]:
        provide(context, request, network)


def provide(context: Context, request: VersionRequest, network: Network) -> Interpreter:
    """Install the newest Python that answers `request` and return it; raises EnvmgrError."""
    candidate = refresh.pick(request, network, context.cache)
    done = installer.install(context.home, candidate, network, context.cache)
    interpreter = Store(context.home).interpreter(candidate.build, request)
    if done:
        console.say(f"Installed Python {candidate.build.version} as {interpreter.prefix}")
    else:
        console.say(f"Python {candidate.build.version} is already installed in {interpreter.prefix}")
    return interpreter

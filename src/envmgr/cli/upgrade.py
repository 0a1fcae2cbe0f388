"""`envmgr upgrade`: the newest patch or rebuild of what is installed."""

from __future__ import annotations

import click

from envmgr.cli import Context, console
from envmgr.cli.commands import ChangingCommand
from envmgr.cli.install import JOBS, install_all
from envmgr.host.network import Network
from envmgr.pythons.upgrades import find_upgrades
from envmgr.versions.request import VersionRequest


@click.command(cls=ChangingCommand)
@click.argument("requests", nargs=-1)
@click.option("-j", "--jobs", type=click.IntRange(1), default=JOBS, show_default=True, help="How many at once.")
@click.option("--offline", is_flag=True, help="Use only what the cache and file:// mirrors have.")
@click.pass_obj
def upgrade(context: Context, requests: tuple[str, ...], *, jobs: int, offline: bool) -> None:
    """Install the newest patch, or rebuild, of the installed Pythons that REQUESTS match, or of all.

    Environments pinned to a minor version (3.12) run on the new one at once: their Python is the alias 3.12. Those
    pinned to an exact version stay. The old patch stays too, until `envmgr prune`.
    """
    network = Network(context.environ, offline)
    asked = [VersionRequest.parse(word) for word in requests]
    if chosen := find_upgrades(context.home, asked, network, context.cache):
        install_all(context, chosen, network, jobs=jobs)
    else:
        console.say("Everything is up to date")

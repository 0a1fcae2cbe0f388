"""`envmgr upgrade`: install the newest patch or rebuild of installed Pythons."""

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
@click.option("--offline", is_flag=True, help="Use only the cache and file:// mirrors.")
@click.pass_obj
def upgrade_command(context: Context, requests: tuple[str, ...], *, jobs: int, offline: bool) -> None:
    """Install the newest patch, or rebuild, of the installed Pythons that match REQUESTS, by default of all.

    Environments pinned to a minor version (3.12) run on the new patch at once: their Python is the alias 3.12. Those
    pinned to an exact version do not change. The old patch stays until `envmgr prune`.
    """
    network = Network(context.environ, offline)
    wanted = [VersionRequest.parse(word) for word in requests]
    if chosen := find_upgrades(context.home, wanted, network, context.cache):
        install_all(context, chosen, network, jobs=jobs)
    else:
        console.say("Everything is up to date")

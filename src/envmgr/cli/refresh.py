"""`envmgr refresh`: fetch the newest index of Pythons."""

from __future__ import annotations

import click

from envmgr.cli import Context, console
from envmgr.host import platforms
from envmgr.host.network import Network, shown
from envmgr.pythons import catalogue
from envmgr.pythons import refresh as refreshing


@click.command()
@click.option("--offline", is_flag=True, help="Read only an index in a file.")
@click.pass_obj
def refresh(context: Context, *, offline: bool) -> None:
    """Ask for new Pythons now, and print those that were not known.

    `install`, `upgrade` and `list --available` do this by themselves once a day, and for a version that is not known.
    """
    network = Network(context.environ, offline)
    here = platforms.this_platform()
    held = refreshing.mirrored(here, network)
    if held is not None:
        mirror = shown(context.environ[refreshing.MIRROR])
        console.say(f"{mirror} holds {len(held)} builds for this platform; it is read each time.")
        return
    before = set(catalogue.known(context.cache, here, context.environ.get(catalogue.INDEX)))
    found = refreshing.update(here, network, context.cache)
    new = [candidate for candidate in found if candidate not in before]
    for candidate in new:
        console.data(candidate.build.build_alias)
    console.say(f"The index knows {len(found)} builds for this platform; {len(new)} are new.")

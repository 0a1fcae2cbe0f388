"""`envmgr refresh`: fetch the newest index of Pythons."""

from __future__ import annotations

import click

from envmgr.cli import Context, console
from envmgr.host import platforms
from envmgr.host.network import Network, without_credentials
from envmgr.pythons import refresh as refreshing
from envmgr.pythons import selection


@click.command()
@click.option("--offline", is_flag=True, help="Read only an index in a file.")
@click.pass_obj
def refresh_command(context: Context, *, offline: bool) -> None:
    """Download the index of Pythons now, and print the new ones.

    `install`, `upgrade` and `list --available` do this once a day, and for a version that the index does not have.
    """
    network = Network(context.environ, offline)
    here = platforms.this_platform()
    mirrored = refreshing.mirror_candidates(here, network)
    if mirrored is not None:
        mirror = without_credentials(context.environ[refreshing.MIRROR])
        console.say(f"{mirror} has {len(mirrored)} builds for this platform; a mirror is read by every command.")
        return
    before = set(selection.known_candidates(context.cache, here, context.environ.get(selection.INDEX)))
    found = refreshing.update_index(here, network, context.cache)
    new = [candidate for candidate in found if candidate not in before]
    for candidate in new:
        console.data(candidate.build.build_alias)
    console.say(f"The index has {len(found)} builds for this platform; {len(new)} are new.")

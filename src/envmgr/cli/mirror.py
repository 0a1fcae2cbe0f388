"""`envmgr mirror`: pack, collect and serve Python archives."""

from __future__ import annotations

import time
from pathlib import Path

import click

from envmgr.cli import Context, console, progress
from envmgr.cli.commands import Group
from envmgr.cli.install import JOBS
from envmgr.errors import UsageError
from envmgr.host import platforms, server
from envmgr.host.network import Network
from envmgr.host.platforms import Platform
from envmgr.pythons import mirror as mirrors
from envmgr.pythons.index_sources import SUMS
from envmgr.versions.request import VersionRequest

_DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.group(cls=Group)
def mirror_command() -> None:
    """Pack, collect and serve Python archives.

    A mirror is a directory with archives in `TAG/FILE` and a SHA256SUMS that lists them. Any file server can serve it;
    ENVMGR_PYTHON_MIRROR names it, by http, https or file URL.
    """


@mirror_command.command("pack")
@click.argument("prefix", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--into", type=_DIRECTORY, required=True, help="The mirror.")
@click.option("--tag", help="The build tag, eight digits.  [default: today]")
@click.option(
    "--without", default="", metavar="NAMES", help="Packages of the standard library to leave out: idlelib,tkinter"
)
@click.pass_obj
def pack_command(context: Context, prefix: Path, into: Path, tag: str | None, without: str) -> None:
    """Make a relocatable archive of the CPython installed in PREFIX, and add it to a mirror.

    Libraries outside of PREFIX (OpenSSL, ...) are not packed, so the archive is for machines with the same ones.
    """
    left_out = [name for name in without.split(",") if name]
    today = time.strftime("%Y%m%d", time.gmtime())
    directory = context.cwd / into
    packed = mirrors.pack(context.cwd / prefix, directory, tag or today, environ=context.environ, without=left_out)
    console.data(packed)


@mirror_command.command("sync")
@click.argument("directory", type=_DIRECTORY)
@click.argument("requests", nargs=-1, required=True)
@click.option(
    "--platform", "names", multiple=True, help="Such as linux-aarch64-gnu; may be repeated.  [default: this one]"
)
@click.option("-j", "--jobs", type=click.IntRange(1), default=JOBS, show_default=True, help="How many at once.")
@click.pass_obj
def sync_command(
    context: Context, directory: Path, requests: tuple[str, ...], names: tuple[str, ...], *, jobs: int
) -> None:
    """Download the newest Pythons that match REQUESTS into the mirror DIRECTORY, and verify each.

    A complete archive is not downloaded again; an incomplete download is resumed.
    """
    network = Network(context.environ)
    wanted = [VersionRequest.parse(word) for word in requests]
    targets = [Platform.parse(name) for name in names] or [platforms.this_platform()]
    chosen = mirrors.select(wanted, targets, network, context.cache)
    with progress.downloads(context.environ) as watching:
        new = mirrors.sync(context.cwd / directory, chosen, network, jobs=jobs, watching=watching)
    for path in new:
        console.say(f"Fetched {path}")
    console.say(f"{directory} has {len(chosen)} matching archives, {len(new)} of them new")


@mirror_command.command("serve")
@click.argument("directory", type=_DIRECTORY)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8437, show_default=True, help="0 selects a free one.")
@click.pass_obj
def serve_command(context: Context, directory: Path, host: str, port: int) -> None:
    """Serve the mirror DIRECTORY over HTTP, by default to this machine only, until Ctrl-C."""
    folder = context.cwd / directory
    if not (folder / SUMS).is_file():
        raise UsageError(
            f"{folder} is not a mirror: it has no {SUMS}", hint="fill it with `envmgr mirror sync` or `pack`"
        )
    server.serve(folder, host, port, ready=_ready, log=console.say)


def _ready(url: str) -> None:
    """Print the address of the server, and how to use it."""
    console.data(url)
    console.say(f"use it with: export ENVMGR_PYTHON_MIRROR={url}")

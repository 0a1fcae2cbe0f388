"""`envmgr list`: list installed Pythons, or those that can be installed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from envmgr.cli import Context, console
from envmgr.errors import EnvmgrError
from envmgr.host.network import Network
from envmgr.host.platforms import Platform
from envmgr.pythons import refresh, resolve, selection
from envmgr.pythons.candidate import Candidate
from envmgr.pythons.store import Interpreter, Store
from envmgr.versions import pins
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build


@click.command("list")
@click.argument("request", required=False)
@click.option(
    "--available", is_flag=True, help="List Pythons that can be installed: without REQUEST, the newest of each X.Y."
)
@click.option("--all", "every", is_flag=True, help="List every version and build that can be installed.")
@click.option("--platform", metavar="OS-ARCH-LIBC", help="List Pythons that can be installed on another platform.")
@click.option("--offline", is_flag=True, help="List the index without using the network.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one array of objects.")
@click.pass_obj
def list_command(
    context: Context,
    request: str | None,
    *,
    available: bool,
    every: bool,
    platform: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """List the installed Pythons that match REQUEST, newest first: build, aliases, origin, path.

    The global default is marked with *. A linked Python that was removed is listed as broken, one that its owner has
    replaced as to be linked again. Exit code 4: nothing installed matches REQUEST; 3: nothing that can be installed
    does.
    """
    wanted = VersionRequest.parse(request) if request else None
    if available or every or platform or offline:
        here = (
            Platform.parse(platform) if platform else selection.target_platform(wanted or VersionRequest.parse("any"))
        )
        found = refresh.available_candidates(here, Network(context.environ, offline), context.cache)
        selected = _select(found, wanted, every=every)
        if wanted and not selected:
            selection.select(wanted, found, "what can be installed")  # raises, and names the nearest
        _print(_available(context, selected), as_json=as_json)
    else:
        _print(_installed(context, wanted), as_json=as_json)


def _select(found: Sequence[Candidate], wanted: VersionRequest | None, *, every: bool) -> Sequence[Candidate]:
    """Return the candidates to list."""
    if wanted:
        builds = {*wanted.select_all(candidate.build for candidate in found)}
        return [candidate for candidate in found if candidate.build in builds]
    return found if every else selection.newest_per_minor(found)


def _installed(context: Context, wanted: VersionRequest | None) -> Iterator[dict[str, Any]]:
    """Yield the row of each installed Python, newest first."""
    store = Store(context.home)
    default = _default(context, store)
    builds = sorted(wanted.select_all(store.builds()) if wanted else store.builds(), reverse=True)
    if wanted and not builds:
        raise resolve.missing_error(store, wanted)
    for build in builds:
        yield (
            _build_fields(build) | _interpreter_fields(store, store.interpreter(build)) | {"default": build == default}
        )


def _available(context: Context, found: Iterable[Candidate]) -> Iterator[dict[str, Any]]:
    """Yield the row of each candidate."""
    installed = {*Store(context.home).builds()}
    mirror = context.environ.get(refresh.MIRROR)
    for candidate in found:
        download = {"url": candidate.urls(mirror)[0], "sha256": candidate.sha256, "flavor": candidate.flavor}
        yield _build_fields(candidate.build) | {"installed": candidate.build in installed} | download


def _build_fields(build: Build) -> dict[str, Any]:
    """Return the fields that describe a build."""
    return {
        "build": str(build),
        "implementation": build.implementation,
        "version": str(build.version),
        "variant": build.variant,
        "tag": build.tag,
        "platform": str(build.platform),
    }


def _interpreter_fields(store: Store, interpreter: Interpreter) -> dict[str, Any]:
    """Return the fields that describe an installed interpreter: aliases, origin, paths and state."""
    build, receipt = interpreter.build, interpreter.receipt() if interpreter.linked else {}
    names = (build.minor_alias, build.patch_alias, build.build_alias)
    return {
        "aliases": [name for name in names if store.alias(name) == build],
        "origin": str(receipt.get("origin", "standalone")),
        "path": str(receipt.get("path", interpreter.executable)),
        "executable": str(interpreter.executable),
        "works": interpreter.works,
        "changed": interpreter.replaced,
    }


def _default(context: Context, store: Store) -> Build | None:
    """Return the build that the global default means now."""
    try:
        pin = pins.read(context.home.default)
    except EnvmgrError:  # `status` and `doctor` report it
        return None
    found = store.find(pin.requests[0]) if pin else None
    return found.build if found else None


def _print(rows: Iterator[dict[str, Any]], *, as_json: bool) -> None:
    """Print rows as JSON or as a table."""
    every = [*rows]
    if as_json:
        console.data(json.dumps(every, indent=1))
    elif every:
        console.table([_installed_cells(row) if "works" in row else _available_cells(row) for row in every])
    else:
        console.say("Nothing to list.")


def _installed_cells(row: dict[str, Any]) -> tuple[str, ...]:
    build = Build.parse(row["build"])
    aliases = ", ".join(alias for alias in row["aliases"] if alias != build.build_alias)
    return "*" if row["default"] else " ", build.build_alias, aliases, row["origin"], row["path"] + _state(row)


def _state(row: dict[str, Any]) -> str:
    """Return the remark on a linked interpreter that was removed or replaced, else an empty string."""
    if not row["works"]:
        return " (broken: not there)"
    return " (replaced since: link it again)" if row["changed"] else ""


def _available_cells(row: dict[str, Any]) -> tuple[str, ...]:
    return Build.parse(row["build"]).build_alias, "installed" if row["installed"] else ""

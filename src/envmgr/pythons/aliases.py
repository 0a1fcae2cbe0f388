"""Write the aliases, the cached requests and the `pythonX.Y` links after a change of the store.

An alias names a minor version, a patch or a build. An environment may have an alias as its `home`, so an alias must
never point to another minor version. Wider requests (`3`, `latest`, `>=3.11`) are one-line files in `requests/` that
name an alias (docs/adr/0007-requests-and-aliases.md). Call these functions under the store's lock.

An environment that another tool makes through `shims/python3.12` has `shims/` as its `home`. Python searches its
standard library from there upwards (https://docs.python.org/3/library/sys_path_init.html), so `lib/` and `include/`
beside `shims/` have a link per minor version. Without these links a relocated build cannot start.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from envmgr.errors import EnvmgrError
from envmgr.host import files
from envmgr.host.paths import Home
from envmgr.pythons.store import Interpreter, Store
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build


def update_aliases(home: Home, *, without: Collection[Path] = ()) -> None:
    """Update aliases, `pythonX.Y` links and library links to the builds in the store, each by one atomic rename.

    `without` are directories of builds that are about to be removed; no link will point to them. Raises OSError.
    """
    wanted: dict[str, Build] = {}
    builds = [build for build in Store(home).builds() if home.versions / str(build) not in without]
    for build in sorted(builds, key=lambda build: (build.version.pre is None, build.rank)):
        for name in (build.minor_alias, build.patch_alias, build.build_alias):
            wanted[name] = build
    _update_links(home.aliases, {name: f"../versions/{build}" for name, build in wanted.items()}, owned="../versions/")
    minors = {build.minor_alias: _program(build) for build in wanted.values() if not build.prefix}
    programs = {f"python{name}": f"../aliases/{name}/bin/{program}" for name, program in minors.items()}
    _update_links(home.shims, programs, owned="../aliases/")
    for part in ("lib", "include"):
        targets = {program: f"../aliases/{name}/{part}/{program}" for name, program in minors.items()}
        existing = {program: target for program, target in targets.items() if (home.shims / target).is_dir()}
        _update_links(home.root / part, existing, owned="../aliases/")
    forget_requests(home)


def _program(build: Build) -> str:
    """Return the name of the interpreter's program: `python3.13t`. The name of a debug build has no `d`."""
    return f"python{build.version.minor_text}{build.variant.replace('d', '')}"


def _update_links(folder: Path, wanted: dict[str, str], *, owned: str) -> None:
    """Create the `wanted` links (name -> target) in `folder`; remove other links whose targets start with `owned`."""
    folder.mkdir(parents=True, exist_ok=True)
    files.clean_up(folder)
    for entry in folder.iterdir():
        if entry.name not in wanted and entry.is_symlink() and os.readlink(entry).startswith(owned):  # noqa: PTH115
            entry.unlink(missing_ok=True)
    for name, target in wanted.items():
        files.link_atomically(folder / name, target)


def write_request(home: Home, request: VersionRequest, interpreter: Interpreter | None) -> None:
    """Cache the alias of the interpreter that matches `request`, or that none does (None), for the shims.

    Raises EnvmgrError if the file cannot be written.
    """
    alias = interpreter.alias if interpreter else ""
    if request.text == alias:
        return
    home.requests.mkdir(parents=True, exist_ok=True)
    try:
        files.write_atomically(home.requests / request.text, f"{alias}\n" if alias else "")
    except OSError as error:
        raise EnvmgrError(f"{home.requests}: {error.strerror}") from error


def forget_requests(home: Home) -> None:
    """Remove all cached requests; a shim that needs one resolves it again."""
    if home.requests.is_dir():
        for file in home.requests.iterdir():
            file.unlink(missing_ok=True)

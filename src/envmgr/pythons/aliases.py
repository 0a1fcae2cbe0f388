"""Writing the aliases, the remembered requests and the `pythonX.Y` links, after anything in the store changed.

Aliases name minors, patches and builds, because environments may have one as their home: all that an alias ever points
to is the same minor version. Wider requests (`3`, `latest`, `>=3.11`) are one-line files in `requests/` that name an
alias (docs/adr/0007-requests-and-aliases.md). Call these under the store's lock.

An environment that another tool makes through `shims/python3.12` has `shims/` as its home. Python looks for its
standard library from there upwards (https://docs.python.org/3/library/sys_path_init.html), so `lib/` and `include/`
beside `shims/` hold a link per minor version; without, a build that was moved from where it was compiled cannot start.
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
    """Make aliases, `pythonX.Y` links and their libraries say what the store holds now; each changes by one rename.

    `without` are directories of builds that are about to go.
    """
    wanted: dict[str, Build] = {}
    builds = [build for build in Store(home).builds() if home.versions / str(build) not in without]
    for build in sorted(builds, key=lambda build: (build.version.pre is None, build.rank)):
        for name in (build.minor_alias, build.patch_alias, build.build_alias):
            wanted[name] = build
    _links(home.aliases, {name: f"../versions/{build}" for name, build in wanted.items()}, owned="../versions/")
    minors = {build.minor_alias: _program(build) for build in wanted.values() if not build.prefix}
    programs = {f"python{name}": f"../aliases/{name}/bin/{program}" for name, program in minors.items()}
    _links(home.shims, programs, owned="../aliases/")
    for part in ("lib", "include"):
        places = {program: f"../aliases/{name}/{part}/{program}" for name, program in minors.items()}
        there = {program: place for program, place in places.items() if (home.shims / place).is_dir()}
        _links(home.root / part, there, owned="../aliases/")
    forget_requests(home)


def _program(build: Build) -> str:
    """Return the name of the interpreter's program: `python3.13t`; a debug build has no letter of its own."""
    return f"python{build.version.minor_text}{build.variant.replace('d', '')}"


def _links(folder: Path, wanted: dict[str, str], *, owned: str) -> None:
    """Make the links of `folder` whose targets start with `owned` exactly the `wanted` ones, name -> target."""
    folder.mkdir(parents=True, exist_ok=True)
    files.clean_up(folder)
    for entry in folder.iterdir():
        if entry.name not in wanted and entry.is_symlink() and os.readlink(entry).startswith(owned):  # noqa: PTH115
            entry.unlink(missing_ok=True)
    for name, target in wanted.items():
        files.link_atomically(folder / name, target)


def write_request(home: Home, request: VersionRequest, interpreter: Interpreter | None) -> None:
    """Write down which alias answers `request`, or that none does, so that the shim need not ask again."""
    alias = interpreter.alias if interpreter else ""
    if request.text == alias:
        return
    home.requests.mkdir(parents=True, exist_ok=True)
    try:
        files.write_atomically(home.requests / request.text, f"{alias}\n" if alias else "")
    except OSError as error:
        raise EnvmgrError(f"{home.requests}: {error.strerror}") from error


def forget_requests(home: Home) -> None:
    """Forget every remembered request; the next shim that needs one asks."""
    if home.requests.is_dir():
        for file in home.requests.iterdir():
            file.unlink(missing_ok=True)

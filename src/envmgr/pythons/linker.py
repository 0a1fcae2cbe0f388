"""Linking: making an interpreter of this machine usable from the store, without copying or changing it. A writer."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from envmgr.errors import EnvmgrError, UsageError
from envmgr.host import lock
from envmgr.host.paths import Environ, Home
from envmgr.pythons import aliases, discover
from envmgr.pythons.discover import Found
from envmgr.pythons.store import RECEIPT, Interpreter, Store
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build

_SHARED = ("homebrew", "system")  # origins whose bin/ holds more than one Python and its programs
_ITS_OWN = re.compile(r"(?:python|pypy|pip|pydoc|idle|2to3)[\d.-]*(?:-config)?")


def link(home: Home, found: Found, environ: Environ, *, name: str | None = None) -> Interpreter:
    """Put links to `found` into the store, called `name` (its origin by default); again to refresh them.

    Raises BrokenInterpreterError for one that does not start, UsageError for a name that is taken or is none.
    """
    build = discover.identify(found, environ)
    if name is not None:
        build = replace(build, tag=checked(name))
    with lock.exclusive(home.lock):
        _refuse_taken(home, build, found)
        _publish(home, build, found)
        aliases.repoint(home)
    return Store(home).interpreter(build)


def checked(name: str) -> str:
    """Return `name` if an interpreter can be called that; raises UsageError if it would be read as something else."""
    if VersionRequest.parse(name).name != name:
        raise UsageError(f"{name!a} means a version, not a name", hint="take a word that is no version, such as work")
    return name


def _refuse_taken(home: Home, build: Build, found: Found) -> None:
    """Refuse to let one name mean another interpreter than before, as long as that one is there."""
    before = str(Store(home).interpreter(build).receipt().get("path", ""))
    if before and os.path.exists(before) and os.path.realpath(before) != os.path.realpath(found.executable):  # noqa: PTH110
        raise UsageError(
            f"{build.build_alias} is linked to {before} already",
            hint=f"give this one a name of its own: `envmgr link {found.executable} NAME`",
        )


def _publish(home: Home, build: Build, found: Found) -> None:
    """Bring a new one into the store by one rename; one that is there is refreshed link by link, so that it works on.

    Raises EnvmgrError where the store does not take it.
    """
    place = home.versions / str(build)
    try:
        if place.is_dir():
            _lay(place, build, found)
            return
        for left in home.tmp.glob("link-*"):  # of runs that were killed
            shutil.rmtree(left, ignore_errors=True)
        staged = home.tmp / f"link-{build}"
        _lay(staged, build, found)
        place.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(place)
    except OSError as error:
        raise EnvmgrError(f"{place}: {error.strerror}") from error


def _lay(folder: Path, build: Build, found: Found) -> None:
    """Make `folder` hold links to every program of an interpreter, and nothing else but the receipt."""
    wanted = programs(build, found)
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for name, target in wanted.items():
        aliases.point(folder / "bin" / name, str(target))
    for left in (folder / "bin").iterdir():
        if left.name not in wanted:
            left.unlink()
    receipt = {
        "build": str(build),
        "origin": found.origin,
        "path": str(found.executable),
        "linked": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    staged = folder / f".{RECEIPT}"
    staged.write_text(json.dumps(receipt, indent=1) + "\n", encoding="utf-8")
    staged.replace(folder / RECEIPT)


def programs(build: Build, found: Found) -> dict[str, Path]:
    """Return the programs of an interpreter, name -> path.

    Of a directory that is shared, only those of this X.Y; of a conda environment, which may hold a whole operating
    system, only those that come with Python.
    """
    minor = f"{build.version.minor_text}{build.variant.replace('d', '')}"
    named = dict(_all(found.bin))
    if found.origin in _SHARED or found.bin in {Path("/usr/bin"), Path("/usr/local/bin")}:
        named = dict(_of_minor(found.bin, minor))
    elif found.origin == "conda":
        named = {name: path for name, path in named.items() if _ITS_OWN.fullmatch(name)}
    major = build.version.major
    return named | dict.fromkeys(("python", f"python{major}", f"python{minor}"), found.executable)


def _all(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.iterdir():
        if path.is_file() and os.access(path, os.X_OK):
            yield path.name, path


def _of_minor(folder: Path, minor: str) -> Iterator[tuple[str, Path]]:
    pattern = re.compile(rf"(python|pip|pydoc){re.escape(minor)}(-config)?")
    for name, path in _all(folder):
        if found := pattern.fullmatch(name):
            for number in ("", minor[0], minor):
                yield f"{found[1]}{number}{found[2] or ''}", path

"""Linking: making an interpreter of this machine usable from the store, without copying or changing it. A writer."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from envmgr.errors import EnvmgrError, UsageError
from envmgr.host import files, lock
from envmgr.host.paths import Environ, Home
from envmgr.pythons import aliases, discovery
from envmgr.pythons.discovery import FoundPython, Identity
from envmgr.pythons.store import RECEIPT, Interpreter, Store, identity_stamp
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build

_SHARED = ("homebrew", "system")  # origins whose bin/ holds more than one Python and its programs
_ITS_OWN = re.compile(r"(?:python|pypy|pip|pydoc|idle|2to3)[\d.-]*(?:-config)?")


def link(home: Home, found: FoundPython, environ: Environ, *, name: str | None = None) -> Interpreter:
    """Put links to `found` into the store, called `name` (its origin by default); again to refresh them.

    Where its owner has replaced it by another version, what said the old one goes, and its names mean the new one.
    Raises BrokenInterpreterError for one that does not start, UsageError for a name that is taken or is none.
    """
    identity = discovery.identify(found, environ)
    if name is not None:
        identity = replace(identity, build=replace(identity.build, tag=check_name(name)))
    with lock.exclusive(home.lock):
        _ensure_free(home, identity.build, found)
        outdated = [*_outdated(home, identity.build, found)]
        for build in {identity.build, *(replace(identity.build, tag=old.tag) for old in outdated)}:
            if not _taken(home, build, found):
                _publish(home, replace(identity, build=build), found)
        _remove_builds(home, outdated)
    return Store(home).interpreter(identity.build)


def _outdated(home: Home, build: Build, found: FoundPython) -> Iterator[Build]:
    """Yield the builds in the store that led to what is `found` there now, which is another version."""
    store = Store(home)
    for other in store.builds():
        interpreter = store.interpreter(other)
        if interpreter.linked and not _same(other, build) and _replaced(interpreter, found):
            yield other


def _replaced(interpreter: Interpreter, found: FoundPython) -> bool:
    """Whether a linked interpreter was what is `found` now: the same program, or one that was beside it in a prefix."""
    if os.path.realpath(interpreter.executable) == os.path.realpath(found.executable):
        return True
    before = Path(interpreter.receipt_value("path"))
    beside = os.path.realpath(before.parent) == os.path.realpath(found.bin)
    return beside and not interpreter.works and not _is_shared(found)


def _same(one: Build, other: Build) -> bool:
    """Whether two builds differ in their tags at most."""
    return replace(one, tag=other.tag) == other


def _remove_builds(home: Home, builds: Iterable[Build]) -> None:
    """Remove builds by one rename each, after the aliases have left them."""
    folders = [home.versions / str(build) for build in builds]
    home.tmp.mkdir(parents=True, exist_ok=True)
    aliases.update_aliases(home, without=folders)
    for folder in folders:
        aside = folder.rename(home.tmp / f"removed-{folder.name}-{os.getpid()}")
        shutil.rmtree(aside, ignore_errors=True)


def check_name(name: str) -> str:
    """Return `name` if an interpreter can be called that; raises UsageError if it would be read as something else."""
    if VersionRequest.parse(name).name != name:
        raise UsageError(f"{name!a} means a version, not a name", hint="take a word that is no version, such as work")
    return name


def _ensure_free(home: Home, build: Build, found: FoundPython) -> None:
    """Refuse to let one name mean another interpreter than before, as long as that one is there."""
    if before := _taken(home, build, found):
        raise UsageError(
            f"{build.build_alias} is linked to {before} already",
            hint=f"give this one a name of its own: `envmgr link {found.executable} NAME`",
        )


def _taken(home: Home, build: Build, found: FoundPython) -> str | None:
    """Return the other interpreter that a name means, as long as that one is there."""
    before = Store(home).interpreter(build).receipt_value("path")
    if before and os.path.exists(before) and os.path.realpath(before) != os.path.realpath(found.executable):  # noqa: PTH110
        return before
    return None


def _publish(home: Home, identity: Identity, found: FoundPython) -> None:
    """Bring a new one into the store by one rename; one that is there is refreshed link by link, so that it works on.

    Raises EnvmgrError where the store does not take it.
    """
    place = home.versions / str(identity.build)
    try:
        if place.is_dir():
            _write_links(place, identity, found)
            return
        for left in home.tmp.glob("link-*"):  # of runs that were killed
            shutil.rmtree(left, ignore_errors=True)
        staged = home.tmp / f"link-{identity.build}"
        _write_links(staged, identity, found)
        place.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(place)
    except OSError as error:
        raise EnvmgrError(f"{place}: {error.strerror}") from error


def _write_links(folder: Path, identity: Identity, found: FoundPython) -> None:
    """Make `folder` hold links to every program of an interpreter, and nothing else but the receipt."""
    wanted = programs(identity.build, found)
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for name, target in wanted.items():
        files.link_atomically(folder / "bin" / name, target)
    for left in (folder / "bin").iterdir():
        if left.name not in wanted:
            left.unlink()
    receipt = {
        "build": str(identity.build),
        "origin": found.owner,
        "path": str(found.executable),
        "stamp": identity_stamp(found.executable),
        "linked": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    if identity.library.is_file():  # not where it is in an archive
        receipt["library"] = str(identity.library)
    files.write_atomically(folder / RECEIPT, json.dumps(receipt, indent=1) + "\n")


def programs(build: Build, found: FoundPython) -> dict[str, Path]:
    """Return the programs of an interpreter, name -> path.

    Of a directory that is shared, only those of this X.Y; of a conda environment, which may hold a whole operating
    system, only those that come with Python.
    """
    minor = f"{build.version.minor_text}{build.variant.replace('d', '')}"
    named = dict(_all(found.bin))
    if _is_shared(found):
        named = dict(_of_minor(found.bin, minor))
    elif (found.bin.parent / "conda-meta").is_dir():  # pyenv and others install condas, too
        named = {name: path for name, path in named.items() if _ITS_OWN.fullmatch(name)}
    major = build.version.major
    return named | dict.fromkeys(("python", f"python{major}", f"python{minor}"), found.executable)


def _is_shared(found: FoundPython) -> bool:
    """Whether more than one Python has its programs there."""
    return found.owner in _SHARED or found.bin in {Path("/usr/bin"), Path("/usr/local/bin")}


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

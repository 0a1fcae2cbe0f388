"""Link interpreters of other tools into the store, without copying or changing them."""

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

_SHARED = ("homebrew", "system")  # owners whose bin/ has the programs of more than one Python
_PYTHON_PROGRAM = re.compile(r"(?:python|pypy|pip|pydoc|idle|2to3)[\d.-]*(?:-config)?")


def link(home: Home, found: FoundPython, environ: Environ, *, name: str | None = None) -> Interpreter:
    """Link `found` into the store under `name` (by default its owner), or update its links.

    If its owner has replaced it by another version, the build of the old version is removed and its names are given to
    the new one. Raises BrokenInterpreterError for an interpreter that does not start, UsageError for a name that is
    invalid or belongs to another interpreter, EnvmgrError.
    """
    identity = discovery.identify(found, environ)
    if name is not None:
        identity = replace(identity, build=replace(identity.build, tag=check_name(name)))
    with lock.exclusive(home.lock):
        _ensure_free(home, identity.build, found)
        outdated = [*_outdated(home, identity.build, found)]
        for build in {identity.build, *(replace(identity.build, tag=old.tag) for old in outdated)}:
            if not _other_interpreter(home, build, found):
                _publish(home, replace(identity, build=build), found)
        _remove_builds(home, outdated)
    return Store(home).interpreter(identity.build)


def _outdated(home: Home, build: Build, found: FoundPython) -> Iterator[Build]:
    """Yield the linked builds that `found`, which is another version, has replaced."""
    store = Store(home)
    for other in store.builds():
        interpreter = store.interpreter(other)
        if interpreter.linked and not _differ_in_tag_only(other, build) and _replaced(interpreter, found):
            yield other


def _replaced(interpreter: Interpreter, found: FoundPython) -> bool:
    """Return whether `found` replaced a linked interpreter: its program, or that of the same prefix."""
    if os.path.realpath(interpreter.executable) == os.path.realpath(found.executable):
        return True
    before = Path(interpreter.receipt_value("path"))
    beside = os.path.realpath(before.parent) == os.path.realpath(found.bin)
    return beside and not interpreter.works and not _is_shared(found)


def _differ_in_tag_only(one: Build, other: Build) -> bool:
    """Return whether two builds are equal but for their tags."""
    return replace(one, tag=other.tag) == other


def _remove_builds(home: Home, builds: Iterable[Build]) -> None:
    """Update the aliases, then remove builds by one atomic rename each."""
    folders = [home.versions / str(build) for build in builds]
    home.tmp.mkdir(parents=True, exist_ok=True)
    aliases.update_aliases(home, without=folders)
    for folder in folders:
        aside = folder.rename(home.tmp / f"removed-{folder.name}-{os.getpid()}")
        shutil.rmtree(aside, ignore_errors=True)


def check_name(name: str) -> str:
    """Return `name` if an interpreter can have it; raise UsageError if requests would read it as a version."""
    if VersionRequest.parse(name).name != name:
        raise UsageError(f"{name!a} is a version, not a name", hint="use a word that is not a version, such as work")
    return name


def _ensure_free(home: Home, build: Build, found: FoundPython) -> None:
    """Raise UsageError if the name of `build` belongs to another interpreter that still exists."""
    if other := _other_interpreter(home, build, found):
        raise UsageError(
            f"{build.build_alias} is linked to {other} already",
            hint=f"give this one another name: `envmgr link {found.executable} NAME`",
        )


def _other_interpreter(home: Home, build: Build, found: FoundPython) -> str | None:
    """Return the path of the interpreter that is linked as `build`, if it exists and is not `found`."""
    path = Store(home).interpreter(build).receipt_value("path")
    if path and os.path.exists(path) and os.path.realpath(path) != os.path.realpath(found.executable):  # noqa: PTH110
        return path
    return None


def _publish(home: Home, identity: Identity, found: FoundPython) -> None:
    """Add an interpreter to the store by one atomic rename, or update its links one by one so that it stays usable.

    Raises EnvmgrError if the store cannot be written.
    """
    prefix = home.versions / str(identity.build)
    try:
        if prefix.is_dir():
            _write_links(prefix, identity, found)
            return
        for leftover in home.tmp.glob("link-*"):  # of killed processes
            shutil.rmtree(leftover, ignore_errors=True)
        staged = home.tmp / f"link-{identity.build}"
        _write_links(staged, identity, found)
        prefix.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(prefix)
    except OSError as error:
        raise EnvmgrError(f"{prefix}: {error.strerror}") from error


def _write_links(folder: Path, identity: Identity, found: FoundPython) -> None:
    """Write links to all programs of an interpreter, and the receipt, into `folder`; remove other links."""
    wanted = programs(identity.build, found)
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for name, target in wanted.items():
        files.link_atomically(folder / "bin" / name, target)
    for existing in (folder / "bin").iterdir():
        if existing.name not in wanted:
            existing.unlink()
    receipt = {
        "build": str(identity.build),
        "origin": found.owner,
        "path": str(found.executable),
        "stamp": identity_stamp(found.executable),
        "linked": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    if identity.library.is_file():  # no file if it is in a zip archive
        receipt["library"] = str(identity.library)
    files.write_atomically(folder / RECEIPT, json.dumps(receipt, indent=1) + "\n")


def programs(build: Build, found: FoundPython) -> dict[str, Path]:
    """Return the programs of an interpreter, name -> path.

    A directory that several Pythons share contributes only the programs of this minor version; a conda environment,
    which may contain any software, only those of Python itself.
    """
    minor = f"{build.version.minor_text}{build.variant.replace('d', '')}"
    named = dict(_executables(found.bin))
    if _is_shared(found):
        named = dict(_executables_of_minor(found.bin, minor))
    elif (found.bin.parent / "conda-meta").is_dir():  # pyenv and other tools install conda, too
        named = {name: path for name, path in named.items() if _PYTHON_PROGRAM.fullmatch(name)}
    major = build.version.major
    return named | dict.fromkeys(("python", f"python{major}", f"python{minor}"), found.executable)


def _is_shared(found: FoundPython) -> bool:
    """Return whether the directory of `found` may have the programs of other Pythons."""
    return found.owner in _SHARED or found.bin in {Path("/usr/bin"), Path("/usr/local/bin")}


def _executables(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and path of each executable file in a directory."""
    for path in folder.iterdir():
        if path.is_file() and os.access(path, os.X_OK):
            yield path.name, path


def _executables_of_minor(folder: Path, minor: str) -> Iterator[tuple[str, Path]]:
    """Yield the programs of a minor version, each under its names without, with the major and with the full number."""
    pattern = re.compile(rf"(python|pip|pydoc){re.escape(minor)}(-config)?")
    for name, path in _executables(folder):
        if found := pattern.fullmatch(name):
            for number in ("", minor[0], minor):
                yield f"{found[1]}{number}{found[2] or ''}", path

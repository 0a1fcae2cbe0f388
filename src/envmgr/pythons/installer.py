"""Installing Pythons: fetch, verify, unpack, place, probe, publish by one rename. And removing them.

`tmp/install-<build>` is the stage of one build, guarded by a lock of its own: of several processes that install the
same build one works and the others find it done. The store's lock is held only to publish.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from envmgr import __version__
from envmgr.errors import (
    BrokenInterpreterError,
    DownloadError,
    EnvmgrError,
    StoreBusyError,
)
from envmgr.host import archive, download, lock, process
from envmgr.host.download import ProgressCallback
from envmgr.host.network import Network
from envmgr.host.paths import Environ, Home, ensure_supported
from envmgr.pythons import aliases, attestation, relocation
from envmgr.pythons.candidate import Candidate
from envmgr.pythons.probe import probe
from envmgr.pythons.refresh import MIRROR
from envmgr.pythons.store import RECEIPT, Store
from envmgr.versions.version import Build


@dataclass(frozen=True)
class InstallOptions:
    """What may be asked of an installation beyond the ordinary."""

    attested: bool = False  # by `gh`; see `attestation`
    compiled: bool = False  # to byte code, with all processors


_PATIENCE = 3600.0  # seconds to wait for another process that downloads the same build
DEFAULT_OPTIONS = InstallOptions()
_MODULES = {
    "cpython": ("_ssl", "_sqlite3", "_ctypes", "zlib", "_lzma"),
    "pypy": ("ssl", "sqlite3", "ctypes", "zlib", "lzma"),
}
_SLOWEST_START = 60.0  # seconds; the first start of a build, on a disk that is busy with it


def install(
    home: Home,
    candidate: Candidate,
    network: Network,
    cache: Path,
    *,
    options: InstallOptions = DEFAULT_OPTIONS,
    watch: ProgressCallback | None = None,
) -> bool:
    """Install `candidate` unless it is there; returns whether this process did it.

    The verified archive stays in `cache`; aliases and `pythonX.Y` links follow. Raises DownloadError, ChecksumError,
    BrokenInterpreterError for a build that can't run here, StoreBusyError, UsageError, EnvmgrError; the store is then
    as before.
    """
    ensure_supported(home)
    place = home.versions / str(candidate.build)
    with _translated(home):
        clean_up(home)
        if options.attested:
            with fetched_archive(candidate, network, cache, watch) as file:
                attestation.verify(file, network.environ)
        done = not place.is_dir() and _install(home, candidate, network, cache, watch)
        if options.compiled:
            compile_bytecode(place, network.environ)
    return done


def _install(home: Home, candidate: Candidate, network: Network, cache: Path, watch: ProgressCallback | None) -> bool:
    place = home.versions / str(candidate.build)
    with _stage(home, candidate.build) as stage:
        if place.is_dir():
            return False
        with fetched_archive(candidate, network, cache, watch) as file:
            archive.unpack(file, stage, network.environ)
        root = _root(stage, file)
        relocation.relocate(root, place)
        check(root, candidate.build, network.environ)
        _describe(root, candidate)
        _publish(home, root, place)
    return True


def fetched_archive(
    candidate: Candidate, network: Network, cache: Path, watch: ProgressCallback | None = None
) -> AbstractContextManager[Path]:
    """Give the verified archive of `candidate`, in the cache; `prune` leaves it there until the block ends.

    Raises DownloadError, ChecksumError, EnvmgrError.
    """
    file = cache / "downloads" / f"{candidate.sha256[:12]}-{candidate.file_name}"
    return download.locked_fetch(
        network, candidate.urls(network.environ.get(MIRROR)), file, candidate.sha256, watch=watch
    )


def clean_up(home: Home) -> None:
    """Clean up after killed runs: half-made stages, half-removed builds, aliases that were not repointed."""
    for left in home.tmp.glob("install-*"):
        with suppress(StoreBusyError), lock.exclusive(_stage_lock(left), timeout=0):
            shutil.rmtree(left, ignore_errors=True)
    store = Store(home)
    stale = any(store.alias(build.build_alias) != build for build in store.builds())
    if stale or any(home.tmp.glob("removed-*")):
        with lock.exclusive(home.lock):
            aliases.update_aliases(home)
            for left in home.tmp.glob("removed-*"):
                shutil.rmtree(left, ignore_errors=True)


def remove(home: Home, build: Build) -> None:
    """Remove `build` from the store: renamed away first, then the aliases repointed. Of a linked one only the links."""
    remove_directory(home, home.versions / str(build))


def remove_directory(home: Home, path: Path) -> None:
    """Remove a directory of the store, by one rename after the aliases have left it; raises EnvmgrError."""
    aside = home.tmp / f"removed-{path.name}-{os.getpid()}"
    with _translated(home), lock.exclusive(home.lock):
        home.tmp.mkdir(parents=True, exist_ok=True)
        aliases.update_aliases(home, without=[path])  # first: an alias never leads to nothing
        with suppress(FileNotFoundError):
            path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def check(root: Path, build: Build, environ: Environ) -> None:
    """Start the interpreter in `root` and load what needs the machine's libraries; raises BrokenInterpreterError."""
    modules = _MODULES.get(build.implementation, ())
    program = root / "bin" / "python"
    found = probe(program, environ, name=str(build), imports=modules, patience=_SLOWEST_START)
    if found.version != str(build.version):
        raise BrokenInterpreterError(f"{build} is not what it should be: it says that it is {found.version}")
    if not found.library.with_name("venv").is_dir():
        raise BrokenInterpreterError(f"{build} is not what it should be: it has no module venv")


def compile_bytecode(prefix: Path, environ: Environ) -> None:
    """Compile the standard library, so that no first import is slow. Files that are no valid source are passed over."""
    argv: list[str | Path] = [prefix / "bin" / "python", "-I", "-m", "compileall", "-q", "-j0", prefix / "lib"]
    process.run(argv, environ=process.without_python_variables(environ))


@contextmanager
def _stage(home: Home, build: Build) -> Iterator[Path]:
    """Give the one directory in which `build` may be prepared, empty; it is removed in the end."""
    stage = home.tmp / f"install-{build}"
    with lock.exclusive(_stage_lock(stage), timeout=_PATIENCE):
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _stage_lock(stage: Path) -> Path:
    return stage.with_name(f".{stage.name}.lock")


def _root(stage: Path, file: Path) -> Path:
    """Return the prefix in what was unpacked: the one top directory, or `install` in it."""
    tops = list(stage.iterdir())
    root = tops[0] / "install" if tops and (tops[0] / "install").is_dir() else tops[0] if tops else stage
    if len(tops) != 1 or root.is_symlink() or tops[0].is_symlink() or not any(root.glob("bin/p*")):
        raise DownloadError(f"{file.name} holds no Python")
    return root


def _describe(root: Path, candidate: Candidate) -> None:
    """Write the receipt."""
    receipt = {
        "build": str(candidate.build),
        "path": candidate.path,
        "sha256": candidate.sha256,
        "flavor": candidate.flavor,
        "installed": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "envmgr": __version__,
    }
    (root / RECEIPT).write_text(json.dumps(receipt, indent=1) + "\n", encoding="utf-8")


def _publish(home: Home, root: Path, place: Path) -> None:
    with lock.exclusive(home.lock):
        home.versions.mkdir(parents=True, exist_ok=True)
        root.rename(place)
        aliases.update_aliases(home)


@contextmanager
def _translated(home: Home) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EnvmgrError(
            f"{error.filename or home.root}: {error.strerror}", hint="ENVMGR_HOME may name another place"
        ) from error

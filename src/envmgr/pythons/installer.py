"""Install and remove Pythons: download, verify, unpack, relocate, check, publish by one atomic rename.

A build is prepared in its staging directory, `tmp/install-<build>`, which has a lock of its own: if several processes
install the same build, one does the work and the others wait. The store's lock is taken only to publish.
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
    """Optional steps of an installation."""

    attested: bool = False  # verify the attestation, with `gh`
    compiled: bool = False  # compile the standard library to byte code, on all processors


_LOCK_TIMEOUT = 3600.0  # seconds to wait for another process that installs the same build
DEFAULT_OPTIONS = InstallOptions()
_MODULES = {
    "cpython": ("_ssl", "_sqlite3", "_ctypes", "zlib", "_lzma"),
    "pypy": ("ssl", "sqlite3", "ctypes", "zlib", "lzma"),
}
_START_TIMEOUT = 60.0  # seconds; the first start of a build is slow on a busy disk


def install(
    home: Home,
    candidate: Candidate,
    network: Network,
    cache: Path,
    *,
    options: InstallOptions = DEFAULT_OPTIONS,
    watch: ProgressCallback | None = None,
) -> bool:
    """Install `candidate` and update aliases and links; return False if it was installed already.

    The verified archive stays in `cache`. Raises DownloadError, ChecksumError, BrokenInterpreterError for a build that
    cannot run on this machine, StoreBusyError, UsageError, EnvmgrError; the store is then unchanged.
    """
    ensure_supported(home)
    prefix = home.versions / str(candidate.build)
    with _os_errors_reported(home):
        clean_up(home)
        if options.attested:
            with fetched_archive(candidate, network, cache, watch) as file:
                attestation.verify(file, network.environ)
        done = not prefix.is_dir() and _install(home, candidate, network, cache, watch)
        if options.compiled:
            compile_bytecode(prefix, network.environ)
    return done


def _install(home: Home, candidate: Candidate, network: Network, cache: Path, watch: ProgressCallback | None) -> bool:
    """Install `candidate`; return False if another process did it meanwhile."""
    prefix = home.versions / str(candidate.build)
    with _staging_directory(home, candidate.build) as staging:
        if prefix.is_dir():
            return False
        with fetched_archive(candidate, network, cache, watch) as file:
            archive.unpack(file, staging, network.environ)
        root = _unpacked_prefix(staging, file)
        relocation.relocate(root, prefix)
        check(root, candidate.build, network.environ)
        _write_receipt(root, candidate)
        _publish(home, root, prefix)
    return True


def fetched_archive(
    candidate: Candidate, network: Network, cache: Path, watch: ProgressCallback | None = None
) -> AbstractContextManager[Path]:
    """Return a context with the path of the verified archive in the cache; `prune` does not remove it in the context.

    Raises DownloadError, ChecksumError, EnvmgrError.
    """
    file = cache / "downloads" / f"{candidate.sha256[:12]}-{candidate.file_name}"
    return download.locked_fetch(
        network, candidate.urls(network.environ.get(MIRROR)), file, candidate.sha256, watch=watch
    )


def clean_up(home: Home) -> None:
    """Clean up after killed processes: staging directories, removed builds, outdated aliases.

    Raises StoreBusyError, OSError.
    """
    for leftover in home.tmp.glob("install-*"):
        with suppress(StoreBusyError), lock.exclusive(_staging_lock(leftover), timeout=0):
            shutil.rmtree(leftover, ignore_errors=True)
    store = Store(home)
    stale = any(store.alias(build.build_alias) != build for build in store.builds())
    if stale or any(home.tmp.glob("removed-*")):
        with lock.exclusive(home.lock):
            aliases.update_aliases(home)
            for leftover in home.tmp.glob("removed-*"):
                shutil.rmtree(leftover, ignore_errors=True)


def remove(home: Home, build: Build) -> None:
    """Remove `build` from the store; of a linked interpreter, remove only the links. Raises EnvmgrError."""
    remove_directory(home, home.versions / str(build))


def remove_directory(home: Home, path: Path) -> None:
    """Update the aliases, then remove a directory of the store by one atomic rename; raise EnvmgrError."""
    aside = home.tmp / f"removed-{path.name}-{os.getpid()}"
    with _os_errors_reported(home), lock.exclusive(home.lock):
        home.tmp.mkdir(parents=True, exist_ok=True)
        aliases.update_aliases(home, without=[path])  # before the removal, so that no alias dangles
        with suppress(FileNotFoundError):
            path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def check(root: Path, build: Build, environ: Environ) -> None:
    """Start the interpreter in `root` and import the modules that need shared libraries.

    Raises BrokenInterpreterError if that fails, or if it has another version than `build`, or no module venv.
    """
    modules = _MODULES.get(build.implementation, ())
    program = root / "bin" / "python"
    found = probe(program, environ, name=str(build), imports=modules, timeout=_START_TIMEOUT)
    if found.version != str(build.version):
        raise BrokenInterpreterError(f"{build} is not what it should be: its version is {found.version}")
    if not found.library.with_name("venv").is_dir():
        raise BrokenInterpreterError(f"{build} is not what it should be: it has no module venv")


def compile_bytecode(prefix: Path, environ: Environ) -> None:
    """Compile the standard library to byte code, which makes first imports fast; skip files with syntax errors."""
    argv: list[str | Path] = [prefix / "bin" / "python", "-I", "-m", "compileall", "-q", "-j0", prefix / "lib"]
    process.run(argv, environ=process.without_python_variables(environ))


@contextmanager
def _staging_directory(home: Home, build: Build) -> Iterator[Path]:
    """Lock and yield the empty directory in which `build` is prepared; remove it at the end."""
    staging = home.tmp / f"install-{build}"
    with lock.exclusive(_staging_lock(staging), timeout=_LOCK_TIMEOUT):
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _staging_lock(staging: Path) -> Path:
    """Return the lock file of a staging directory."""
    return staging.with_name(f".{staging.name}.lock")


def _unpacked_prefix(staging: Path, file: Path) -> Path:
    """Return the prefix in an unpacked archive: the one top directory, or `install` in it; raise DownloadError."""
    tops = list(staging.iterdir())
    root = tops[0] / "install" if tops and (tops[0] / "install").is_dir() else tops[0] if tops else staging
    if len(tops) != 1 or root.is_symlink() or tops[0].is_symlink() or not any(root.glob("bin/p*")):
        raise DownloadError(f"{file.name} contains no Python")
    return root


def _write_receipt(root: Path, candidate: Candidate) -> None:
    """Write the receipt, which describes the build and where it came from."""
    receipt = {
        "build": str(candidate.build),
        "path": candidate.path,
        "sha256": candidate.sha256,
        "flavor": candidate.flavor,
        "installed": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "envmgr": __version__,
    }
    (root / RECEIPT).write_text(json.dumps(receipt, indent=1) + "\n", encoding="utf-8")


def _publish(home: Home, root: Path, prefix: Path) -> None:
    """Rename the prepared directory `root` to `prefix`, and update the aliases."""
    with lock.exclusive(home.lock):
        home.versions.mkdir(parents=True, exist_ok=True)
        root.rename(prefix)
        aliases.update_aliases(home)


@contextmanager
def _os_errors_reported(home: Home) -> Iterator[None]:
    """Convert an OSError to EnvmgrError, which names the file."""
    try:
        yield
    except OSError as error:
        raise EnvmgrError(
            f"{error.filename or home.root}: {error.strerror}", hint="ENVMGR_HOME may name another directory"
        ) from error

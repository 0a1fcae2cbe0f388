"""Fill mirrors: directories with archives, `{tag}/{archive}`, and a `SHA256SUMS`, for any file server to serve."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import archive, download, files, lock, platforms
from envmgr.host.download import ProgressCallback, digest
from envmgr.host.network import Network
from envmgr.host.paths import Environ
from envmgr.host.platforms import Platform
from envmgr.pythons import packing, refresh, selection
from envmgr.pythons.candidate import Candidate
from envmgr.pythons.index_sources import SUMS
from envmgr.pythons.packing import Source
from envmgr.versions.request import VersionRequest

_TAG = re.compile(r"[0-9]{8}", re.ASCII)
_VARIANTS = {"": "", "t": "freethreaded-", "d": "debug-", "td": "freethreaded+debug-"}


def pack(
    prefix: Path,
    into: Path,
    tag: str,
    *,
    environ: Environ = os.environ,
    level: int = 6,
    without: Collection[str] = (),
) -> Path:
    """Write `into/{tag}/cpython-...-install_only_stripped.tar.gz` from the CPython in `prefix`; return its path.

    `tag` is eight digits; `environ` has a PATH with `patchelf` and, optionally, `strip`; `level` is gzip's; `without`
    are packages of the standard library to leave out. The sha256 is added to the `SHA256SUMS` of the tag and of the
    mirror. Raises UsageError, BrokenInterpreterError, EnvmgrError.
    """
    if not _TAG.fullmatch(tag):
        raise UsageError(f"not a build tag: {tag!a}", hint="tags are eight digits, such as 20241016")
    source = packing.read_source(prefix, environ)
    folder = into / tag
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".pack-") as scratch:
        root = Path(scratch) / "python"
        packing.copy_relocatable(source, root, environ, without=without)
        staged = Path(scratch) / "archive"
        archive.write(root, staged, level=level)
        packed = staged.replace(folder / _file_name(source, tag))
    add_to_sums(into, packed, digest(packed))
    return packed


def select(
    requests: Sequence[VersionRequest], platforms: Sequence[Platform], network: Network, cache: Path
) -> list[Candidate]:
    """Return the newest candidate for each request and platform.

    Raises NoSuchVersionError for a request that has no match on one of the platforms, DownloadError.
    """
    selected = []
    for platform in platforms:
        available = refresh.available_candidates(platform, network, cache)
        selected += [selection.select(request, available, f"the index of {platform}") for request in requests]
    return list(dict.fromkeys(selected))


def sync(
    mirror: Path,
    chosen: Sequence[Candidate],
    network: Network,
    *,
    jobs: int,
    watching: Callable[[str], ProgressCallback],
) -> list[Path]:
    """Download those archives of `chosen` that `mirror` lacks or has damaged, `jobs` at a time; return the new ones.

    `watching` returns the progress callback for a build. Each archive is verified and added to SHA256SUMS. Raises
    DownloadError, ChecksumError, EnvmgrError; the archives that were finished before stay in the mirror.
    """

    def fetch(candidate: Candidate) -> Path | None:
        path = mirror / candidate.build.tag / candidate.file_name
        existed = path.is_file()
        urls = candidate.urls(network.environ.get(refresh.MIRROR))
        download.fetch(network, urls, path, candidate.sha256, watch=watching(str(candidate.build)))
        add_to_sums(mirror, path, candidate.sha256)
        return None if existed else path

    with ThreadPoolExecutor(jobs) as pool:
        return [path for path in pool.map(fetch, chosen) if path]


def add_to_sums(mirror: Path, packed: Path, sha256: str) -> None:
    """Add `packed`, which is `mirror/{tag}/{file}`, to the SHA256SUMS of its tag and of the mirror, under a lock."""
    with lock.exclusive(mirror / ".lock"):
        _write_sum(packed.parent / SUMS, packed.name, sha256)
        _write_sum(mirror / SUMS, f"{packed.parent.name}/{packed.name}", sha256)


def _write_sum(sums: Path, name: str, sha256: str) -> None:
    """Add the line `<sha256>  <name>` to the file `sums`, or replace the line of that name."""
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.exists() else []
    entries = {line.partition("  ")[2]: line for line in lines} | {name: f"{sha256}  {name}"}
    files.write_atomically(sums, "".join(f"{entries[name]}\n" for name in sorted(entries)))


def _file_name(source: Source, tag: str) -> str:
    """Return the archive name in the scheme of python-build-standalone."""
    here = platforms.this_platform()
    triple = f"{here.arch}-apple-darwin" if here.os == "macos" else f"{here.arch}-unknown-linux-{here.libc}"
    return f"cpython-{source.version}+{tag}-{triple}-{_VARIANTS[source.flags]}install_only_stripped.tar.gz"

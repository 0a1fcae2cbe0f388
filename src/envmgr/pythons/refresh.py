"""Update the index from the network. Never call this from a prompt or a shim.

The index comes from `ENVMGR_INDEX_URL`, in any format that `index` parses; else from the SHA256SUMS at the root of
`ENVMGR_PYTHON_MIRROR`, if there is one; else from the package and, once a day or for an unknown version, from upstream:
the new records of its newest-first list at one of two hosts, else the SHA256SUMS of its latest release.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import cache as once  # `cache` is a directory in this module
from pathlib import Path

from envmgr.errors import DownloadError, FileNotOnServerError, NoSuchVersionError
from envmgr.host import files, variables
from envmgr.host.network import Network, split, without_credentials
from envmgr.host.platforms import Platform
from envmgr.pythons import index, selection
from envmgr.pythons.candidate import Candidate, select_per_build
from envmgr.pythons.index_sources import SUMS, UPSTREAM, Upstream, index_sources
from envmgr.pythons.selection import INDEX
from envmgr.versions.request import VersionRequest

MIRROR = variables.PYTHON_MIRROR
_DAY, _HOUR, _JUST_NOW = 86400.0, 3600.0, 60.0  # seconds
_DAILY_TIMEOUT = "5"  # seconds without a byte from a server, in an update that the user did not ask for


def select(request: VersionRequest, network: Network, cache: Path, upstream: Upstream = UPSTREAM) -> Candidate:
    """Return the newest candidate that matches `request` on this machine; update the index if none is known.

    Raises NoSuchVersionError with the nearest versions, BrokenInterpreterError for a platform that cannot run here,
    DownloadError, UsageError for `system`.
    """
    platform = selection.target_platform(request)
    if request.system or request.name is not None:  # an error without any download
        own = network.environ.get(MIRROR) or network.environ.get(INDEX)  # its versions are unknown: none for the hint
        return selection.select(request, [] if own else selection.known_candidates(cache, platform), "the index")
    mirrored = mirror_candidates(platform, network)
    if mirrored is not None:
        return selection.select(request, mirrored, without_credentials(network.environ[MIRROR]))
    source = without_credentials(network.environ.get(INDEX, "")) or "the index"
    known, failure = _current(platform, network, cache, upstream)
    try:
        return selection.select(request, known, source)
    except NoSuchVersionError as problem:
        if failure is None and not network.is_offline and _age(_file(platform, network, cache)) > _JUST_NOW:
            known, failure = _try_update(platform, network, cache, upstream)
        if failure:
            raise NoSuchVersionError(f"{problem.message};\n{failure.message}", hint=problem.hint) from failure
        return selection.select(request, known, source)


def available_candidates(
    platform: Platform, network: Network, cache: Path, upstream: Upstream = UPSTREAM
) -> list[Candidate]:
    """Return all candidates for `platform`, newest first; update an index that is older than a day, if possible.

    Raises DownloadError if the user's mirror or index cannot be read.
    """
    mirrored = mirror_candidates(platform, network)
    return _current(platform, network, cache, upstream)[0] if mirrored is None else mirrored


def _current(
    platform: Platform, network: Network, cache: Path, upstream: Upstream
) -> tuple[list[Candidate], DownloadError | None]:
    """Return the known candidates, after an update if one is due, and the error of an update that failed."""
    source, file = network.environ.get(INDEX), _file(platform, network, cache)
    is_local = source and split(source).scheme == "file"
    if is_local or (source and not file.exists()):
        return update_index(platform, network, cache, upstream), None
    if _age(file) < _DAY or network.is_offline:
        return selection.known_candidates(cache, platform, source), None
    impatient = replace(network, environ={variables.HTTP_TIMEOUT: _DAILY_TIMEOUT, **network.environ})
    known, failure = _try_update(platform, impatient, cache, upstream)
    if failure:
        _postpone(file)
    return known, failure


def _try_update(
    platform: Platform, network: Network, cache: Path, upstream: Upstream
) -> tuple[list[Candidate], DownloadError | None]:
    """Return the candidates of an updated index; or, if the update fails, the known candidates and the error."""
    try:
        return update_index(platform, network, cache, upstream), None
    except DownloadError as failure:
        return selection.known_candidates(cache, platform, network.environ.get(INDEX)), failure


@once
def mirror_candidates(platform: Platform, network: Network) -> list[Candidate] | None:
    """Return the candidates in the user's mirror; None if there is no mirror, no SHA256SUMS in it, or no network.

    The mirror is read once per process. A PyPy, whose file name does not contain its version, is recognised by its
    sha256 in the bundled index. Raises DownloadError.
    """
    mirror = network.environ.get(MIRROR)
    if not mirror or network.environ.get(INDEX):
        return None
    url = f"{mirror.rstrip('/')}/{SUMS}"
    if network.is_offline and split(url).scheme != "file":
        return None
    try:
        with network.open(url) as reply:
            listed = reply.text()
    except FileNotOnServerError:
        return None
    others = [found for found in index.snapshot_candidates(platform) if found.build.implementation != "cpython"]
    return _for_platform(
        platform, index.parse(listed, without_credentials(url)) + [found for found in others if found.sha256 in listed]
    )


def update_index(platform: Platform, network: Network, cache: Path, upstream: Upstream = UPSTREAM) -> list[Candidate]:
    """Download new candidates, save them in the cache, and return all candidates for `platform`, newest first.

    Raises DownloadError if no source could be read, with the error of each.
    """
    source, file = network.environ.get(INDEX), _file(platform, network, cache)
    bundled = [] if source else index.snapshot_candidates(platform)
    known, problems = selection.known_candidates(cache, platform, source), list[str]()
    last_url, etag = _cached_source(file) if selection.cached_candidates(file) is not None else ("", "")
    for index_source in index_sources(source, upstream):
        url = without_credentials(index_source.url)
        # After an update from the latest release alone, releases before it may be missing: read the list up to the
        # first bundled record.
        read_before = bundled if source or last_url == upstream.latest != url else known
        try:
            reply = index_source.read(network, etag if url == last_url else "", read_before)
        except DownloadError as problem:
            problems.append(problem.message)
            continue
        if not reply.unchanged:
            known = _for_platform(platform, reply.candidates if source else [*reply.candidates, *known])
        _write_cache(file, f"# {url} {reply.etag}", (found for found in known if found not in bundled))
        return known
    online = "drop --offline or unset ENVMGR_OFFLINE" if network.is_offline else "check the network connection"
    hint = f"check the value of {INDEX}" if source else online
    raise DownloadError("the index could not be refreshed:\n" + "\n".join(problems), hint=hint)


def _for_platform(platform: Platform, candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates for `platform`, one for each build, newest first."""
    return select_per_build(found for found in candidates if found.build.platform == platform)


def _file(platform: Platform, network: Network, cache: Path) -> Path:
    """Return the path of the cached index."""
    return selection.cache_file(cache, platform, network.environ.get(INDEX))


def _cached_source(file: Path) -> tuple[str, str]:
    """Return URL and ETag of a cached index, from its first line, `# URL ETAG`; else two empty strings."""
    with suppress(OSError, ValueError), file.open(encoding="ascii") as lines:
        mark, url, etag = lines.readline().rstrip("\n").split(" ", 2)
        return (url, etag) if mark == "#" else ("", "")
    return "", ""


def _write_cache(file: Path, first: str, candidates: Iterable[Candidate]) -> None:
    """Write the cached index atomically; its mtime is the time of the last update. Ignore write errors."""
    with suppress(OSError, UnicodeEncodeError):
        content = f"{first}\n{index.dump(candidates)}".encode("ascii")
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(file, content)


def _age(file: Path) -> float:
    """Return the seconds since the last update of a cached index; infinity if there was none."""
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return float("inf")


def _postpone(file: Path) -> None:
    """Set the mtime of a cached index so that the next update is due in an hour, after one that failed."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        mtime = time.time() - _DAY + _HOUR
        os.utime(file, (mtime, mtime))

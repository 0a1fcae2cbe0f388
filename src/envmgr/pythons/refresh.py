"""Bringing the index up to date: what the hosts, or a mirror, can give now. Never called from a prompt or a shim.

Where an index comes from: `ENVMGR_INDEX_URL`, in any format that `index` reads; else the SHA256SUMS at the root of
`ENVMGR_PYTHON_MIRROR`, where it has one; else the package and, after a day or for a version that is not known,
upstream: its newest-first list, of which only what is new is read, at one host or the other; else the sums of its
latest release.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import cache as once  # `cache` is a directory here
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
_PATIENCE = "5"  # seconds for a server to answer a question that nobody asked


def select(request: VersionRequest, network: Network, cache: Path, upstream: Upstream = UPSTREAM) -> Candidate:
    """Return the newest candidate that `request` means on this machine; asks upstream for one that is not known.

    Raises NoSuchVersionError with the nearest versions, BrokenInterpreterError for a foreign platform, DownloadError,
    UsageError for `system`.
    """
    platform = selection.target_platform(request)
    if request.system or request.name is not None:  # nobody need be asked for these
        own = network.environ.get(MIRROR) or network.environ.get(INDEX)  # which is not asked, and has other versions
        return selection.select(request, [] if own else selection.known_candidates(cache, platform), "the index")
    held = mirror_candidates(platform, network)
    if held is not None:
        return selection.select(request, held, without_credentials(network.environ[MIRROR]))
    source = without_credentials(network.environ.get(INDEX, "")) or "the index"
    known, failure = _current(platform, network, cache, upstream)
    try:
        return selection.select(request, known, source)
    except NoSuchVersionError as problem:
        if failure is None and not network.is_offline and _age(_file(platform, network, cache)) > _JUST_NOW:
            known, failure = _updated(platform, network, cache, upstream)
        if failure:
            raise NoSuchVersionError(f"{problem.message};\n{failure.message}", hint=problem.hint) from failure
        return selection.select(request, known, source)


def available_candidates(
    platform: Platform, network: Network, cache: Path, upstream: Upstream = UPSTREAM
) -> list[Candidate]:
    """Return what can be had for `platform`, newest first; what is older than a day is brought up to date if possible.

    Raises DownloadError for a mirror or an index of the user's that cannot be read.
    """
    held = mirror_candidates(platform, network)
    return _current(platform, network, cache, upstream)[0] if held is None else held


def _current(
    platform: Platform, network: Network, cache: Path, upstream: Upstream
) -> tuple[list[Candidate], DownloadError | None]:
    """Return what is known, after a look at what is new where one is due, and why that look failed if it did."""
    source, file = network.environ.get(INDEX), _file(platform, network, cache)
    local = source and split(source).scheme == "file"
    if local or (source and not file.exists()):
        return update_index(platform, network, cache, upstream), None
    if _age(file) < _DAY or network.is_offline:
        return selection.known_candidates(cache, platform, source), None
    hasty = replace(network, environ={variables.HTTP_TIMEOUT: _PATIENCE, **network.environ})
    known, failure = _updated(platform, hasty, cache, upstream)
    if failure:
        _postpone(file)
    return known, failure


def _updated(
    platform: Platform, network: Network, cache: Path, upstream: Upstream
) -> tuple[list[Candidate], DownloadError | None]:
    """Return what `update` returns; or what is known all the same, and why it failed."""
    try:
        return update_index(platform, network, cache, upstream), None
    except DownloadError as failure:
        return selection.known_candidates(cache, platform, network.environ.get(INDEX)), failure


@once
def mirror_candidates(platform: Platform, network: Network) -> list[Candidate] | None:
    """Return what the user's mirror holds for `platform`; None without one, or where it does not say, or if offline.

    It is asked once, however many requests there are. A PyPy, whose name does not tell its version, is known by its
    sha256. Raises DownloadError.
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
    return _of(
        platform, index.parse(listed, without_credentials(url)) + [found for found in others if found.sha256 in listed]
    )


def update_index(platform: Platform, network: Network, cache: Path, upstream: Upstream = UPSTREAM) -> list[Candidate]:
    """Ask for what is new, keep it in the cache, and return all that is known for `platform` now, newest first.

    Raises DownloadError when no place could be read, saying what was wrong with each.
    """
    source, file = network.environ.get(INDEX), _file(platform, network, cache)
    bundled = [] if source else index.snapshot_candidates(platform)
    known, problems = selection.known_candidates(cache, platform, source), list[str]()
    came_from, etag = _origin(file) if selection.cached_candidates(file) is not None else ("", "")
    for place in index_sources(source, upstream):
        url = without_credentials(place.url)
        # a record that came with the latest release does not vouch for the releases between
        held = bundled if source or came_from == upstream.latest != url else known
        try:
            answer = place.ask(network, etag if url == came_from else "", held)
        except DownloadError as problem:
            problems.append(problem.message)
            continue
        if not answer.unchanged:
            known = _of(platform, answer.candidates if source else [*answer.candidates, *known])
        _keep(file, f"# {url} {answer.etag}", (found for found in known if found not in bundled))
        return known
    online = "drop --offline or unset ENVMGR_OFFLINE" if network.is_offline else "is this machine online?"
    hint = f"{INDEX} names it" if source else online
    raise DownloadError("the index could not be refreshed:\n" + "\n".join(problems), hint=hint)


def _of(platform: Platform, candidates: Iterable[Candidate]) -> list[Candidate]:
    return select_per_build(found for found in candidates if found.build.platform == platform)


def _file(platform: Platform, network: Network, cache: Path) -> Path:
    return selection.cache_file(cache, platform, network.environ.get(INDEX))


def _origin(file: Path) -> tuple[str, str]:
    """Return the URL that a cached index was read from, and the ETag it had: the first line is `# URL ETAG`."""
    with suppress(OSError, ValueError), file.open(encoding="ascii") as lines:
        mark, url, etag = lines.readline().rstrip("\n").split(" ", 2)
        return (url, etag) if mark == "#" else ("", "")
    return "", ""


def _keep(file: Path, first: str, candidates: Iterable[Candidate]) -> None:
    """Write the cache by one rename; its time says when upstream was asked. Without a cache all works, only slower."""
    with suppress(OSError, UnicodeEncodeError):
        content = f"{first}\n{index.dump(candidates)}".encode("ascii")
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(file, content)


def _age(file: Path) -> float:
    """Return the seconds since upstream was asked; for ever, if never."""
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return float("inf")


def _postpone(file: Path) -> None:
    """Let nobody wait for a network that is not there more than once an hour."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        then = time.time() - _DAY + _HOUR
        os.utime(file, (then, then))

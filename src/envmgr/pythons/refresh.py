"""Bringing the index up to date: what the hosts, or a mirror, can give now. Never called from a prompt or a shim.

Where an index comes from: `ENVMGR_INDEX_URL`, in any format that `index` reads; else the SHA256SUMS at the root of
`ENVMGR_PYTHON_MIRROR`, where it has one; else the package and, after a day or for a version that is not known,
upstream: its newest-first list, of which only what is new is read, at one host or the other; else the sums of its
latest release.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from urllib.parse import unquote, urlsplit

from envmgr.errors import AbsentError, DownloadError, NoSuchVersionError
from envmgr.host.download import Network, Reply, shown
from envmgr.host.platforms import Platform
from envmgr.pythons import catalogue, index
from envmgr.pythons.candidate import HOSTS, Candidate, preferred
from envmgr.pythons.catalogue import INDEX
from envmgr.versions.request import VersionRequest

MIRROR = "ENVMGR_PYTHON_MIRROR"
SUMS = "SHA256SUMS"
_DAY, _HOUR, _JUST_NOW = 86400.0, 3600.0, 60.0  # seconds
_PATIENCE = "5"  # seconds for a server to answer a question that nobody asked


@dataclass(frozen=True)
class Upstream:
    """Where python-build-standalone publishes: its list of all releases, what its latest is, and the releases."""

    records: tuple[str, ...]
    latest: str
    releases: tuple[str, ...]


UPSTREAM = Upstream(
    records=(
        "https://releases.astral.sh/github/versions/main/v1/python-build-standalone.ndjson",
        "https://raw.githubusercontent.com/astral-sh/versions/refs/heads/main/v1/python-build-standalone.ndjson",
    ),
    latest="https://raw.githubusercontent.com/astral-sh/python-build-standalone/latest-release/latest-release.json",
    releases=HOSTS,
)


@dataclass(frozen=True)
class _Update:
    """What a place says: the candidates that are new there, or all of them; `etag` is empty where it gives none."""

    candidates: list[Candidate]
    etag: str = ""
    unchanged: bool = False


def pick(request: VersionRequest, network: Network, cache: Path, upstream: Upstream = UPSTREAM) -> Candidate:
    """Return the newest candidate that `request` means on this machine; asks upstream for one that is not known.

    Raises NoSuchVersionError with the nearest versions, BrokenInterpreterError for a foreign platform, DownloadError.
    """
    platform = catalogue.target(request)
    held = mirrored(platform, network)
    if held is not None:
        return catalogue.choose(request, held, shown(network.environ[MIRROR]))
    source = shown(network.environ.get(INDEX, "")) or "the index"
    known = available(platform, network, cache, upstream)
    try:
        return catalogue.choose(request, known, source)
    except NoSuchVersionError as problem:
        if network.forbidden or _age(_file(platform, network, cache)) < _JUST_NOW:
            raise
        try:
            newer = update(platform, network, cache, upstream)
        except DownloadError as error:
            raise NoSuchVersionError(f"{problem.message};\n{error.message}", hint=problem.hint) from error
        return catalogue.choose(request, newer, source)


def available(platform: Platform, network: Network, cache: Path, upstream: Upstream = UPSTREAM) -> list[Candidate]:
    """Return what can be had for `platform`, newest first; what is older than a day is brought up to date if possible.

    Raises DownloadError for a mirror or an index of the user's that cannot be read.
    """
    held = mirrored(platform, network)
    if held is not None:
        return held
    source, file = network.environ.get(INDEX), _file(platform, network, cache)
    local = bool(source) and urlsplit(source).scheme == "file"
    if local or (source and not file.exists()):
        return update(platform, network, cache, upstream)
    if _age(file) > _DAY and not network.forbidden:
        hasty = replace(network, environ={"ENVMGR_HTTP_TIMEOUT": _PATIENCE, **network.environ})
        try:
            return update(platform, hasty, cache, upstream)
        except DownloadError:
            _postpone(file)
    return catalogue.known(cache, platform, source)


def mirrored(platform: Platform, network: Network) -> list[Candidate] | None:
    """Return what the user's mirror holds for `platform`; None without one, or where it does not say, or if offline.

    A PyPy, whose name does not tell its version, is known by its sha256. Raises DownloadError.
    """
    mirror = network.environ.get(MIRROR)
    if not mirror or network.environ.get(INDEX):
        return None
    url = f"{mirror.rstrip('/')}/{SUMS}"
    if network.forbidden and urlsplit(url).scheme != "file":
        return None
    try:
        with network.open(url) as reply:
            text = _text(reply)
    except AbsentError:
        return None
    others = [found for found in index.bundled(platform) if found.build.implementation != "cpython"]
    return _of(platform, index.parse(text, shown(url)) + [found for found in others if found.sha256 in text])


def update(platform: Platform, network: Network, cache: Path, upstream: Upstream = UPSTREAM) -> list[Candidate]:
    """Ask for what is new, keep it in the cache, and return all that is known for `platform` now, newest first.

    Raises DownloadError when no place could be read, saying what was wrong with each.
    """
    source = network.environ.get(INDEX)
    known = catalogue.known(cache, platform, source)
    file = _file(platform, network, cache)
    problems = []
    for url, place in _places(source, upstream):
        etag = _etag(file, url)
        try:
            answer = place(network, etag, known)
        except DownloadError as problem:
            problems.append(problem.message)
            continue
        if not answer.unchanged:
            known = _of(platform, answer.candidates if source else [*answer.candidates, *known])
        bundled = set() if source else {*index.bundled(platform)}
        _keep(file, f"# {shown(url)} {answer.etag or etag}", (found for found in known if found not in bundled))
        return known
    raise DownloadError("the index could not be refreshed:\n" + "\n".join(problems), hint="is this machine online?")


_Place = Callable[[Network, str, list[Candidate]], _Update]


def _places(source: str | None, upstream: Upstream) -> Iterator[tuple[str, _Place]]:
    """Yield the places to ask, in order: the user's own, or each of upstream's."""
    if source:
        yield source, partial(_read, _folder(source))
        return
    for url in upstream.records:
        yield url, partial(_read, url)
    yield upstream.latest, partial(_latest, upstream)


def _folder(url: str) -> str:
    """Return `url`, or that of the sums in it if it is a folder."""
    parts = urlsplit(url)
    folder = url.endswith("/") or (parts.scheme == "file" and Path(unquote(parts.path)).is_dir())
    return f"{url.rstrip('/')}/{SUMS}" if folder else url


def _read(url: str, network: Network, etag: str, known: list[Candidate]) -> _Update:
    """Read an index in any format; of one that lists the newest first, only what is not known."""
    with _understood(url), network.open(url, {"If-None-Match": etag} if etag else None) as reply:
        if reply.status == 304:  # noqa: PLR2004 - not modified
            return _Update([], unchanged=True)
        lines = reply.lines()
        first = next(lines, "")
        if first.startswith("{") and '"artifacts"' in first:
            found = [*_new(chain([first], lines), {f"{each.build.version}+{each.build.tag}" for each in known})]
        else:
            found = index.parse("\n".join([first, *lines]), shown(url))
        return _Update(found, reply.headers.get("etag", ""))


def _new(lines: Iterable[str], held: set[str]) -> Iterator[Candidate]:
    """Yield the candidates of the records before the first one that is held."""
    for line in filter(str.strip, lines):
        record = json.loads(line)
        if record["version"] in held:
            return
        yield from index.record(record)


def _latest(upstream: Upstream, network: Network, _: str, known: list[Candidate]) -> _Update:
    """Read the sums of the latest release, unless something of that release is known."""
    with _understood(upstream.latest), network.open(upstream.latest) as reply:
        tag = json.loads(_text(reply))["tag"]
    if any(found.build.tag == tag for found in known):
        return _Update([], unchanged=True)
    problems = []
    for host in upstream.releases:
        try:
            with network.open(f"{host}/{tag}/{SUMS}") as reply:
                return _Update([*index.sums(_text(reply), tag=tag)])
        except DownloadError as problem:
            problems.append(problem.message)
    raise DownloadError("\n".join(problems))


@contextmanager
def _understood(url: str) -> Iterator[None]:
    """Raise what a malformed answer causes as DownloadError."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DownloadError(f"{shown(url)}: not an index of Pythons: {error}") from error


def _text(reply: Reply) -> str:
    return b"".join(reply.chunks).decode(errors="replace")


def _of(platform: Platform, candidates: Iterable[Candidate]) -> list[Candidate]:
    return preferred(found for found in candidates if found.build.platform == platform)


def _file(platform: Platform, network: Network, cache: Path) -> Path:
    return catalogue.cache_file(cache, platform, network.environ.get(INDEX))


def _etag(file: Path, url: str) -> str:
    """Return the ETag that `url` gave when `file` was written from it; the first line is `# URL ETAG`."""
    with suppress(OSError, ValueError), file.open(encoding="ascii") as lines:
        first = lines.readline().rstrip("\n").split(" ", 2)
        if first[:2] == ["#", shown(url)]:
            return first[2]
    return ""


def _keep(file: Path, first: str, candidates: Iterable[Candidate]) -> None:
    """Write the cache by one rename; its time says when upstream was asked. Without a cache all works, only slower."""
    staged = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(OSError, UnicodeEncodeError):
        file.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text(f"{first}\n{index.dump(candidates)}", encoding="ascii")
        staged.replace(file)


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

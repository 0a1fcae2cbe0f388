"""Where an index is published, and how each place is read: upstream's, at one host or the other, or the user's own.

Upstream's list of releases is newest first and long: it is read as a stream and left at the first record that is held.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from urllib.parse import unquote

from envmgr.errors import DownloadError
from envmgr.host.network import Network, split, without_credentials
from envmgr.pythons import index
from envmgr.pythons.candidate import HOSTS, Candidate

SUMS = "SHA256SUMS"


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
class IndexReply:
    """What a place says: its candidates, at least those that were not held; `etag` is empty where it gives none."""

    candidates: list[Candidate]
    etag: str = ""
    unchanged: bool = False


@dataclass(frozen=True)
class IndexSource:
    """A place to ask: `ask(network, etag, held)` reads it, and raises DownloadError.

    `etag` is what the place gave when it was read before, `held` what need not be read again.
    """

    url: str
    ask: Callable[[Network, str, list[Candidate]], IndexReply]


def index_sources(source: str | None, upstream: Upstream) -> Iterator[IndexSource]:
    """Yield the places to ask, in order: that of the user, `source`, or each of upstream's."""
    if source:
        yield IndexSource(source, partial(_read, _sums_of(source)))
        if _may_be_folder(source):
            yield IndexSource(f"{source}/{SUMS}", partial(_read, f"{source}/{SUMS}"))
        return
    for url in upstream.records:
        yield IndexSource(url, partial(_read, url))
    yield IndexSource(upstream.latest, partial(_latest, upstream))


def _sums_of(url: str) -> str:
    """Return `url`, or that of the sums in it if it is a folder."""
    parts = split(url)
    folder = url.endswith("/") or (parts.scheme == "file" and Path(unquote(parts.path)).is_dir())
    return f"{url.rstrip('/')}/{SUMS}" if folder else url


def _may_be_folder(url: str) -> bool:
    """Whether `url`, which no file system tells of, may be a folder: it ends in no slash, but in no suffix either."""
    parts = split(url)
    return parts.scheme != "file" and not url.endswith("/") and "." not in parts.path.rpartition("/")[2]


def _read(url: str, network: Network, etag: str, held: list[Candidate]) -> IndexReply:
    """Read an index in any format; of one that lists the newest first, only what is not held."""
    with network.open(url, {"If-None-Match": etag} if etag else None) as reply:
        if reply.status == 304:  # noqa: PLR2004 - not modified
            return IndexReply([], etag, unchanged=True)
        lines = reply.lines()
        first = next(lines, "")
        if first.startswith("{") and '"artifacts"' in first:
            names = {f"{each.build.version}+{each.build.tag}" for each in held}
            with index.understood(without_credentials(url)):
                found = [*_new(chain([first], lines), names)]
        else:
            found = index.parse("\n".join([first, *lines]), without_credentials(url))
    if split(url).scheme != "file" and any(each.path.startswith("file:") for each in found):
        raise DownloadError(
            f"{without_credentials(url)}: names archives on this machine, which only an index on it may do"
        )
    return IndexReply(found, reply.headers.get("etag", ""))


def _new(lines: Iterable[str], held: set[str]) -> Iterator[Candidate]:
    """Yield the candidates of the records before the first one that is held."""
    for line in filter(str.strip, lines):
        record = json.loads(line)
        if record["version"] in held:
            return
        yield from index.record(record)


def _latest(upstream: Upstream, network: Network, _: str, held: list[Candidate]) -> IndexReply:
    """Read the sums of the latest release, unless something of that release is held."""
    with network.open(upstream.latest) as reply, index.understood(without_credentials(upstream.latest)):
        tag = json.loads(reply.text())["tag"]
        if not (isinstance(tag, str) and re.fullmatch(r"[0-9]{8}", tag)):
            raise ValueError(f"not a build tag: {tag!a}")
    if any(found.build.tag == tag for found in held):
        return IndexReply([], unchanged=True)
    problems = []
    for host in upstream.releases:
        url = f"{host}/{tag}/{SUMS}"
        try:
            with network.open(url) as reply, index.understood(without_credentials(url)):
                return IndexReply([*index.sums(reply.text(), tag=tag)])
        except DownloadError as problem:
            problems.append(problem.message)
    raise DownloadError("\n".join(problems))

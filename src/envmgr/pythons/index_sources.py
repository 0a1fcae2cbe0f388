"""Download an index from one of its sources: upstream, at one of two hosts, or a URL of the user.

Upstream's list of releases is long and newest first: read it as a stream and stop at the first known record.
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
    """The URLs of python-build-standalone: lists of all releases, the name of the latest, and release directories."""

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
    """The reply of a source: all candidates, or only those that are new; `etag` is empty if the server sent none."""

    candidates: list[Candidate]
    etag: str = ""
    unchanged: bool = False


@dataclass(frozen=True)
class IndexSource:
    """A URL with its reader: `read(network, etag, known)` returns a reply or raises DownloadError.

    `etag` is that of the last reply from this URL, or empty; `known` are the candidates that need not be read again.
    """

    url: str
    read: Callable[[Network, str, list[Candidate]], IndexReply]


def index_sources(source: str | None, upstream: Upstream) -> Iterator[IndexSource]:
    """Yield the sources to try, in order: the user's URL, `source`, or those of `upstream` without one."""
    if source:
        yield IndexSource(source, partial(_read, _sums_of(source)))
        if _may_be_folder(source):
            yield IndexSource(f"{source}/{SUMS}", partial(_read, f"{source}/{SUMS}"))
        return
    for url in upstream.records:
        yield IndexSource(url, partial(_read, url))
    yield IndexSource(upstream.latest, partial(_latest, upstream))


def _sums_of(url: str) -> str:
    """Return `url`, or the URL of the SHA256SUMS in it if it is a directory."""
    parts = split(url)
    folder = url.endswith("/") or (parts.scheme == "file" and Path(unquote(parts.path)).is_dir())
    return f"{url.rstrip('/')}/{SUMS}" if folder else url


def _may_be_folder(url: str) -> bool:
    """Return whether the server may have a directory at `url`: a URL without a final slash and without a suffix."""
    parts = split(url)
    return parts.scheme != "file" and not url.endswith("/") and "." not in parts.path.rpartition("/")[2]


def _read(url: str, network: Network, etag: str, known: list[Candidate]) -> IndexReply:
    """Read an index in any format; of NDJSON, which lists the newest first, only the new records."""
    with network.open(url, {"If-None-Match": etag} if etag else None) as reply:
        if reply.status == 304:  # noqa: PLR2004 - not modified
            return IndexReply([], etag, unchanged=True)
        lines = reply.lines()
        first = next(lines, "")
        if first.startswith("{") and '"artifacts"' in first:
            names = {f"{each.build.version}+{each.build.tag}" for each in known}
            with index.malformed_as_download_error(without_credentials(url)):
                found = [*_new_candidates(chain([first], lines), names)]
        else:
            found = index.parse("\n".join([first, *lines]), without_credentials(url))
    if split(url).scheme != "file" and any(each.path.startswith("file:") for each in found):
        raise DownloadError(
            f"{without_credentials(url)}: has file: URLs, which are only allowed in an index on this machine"
        )
    return IndexReply(found, reply.headers.get("etag", ""))


def _new_candidates(lines: Iterable[str], known: set[str]) -> Iterator[Candidate]:
    """Yield the candidates of the records before the first one that is known, by `version+tag`."""
    for line in filter(str.strip, lines):
        record = json.loads(line)
        if record["version"] in known:
            return
        yield from index.record(record)


def _latest(upstream: Upstream, network: Network, _: str, known: list[Candidate]) -> IndexReply:
    """Read the SHA256SUMS of the latest release, unless a candidate of that release is known."""
    with (
        network.open(upstream.latest) as reply,
        index.malformed_as_download_error(without_credentials(upstream.latest)),
    ):
        tag = json.loads(reply.text())["tag"]
        if not (isinstance(tag, str) and re.fullmatch(r"[0-9]{8}", tag)):
            raise ValueError(f"not a build tag: {tag!a}")
    if any(found.build.tag == tag for found in known):
        return IndexReply([], unchanged=True)
    problems = []
    for host in upstream.releases:
        url = f"{host}/{tag}/{SUMS}"
        try:
            with network.open(url) as reply, index.malformed_as_download_error(without_credentials(url)):
                return IndexReply([*index.sums(reply.text(), tag=tag)])
        except DownloadError as problem:
            problems.append(problem.message)
    raise DownloadError("\n".join(problems))

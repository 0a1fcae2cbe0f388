"""Parse the formats of an index, a list of Pythons that can be installed, into candidates. Never use the network here.

There are four formats: the SHA256SUMS of a release or mirror; the newest-first NDJSON of astral-sh/versions; uv's
download-metadata.json; and envmgr's own, a line `<build> <sha256> <path>` for each archive, with comments after `#`.
The package (`snapshot/`, a file for each platform, made by scripts/make_snapshot.py) and the cache have envmgr's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from envmgr.errors import DownloadError, UsageError
from envmgr.host.platforms import Platform
from envmgr.pythons.candidate import Candidate, flavor, from_file_name
from envmgr.versions.version import Build

SNAPSHOT = Path(__file__).with_name("snapshot")
_OS = {"darwin": "macos"}
_ARCH = {"powerpc64le": "ppc64le"}


def parse(text: str, source: str) -> list[Candidate]:
    """Return the candidates in a text of any format; raise DownloadError, which names `source`, a URL, if malformed."""
    first = text.lstrip().partition("\n")[0]
    with malformed_as_download_error(source):
        if not first:
            raise ValueError("it is empty")
        if first.startswith("{"):
            return list(records(text) if '"artifacts"' in first else table(text))
        own = first.startswith("#") or "-" in first.partition(" ")[0]  # a build has a `-`, a sha256 has none
        return list(lines(text) if own else sums(text))


@contextmanager
def malformed_as_download_error(source: str) -> Iterator[None]:
    """Convert the errors that a malformed index causes to DownloadError, which names `source`, its URL."""
    try:
        yield
    except (UsageError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DownloadError(f"{source}: not an index of Pythons: {error}") from error


def lines(text: str) -> Iterator[Candidate]:
    """Yield the candidates of a text in envmgr's own format; raise ValueError or UsageError if it is malformed."""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        build, sha256, path = line.split(" ")
        yield Candidate(Build.parse(build), path, sha256, flavor(path))


def dump(candidates: Iterable[Candidate]) -> str:
    """Return candidates as a text in envmgr's own format, in the order given."""
    return "".join(f"{found.build} {found.sha256} {found.path}\n" for found in candidates)


def snapshot_candidates(platform: Platform) -> list[Candidate]:
    """Return the candidates of the bundled index for `platform`, newest first; none for a platform without builds."""
    try:
        text = (SNAPSHOT / f"{platform}.txt").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return list(lines(text))


def sums(text: str, *, tag: str = "") -> Iterator[Candidate]:
    """Yield the candidates of a SHA256SUMS: lines `<sha256>  [<tag>/]<file>`; `tag` is for lines without one.

    Skips files that are not CPython archives. Raises ValueError for a malformed line.
    """
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        digest, _, path = line.partition(" ")
        path = path.lstrip(" *").removeprefix("./")
        try:
            candidate = from_file_name(path if "/" in path or not tag else f"{tag}/{path}", digest)
        except ValueError as error:
            raise ValueError(f"SHA256SUMS:{number}: {error}") from error
        if candidate:
            yield candidate


def records(text: str) -> Iterator[Candidate]:
    """Yield the candidates of NDJSON records; raise an error that `malformed_as_download_error` converts."""
    import json

    for line in text.splitlines():
        if line.strip():
            yield from record(json.loads(line))


def record(data: Any) -> Iterator[Candidate]:  # noqa: ANN401 - JSON
    """Yield the candidates of one NDJSON record: a version and build tag, with its artifacts."""
    for artifact in data["artifacts"]:
        if artifact.get("sha256") and (candidate := from_file_name(artifact["url"], artifact["sha256"])):
            yield candidate


def table(text: str) -> Iterator[Candidate]:
    """Yield the CPythons and PyPys of uv's download-metadata.json; raise the same errors as `records`."""
    import json

    for entry in json.loads(text).values():
        if not entry["sha256"]:
            continue
        candidate = _pypy(entry) if entry["name"] == "pypy" else from_file_name(entry["url"], entry["sha256"])
        if candidate:
            yield candidate


def _pypy(entry: dict[str, Any]) -> Candidate:
    """Return the candidate of a PyPy entry; the file name of a PyPy archive does not contain the Python version."""
    arch, system = entry["arch"]["family"], entry["os"]
    platform = f"{_OS.get(system, system)}-{_ARCH.get(arch, arch)}-{entry['libc']}"
    version = f"{entry['major']}.{entry['minor']}.{entry['patch']}{entry['prerelease'] or ''}"
    build = Build.parse(f"pypy-{version}+{entry['build']}-{platform}")
    return Candidate(build, entry["url"], entry["sha256"], "install_only")

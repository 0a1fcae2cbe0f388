"""The index: the text of each format that exists in the world -> candidates. Reads text and files, never the network.

Four formats: the SHA256SUMS of a release or mirror; the newest-first NDJSON of astral-sh/versions; the JSON table of
uv; and our own, a line `<build> <sha256> <path>` for each archive (`#` starts a comment). The last is what the package
carries (`snapshot/`, a slice for each platform, made by scripts/make_snapshot.py) and what the cache keeps.
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
    """Return the candidates of a text in any of the formats; raises DownloadError naming `source`, its place."""
    first = text.lstrip().partition("\n")[0]
    with understood(source):
        if not first:
            raise ValueError("it is empty")
        if first.startswith("{"):
            return list(records(text) if '"artifacts"' in first else table(text))
        ours = first.startswith("#") or "-" in first.partition(" ")[0]  # a build; a sha256 has none
        return list(lines(text) if ours else sums(text))


@contextmanager
def understood(source: str) -> Iterator[None]:
    """Raise what a malformed index causes as DownloadError naming `source`, its place."""
    try:
        yield
    except (UsageError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DownloadError(f"{source}: not an index of Pythons: {error}") from error


def lines(text: str) -> Iterator[Candidate]:
    """Yield the candidates of our own format; raises ValueError or UsageError for anything else."""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        build, sha256, path = line.split(" ")
        yield Candidate(Build.parse(build), path, sha256, flavor(path))


def dump(candidates: Iterable[Candidate]) -> str:
    """Return the text of our own format, in the order given."""
    return "".join(f"{found.build} {found.sha256} {found.path}\n" for found in candidates)


def snapshot_candidates(platform: Platform) -> list[Candidate]:
    """Return what the package knows for `platform`, newest first; nothing for a platform that has no builds."""
    try:
        text = (SNAPSHOT / f"{platform}.txt").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return list(lines(text))


def sums(text: str, *, tag: str = "") -> Iterator[Candidate]:
    """Yield the candidates of a SHA256SUMS: lines `<sha256>  [<tag>/]<file>`; `tag` is that of the whole file.

    Files that are no CPython archives are passed over; raises ValueError for a line that is none of a SHA256SUMS.
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
    """Yield the candidates of NDJSON records; raises what `understood` takes for anything else."""
    import json

    for line in text.splitlines():
        if line.strip():
            yield from record(json.loads(line))


def record(data: Any) -> Iterator[Candidate]:  # noqa: ANN401 - what JSON holds
    """Yield the candidates of one NDJSON record: a version and build tag, with its artifacts."""
    for artifact in data["artifacts"]:
        if artifact.get("sha256") and (candidate := from_file_name(artifact["url"], artifact["sha256"])):
            yield candidate


def table(text: str) -> Iterator[Candidate]:
    """Yield the CPythons and PyPys of uv's download-metadata.json; raises as `records` does."""
    import json

    for entry in json.loads(text).values():
        if not entry["sha256"]:
            continue
        candidate = _pypy(entry) if entry["name"] == "pypy" else from_file_name(entry["url"], entry["sha256"])
        if candidate:
            yield candidate


def _pypy(entry: dict[str, Any]) -> Candidate:
    """Read an entry of PyPy, whose archives do not say in their names which Python they are."""
    arch, system = entry["arch"]["family"], entry["os"]
    platform = f"{_OS.get(system, system)}-{_ARCH.get(arch, arch)}-{entry['libc']}"
    version = f"{entry['major']}.{entry['minor']}.{entry['patch']}{entry['prerelease'] or ''}"
    build = Build.parse(f"pypy-{version}+{entry['build']}-{platform}")
    return Candidate(build, entry["url"], entry["sha256"], "install_only")

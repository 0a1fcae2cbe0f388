"""Read the bundled and the cached index, and select a candidate for a request. Never use the network here.

`refresh` updates the index.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from envmgr.errors import BrokenInterpreterError, EnvmgrError, NoSuchVersionError, UsageError
from envmgr.host import platforms, variables
from envmgr.host.platforms import Platform
from envmgr.pythons import index
from envmgr.pythons.candidate import Candidate, select_per_build
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build

INDEX = variables.INDEX_URL
_NEAREST = 5  # versions in a hint


def known_candidates(cache: Path, platform: Platform, source: str | None = None) -> list[Candidate]:
    """Return the candidates of the bundled and the cached index for `platform`, newest first.

    `source` is the value of `ENVMGR_INDEX_URL`; if it is set, only the cached index of that URL is used.
    """
    bundled = [] if source else index.snapshot_candidates(platform)
    newer = cached_candidates(cache_file(cache, platform, source))
    return select_per_build(newer + bundled) if newer else bundled


def cached_candidates(file: Path) -> list[Candidate] | None:
    """Return the candidates in a cached index; None if the file is missing or damaged."""
    try:
        return [*index.lines(file.read_text(encoding="ascii"))]
    except (OSError, ValueError, EnvmgrError):
        return None


def cache_file(cache: Path, platform: Platform, source: str | None = None) -> Path:
    """Return the path of the cached index for `platform`; each `source` has its own file."""
    prefix = f"{hashlib.sha256(os.fsencode(source)).hexdigest()[:12]}-" if source else ""
    return cache / "index" / f"{prefix}{platform}.txt"


def target_platform(request: VersionRequest, here: Platform | None = None) -> Platform:
    """Return the platform of `request`; parts that it leaves out are those of `here`, by default this machine.

    A processor level (x86_64_v3) is used only if the request names it, because a store may be copied to or mounted on
    another machine. Raises BrokenInterpreterError for a platform that cannot run on this machine.
    """
    here = here or platforms.this_platform()
    system, arch, libc = request.platform
    wanted = Platform(system or here.os, arch or here.arch, libc or here.libc)
    if wanted.os != here.os:
        raise BrokenInterpreterError(f"Python {request} is for {wanted.os}; this machine is {here}")
    if lacks := platforms.missing_features(wanted.arch):
        raise BrokenInterpreterError(
            f"Python {request} needs {wanted.arch}; this processor lacks {', '.join(lacks)}",
            hint=f"leave out the level to get the build for {here.arch}",
        )
    return wanted


def select(request: VersionRequest, candidates: Sequence[Candidate], source: str) -> Candidate:
    """Return the newest candidate that matches `request`; `source` names the index in messages.

    Raises NoSuchVersionError, whose hint names the nearest versions; UsageError for `system`.
    """
    builds = {candidate.build: candidate for candidate in candidates}
    if selected := request.select(builds):
        return builds[selected]
    if request.system:
        raise UsageError("`system` is the Python on PATH, not one of envmgr's", hint="`envmgr find system` prints it")
    if request.name is not None:
        raise _unknown_name(request, builds)
    near = ", ".join(nearest_versions(request, builds))
    platform = "-".join(filter(None, request.platform)) or "this platform"
    raise NoSuchVersionError(
        f"no Python matches {request} in {source}",
        hint=f"the nearest are {near}" if near else f"{source} has no Python for {platform}",
    )


def _unknown_name(request: VersionRequest, builds: Iterable[Build]) -> NoSuchVersionError:
    """Return the error for a word that is not a version; its hint has versions that are near to the numbers in it."""
    numbers = re.search(r"\d{1,4}(?:\.\d{1,4}){0,2}", request.text, re.ASCII)
    near = ", ".join(nearest_versions(VersionRequest.parse(numbers[0] if numbers else "3"), builds))
    versions = f"the nearest versions are {near}; " if near else ""
    hint = f"{versions}`envmgr list` shows the names of linked Pythons, `envmgr link` gives one"
    return NoSuchVersionError(f"no Python is called {request}", hint=hint)


def nearest_versions(request: VersionRequest, builds: Iterable[Build]) -> list[str]:
    """Return the names of the builds that are nearest to `request`, nearest first, at most five."""
    builds = list(builds)
    similar = [build for build in builds if request.implementation in (None, build.implementation)] or builds
    similar = [build for build in similar if build.variant == (request.variant or "")] or similar
    ranked = sorted(sorted(similar, reverse=True), key=lambda build: _distance(request.release, build))
    names: dict[str, str] = {}  # one of each minor version, unless the request names a patch or a build
    for build in ranked:
        name = _name(request, build)
        names.setdefault(name if request.exact or request.tag else build.minor_alias, name)
    return list(names.values())[:_NEAREST]


def _distance(release: tuple[int, ...], build: Build) -> tuple[int, ...]:
    """Return the distance of two versions as a sort key, by major, minor and patch; a pre-release sorts last."""
    distance = tuple(abs(want - have) for want, have in zip(release, build.version.release, strict=False))
    return *distance, build.version.pre is not None


def _name(request: VersionRequest, build: Build) -> str:
    """Return the alias of a build that is as specific as `request`."""
    if request.tag is not None:
        return build.build_alias
    return build.patch_alias if request.exact or build.version.pre else build.minor_alias


def newest_per_minor(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the newest candidate of each minor version, without debug builds; a pre-release only if none is stable.

    `candidates` are sorted, newest first.
    """
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        if "d" in candidate.build.variant:
            continue
        known = first.setdefault(candidate.build.minor_alias, candidate)
        if known.build.version.pre and not candidate.build.version.pre:
            first[candidate.build.minor_alias] = candidate
    return list(first.values())

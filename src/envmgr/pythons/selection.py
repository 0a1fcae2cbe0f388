"""The catalogue: what can be had for one platform, as this machine knows it, and the choice from it. A reader.

The network's part is in `refresh`.
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
_NEAR = 5  # how many existing versions a message offers


def known_candidates(cache: Path, platform: Platform, source: str | None = None) -> list[Candidate]:
    """Return what is known for `platform`, newest first: by the package and the cache of upstream's index.

    `source` is the value of `ENVMGR_INDEX_URL`: where it is set, only the cache of that index counts.
    """
    bundled = [] if source else index.snapshot_candidates(platform)
    newer = cached_candidates(cache_file(cache, platform, source))
    return select_per_build(newer + bundled) if newer else bundled


def cached_candidates(file: Path) -> list[Candidate] | None:
    """Return what a file of the cache holds; None for one that is missing or damaged, as it may be at any time."""
    try:
        return [*index.lines(file.read_text(encoding="ascii"))]
    except (OSError, ValueError, EnvmgrError):
        return None


def cache_file(cache: Path, platform: Platform, source: str | None = None) -> Path:
    """Return where the refreshed index for `platform` is kept, one for each `source`."""
    prefix = f"{hashlib.sha256(os.fsencode(source)).hexdigest()[:12]}-" if source else ""
    return cache / "index" / f"{prefix}{platform}.txt"


def target_platform(request: VersionRequest, here: Platform | None = None) -> Platform:
    """Return the platform that `request` means: what it leaves out is as `here` (this machine).

    A processor level (x86_64_v3) is taken only when the request names it: a store may be copied or mounted elsewhere.
    Raises BrokenInterpreterError for a platform that cannot run on this machine.
    """
    here = here or platforms.this_platform()
    system, arch, libc = request.platform
    wanted = Platform(system or here.os, arch or here.arch, libc or here.libc)
    if wanted.os != here.os:
        raise BrokenInterpreterError(f"Python {request} is for {wanted.os}; this machine is {here}")
    if lacks := platforms.missing_features(wanted.arch):
        raise BrokenInterpreterError(
            f"Python {request} needs {wanted.arch}; this processor lacks {', '.join(lacks)}",
            hint=f"leave the level out, to get the build for {here.arch}",
        )
    return wanted


def select(request: VersionRequest, candidates: Sequence[Candidate], source: str) -> Candidate:
    """Return the newest candidate that `request` means; `source` says in messages where the candidates are from.

    Raises NoSuchVersionError, whose hint names the nearest versions; UsageError for `system`.
    """
    builds = {candidate.build: candidate for candidate in candidates}
    if best := request.select(builds):
        return builds[best]
    if request.system:
        raise UsageError("`system` is what PATH has, not a Python of envmgr's", hint="`envmgr find system` prints it")
    if request.name is not None:
        raise _unknown_name(request, builds)
    near = ", ".join(nearest_versions(request, builds))
    place = "-".join(filter(None, request.platform)) or "this platform"
    raise NoSuchVersionError(
        f"no Python answers {request} in {source}",
        hint=f"the nearest are {near}" if near else f"{source} has no Python for {place}",
    )


def _unknown_name(request: VersionRequest, builds: Iterable[Build]) -> NoSuchVersionError:
    """Return the error for a word that is no version; it offers those that are meant by the numbers in it."""
    numbers = re.search(r"\d{1,4}(?:\.\d{1,4}){0,2}", request.text, re.ASCII)
    near = ", ".join(nearest_versions(VersionRequest.parse(numbers[0] if numbers else "3"), builds))
    versions = f"the nearest versions are {near}; " if near else ""
    hint = f"{versions}`envmgr list` shows the names of linked ones, `envmgr link` gives one"
    return NoSuchVersionError(f"no Python is called {request}", hint=hint)


def nearest_versions(request: VersionRequest, builds: Iterable[Build]) -> list[str]:
    """Return the names of existing versions that are closest to what `request` asks for, closest first."""
    builds = list(builds)
    alike = [build for build in builds if request.implementation in (None, build.implementation)] or builds
    alike = [build for build in alike if build.variant == (request.variant or "")] or alike
    ranked = sorted(sorted(alike, reverse=True), key=lambda build: _distance(request.release, build))
    kept: dict[str, str] = {}  # of a minor version one is enough, unless patches or builds are asked for
    for build in ranked:
        name = _name(request, build)
        kept.setdefault(name if request.exact or request.tag else build.minor_alias, name)
    return list(kept.values())[:_NEAR]


def _distance(release: tuple[int, ...], build: Build) -> tuple[int, ...]:
    """Return how far apart two versions are, the major first; pre-releases come after their like."""
    apart = tuple(abs(want - have) for want, have in zip(release, build.version.release, strict=False))
    return *apart, build.version.pre is not None


def _name(request: VersionRequest, build: Build) -> str:
    if request.tag is not None:
        return build.build_alias
    return build.patch_alias if request.exact or build.version.pre else build.minor_alias


def newest_per_minor(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the first of each minor version in sorted candidates, stable where there is one; debug builds left out."""
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        if "d" in candidate.build.variant:
            continue
        known = first.setdefault(candidate.build.minor_alias, candidate)
        if known.build.version.pre and not candidate.build.version.pre:
            first[candidate.build.minor_alias] = candidate
    return list(first.values())

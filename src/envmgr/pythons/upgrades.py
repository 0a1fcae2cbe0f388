"""What is newer than what is installed: the next patch, or a rebuild of the same one (for OpenSSL, expat, ...)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from envmgr.errors import NoSuchVersionError, NotInstalledError
from envmgr.host.download import Network
from envmgr.host.paths import Home
from envmgr.pythons import refresh
from envmgr.pythons.candidate import Candidate
from envmgr.pythons.store import Store
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build


def newest(home: Home) -> dict[str, Build]:
    """Return the newest installed build of each minor version (of a variant, for a platform); linked ones left out."""
    store = Store(home)
    builds = sorted(build for build in store.builds() if not store.interpreter(build).linked)
    return {f"{build.minor_alias}-{build.platform}": build for build in builds}


def upgrades(home: Home, requests: Sequence[VersionRequest], network: Network, cache: Path) -> list[Candidate]:
    """Return what is newer than the installed Pythons that `requests` match, or than all of them.

    A request for an exact version means its rebuilds. Raises NotInstalledError for a request that nothing installed
    matches, DownloadError.
    """
    installed = newest(home).values()
    return list(dict.fromkeys(_newer(_wanted(installed, requests), network, cache)))


def _wanted(installed: Iterable[Build], requests: Sequence[VersionRequest]) -> Iterator[tuple[Build, VersionRequest]]:
    """Yield the builds to be succeeded, each with a request for its successors."""
    for build in installed if not requests else ():
        yield build, _successors(build, build.version.release[:2])
    for request in requests:
        matching = [build for build in installed if request.matches(build)]
        if not matching:
            raise NotInstalledError(
                f"Python {request} is not installed", hint=f"`envmgr install {request}` installs it"
            )
        for build in matching:
            yield build, _successors(build, build.version.release[: 3 if request.exact else 2])


def _successors(build: Build, release: tuple[int, ...]) -> VersionRequest:
    platform = build.platform.os, build.platform.arch, build.platform.libc
    implementation, variant = build.implementation, build.variant
    return VersionRequest(build.minor_alias, implementation, release, variant=variant, platform=platform)


def _newer(wanted: Iterable[tuple[Build, VersionRequest]], network: Network, cache: Path) -> Iterator[Candidate]:
    for build, request in wanted:
        try:
            candidate = refresh.pick(request, network, cache)
        except NoSuchVersionError:  # a mirror need not have what was installed from elsewhere
            continue
        if candidate.build.order > build.order:
            yield candidate

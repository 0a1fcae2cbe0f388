"""Find upgrades of installed Pythons: a newer patch, or a rebuild of the same one (with a new OpenSSL, expat, ...)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from envmgr.errors import NoSuchVersionError, NotInstalledError
from envmgr.host.network import Network
from envmgr.host.paths import Home
from envmgr.pythons import refresh
from envmgr.pythons.candidate import Candidate
from envmgr.pythons.store import Store
from envmgr.versions.request import VersionRequest
from envmgr.versions.version import Build


def find_upgrades(home: Home, requests: Sequence[VersionRequest], network: Network, cache: Path) -> list[Candidate]:
    """Return candidates that are newer than the installed Pythons that match `requests`, or than all without requests.

    For an exact version, only its rebuilds are upgrades. Raises DownloadError, and NotInstalledError for a request
    that no installed Python matches.
    """
    wanted = [found for request in requests for found in _matching(home, request)]
    if not requests:
        wanted = [(build, _successors(build, build.version.release[:2])) for build in Store(home).newest().values()]
    return list(dict.fromkeys(_newer(wanted, network, cache)))


def _matching(home: Home, request: VersionRequest) -> Iterator[tuple[Build, VersionRequest]]:
    """Yield the newest installed builds that match `request`, each with a request that its upgrades match."""
    if request.exact:
        installed = {f"{build.patch_alias}-{build.platform}": build for build in Store(home).installed()}
    else:
        installed = Store(home).newest()
    matching = request.select_all(installed.values())
    if not matching:
        raise _not_installed(home, request)
    for build in matching:
        yield build, _successors(build, build.version.release[: 3 if request.exact else 2])


def _not_installed(home: Home, request: VersionRequest) -> NotInstalledError:
    """Return the error for a request that no installed Python matches; linked ones cannot be upgraded."""
    if (linked := Store(home).find(request)) and linked.linked:
        return NotInstalledError(
            f"Python {linked.build.build_alias} is linked; upgrade it with the tool that installed it",
            hint=f"after that, run `envmgr link {linked.receipt_value('path')}`",
        )
    return NotInstalledError(f"Python {request} is not installed", hint=f"`envmgr install {request}` installs it")


def _successors(build: Build, release: tuple[int, ...]) -> VersionRequest:
    """Return a request for upgrades of `build`: versions that begin with `release`, of the same kind."""
    platform = build.platform.os, build.platform.arch, build.platform.libc
    implementation, variant = build.implementation, build.variant
    return VersionRequest(build.minor_alias, implementation, release, variant=variant, platform=platform)


def _newer(wanted: Iterable[tuple[Build, VersionRequest]], network: Network, cache: Path) -> Iterator[Candidate]:
    """Yield the candidates that are newer than the builds that they match."""
    for build, request in wanted:
        try:
            candidate = refresh.select(request, network, cache)
        except NoSuchVersionError:  # a mirror may lack builds that were installed from elsewhere
            continue
        if candidate.build.order > build.order:
            yield candidate

"""Bringing the index up to date: what the hosts, or a mirror, can give now. Never called from a prompt or a shim."""

from __future__ import annotations

from pathlib import Path

from envmgr.errors import AbsentError
from envmgr.host.download import Network
from envmgr.host.platforms import Platform
from envmgr.pythons import catalogue, index
from envmgr.pythons.candidate import Candidate, preferred
from envmgr.versions.request import VersionRequest

MIRROR = "ENVMGR_PYTHON_MIRROR"
SUMS = "SHA256SUMS"


def pick(request: VersionRequest, network: Network, cache: Path) -> Candidate:
    """Return the newest candidate that `request` means on this machine.

    Raises NoSuchVersionError with the nearest versions, BrokenInterpreterError for a foreign platform, DownloadError.
    """
    found = available(catalogue.target(request), network, cache)
    return catalogue.choose(request, found, network.environ.get(MIRROR) or "the index")


def available(platform: Platform, network: Network, cache: Path) -> list[Candidate]:
    """Return what can be had for `platform`, newest first: what the mirror holds, where one is set and says it.

    Raises DownloadError for a mirror that cannot be reached.
    """
    mirror = network.environ.get(MIRROR)
    text = _sums(mirror, network) if mirror else None
    if text is None:
        return catalogue.known(cache, platform)
    return [found for found in preferred(index.sums(text)) if found.build.platform == platform]


def _sums(mirror: str, network: Network) -> str | None:
    """Return the SHA256SUMS at the root of a mirror, None where it has none or may not be asked."""
    url = f"{mirror.rstrip('/')}/{SUMS}"
    if network.forbidden and not url.startswith("file:"):
        return None
    try:
        with network.open(url) as reply:
            return b"".join(reply.chunks).decode(errors="replace")
    except AbsentError:
        return None

"""Bringing the index up to date: what the hosts, or a mirror, can give now. Never called from a prompt or a shim."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from envmgr.host.paths import Environ
from envmgr.host.platforms import Platform
from envmgr.pythons import catalogue, index
from envmgr.pythons.candidate import Candidate, preferred
from envmgr.versions.request import VersionRequest

MIRROR = "ENVMGR_PYTHON_MIRROR"
SUMS = "SHA256SUMS"


def pick(request: VersionRequest, environ: Environ, cache: Path) -> Candidate:
    """Return the newest candidate that `request` means on this machine.

    Raises NoSuchVersionError with the nearest versions, BrokenInterpreterError for a foreign platform, DownloadError.
    """
    found = available(catalogue.target(request), environ, cache)
    return catalogue.choose(request, found, environ.get(MIRROR) or "the index")


def available(platform: Platform, environ: Environ, cache: Path) -> list[Candidate]:
    """Return what can be had for `platform`, newest first: what the mirror holds, where one is set and says it."""
    mirror = environ.get(MIRROR)
    text = _text(f"{mirror.rstrip('/')}/{SUMS}") if mirror else None
    if text is None:
        return catalogue.known(cache, platform)
    return [found for found in preferred(index.sums(text)) if found.build.platform == platform]


def _text(url: str) -> str | None:
    """Return the text at `url`, or None where there is nothing."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        path = Path(unquote(parts.path))
        return path.read_text(encoding="utf-8") if path.is_file() else None
    return None

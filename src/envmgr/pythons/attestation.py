"""Verify the build provenance of python-build-standalone archives with GitHub's command-line tool, `gh`.

An attestation is a signature by the workflow that built an archive, over its sha256. It proves more than a checksum in
an index: an attacker who replaces both the archive and its checksum cannot forge it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from envmgr.errors import DownloadError
from envmgr.host import process
from envmgr.host.paths import Environ

REPOSITORY = "astral-sh/python-build-standalone"


def verify(archive: Path, environ: Environ) -> None:
    """Verify that upstream's workflow built `archive`.

    Raises DownloadError if there is no `gh` on the PATH of `environ`, no attestation, or one that is not valid.
    """
    if not (gh := shutil.which("gh", path=environ.get("PATH"))):
        raise DownloadError(
            f"{archive.name}: its attestation cannot be verified: there is no `gh` on PATH",
            hint="install GitHub's command-line tool, https://cli.github.com, and run `gh auth login`",
        )
    argv: list[str | Path] = [gh, "attestation", "verify", archive, "--repo", REPOSITORY]
    outcome = process.run(argv, environ=environ, timeout=120)
    if outcome.code:
        raise DownloadError(
            f"{archive.name}: the attestation cannot be verified: {outcome.text.strip()}",
            hint="builds from before 2025 and archives from `envmgr mirror pack` have no attestation",
        )

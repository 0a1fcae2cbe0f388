"""Build provenance: the attestations that GitHub keeps for each archive of python-build-standalone, checked by `gh`.

An attestation is a signature, by the workflow that built an archive, over its sha256. It says more than the checksum in
an index: that nobody put another archive and another checksum in the place of both. `gh` is GitHub's own tool.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from envmgr.errors import DownloadError
from envmgr.host import process
from envmgr.host.paths import Environ

REPOSITORY = "astral-sh/python-build-standalone"


def verify(archive: Path, environ: Environ) -> None:
    """Check that `archive` was built by upstream's own workflow; raises DownloadError for anything short of that."""
    if not (gh := shutil.which("gh", path=environ.get("PATH"))):
        raise DownloadError(
            f"{archive.name}: its attestation cannot be verified, for there is no `gh` on PATH",
            hint="install GitHub's command-line tool, https://cli.github.com, and run `gh auth login`",
        )
    argv: list[str | Path] = [gh, "attestation", "verify", archive, "--repo", REPOSITORY]
    outcome = process.run(argv, environ=environ, timeout=120)
    if outcome.code:
        raise DownloadError(
            f"{archive.name}: the attestation does not hold: {outcome.text.strip()}",
            hint="builds from before 2025, and those of a mirror that packs its own, have none",
        )

"""`shims/pythonX.Y` are real links: what other tools make through them must work, and follow patch upgrades."""

from __future__ import annotations

from pathlib import Path

import pytest
from python_archives import NEWER_TAG, TAG, VERSIONS, unpack

from envmgr.host import process
from envmgr.host.paths import Home


def told(python: Path, code: str, environ: dict[str, str]) -> str:
    """Return what `python -I -c code` prints."""
    outcome = process.run([python, "-I", "-c", code], environ=environ)
    assert outcome.code == 0, outcome.text
    return outcome.text.strip()


@pytest.mark.parametrize("version", VERSIONS)
def test_an_environment_made_through_a_link_works(
    archives: Path, home: Home, environ: dict[str, str], tmp_path: Path, version: str
) -> None:
    unpack(archives, home, version, TAG)
    minor = version.rpartition(".")[0]
    link = home.shims / f"python{minor}"
    made = process.run([link, "-m", "venv", "--without-pip", tmp_path / "made"], environ=environ)
    assert made.code == 0, made.text
    code = "import os, ssl, sys, sysconfig; print(sys.version.split()[0], os.path.isdir(sysconfig.get_path('include')))"
    assert told(tmp_path / "made" / "bin" / "python", code, environ) == f"{version} True"


def test_an_environment_made_through_a_link_follows_a_rebuild(
    archives: Path, home: Home, environ: dict[str, str], tmp_path: Path
) -> None:
    old = unpack(archives, home, "3.12.1", TAG)
    process.run([home.shims / "python3.12", "-m", "venv", "--without-pip", tmp_path / "made"], environ=environ)
    unpack(archives, home, "3.12.1", NEWER_TAG)
    old.rename(tmp_path / "gone")
    where = "import os, ssl; print(os.path.realpath(os.__file__))"
    assert f"+{NEWER_TAG}-" in told(tmp_path / "made" / "bin" / "python", where, environ)

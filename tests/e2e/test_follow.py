"""Environments pinned to a minor version follow upgrades; exact pins never float. Two real builds of 3.12.1."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from python_archives import NEWER_TAG, TAG, pythons
from sandbox import Sandbox

from envmgr.environments import builder
from envmgr.host.paths import Home
from envmgr.host.platforms import this_platform
from envmgr.pythons import aliases

SAY = "import os, sys, ssl, sqlite3, pip; print(os.path.realpath(sys.base_prefix))"


@pytest.fixture
def sandbox(home: Home, environ: dict[str, str], archives: Path, tmp_path: Path) -> Sandbox:
    project = tmp_path / "shop"
    project.mkdir()
    return Sandbox(home, project, environ | {"ENVMGR_PYTHON_MIRROR": archives.as_uri()})


def test_a_prefix_follows_and_a_build_stays(sandbox: Sandbox, tmp_path: Path) -> None:
    exact, old, new = tmp_path / "exact", f"3.12.1+{TAG}", f"3.12.1+{NEWER_TAG}"
    exact.mkdir()
    sandbox.run("install", old)
    sandbox.run("use", "3.12")
    sandbox.run("use", old, where=exact)
    made = sandbox.environment("3.12")
    config = made.path / "pyvenv.cfg"
    assert f"home = {sandbox.home.aliases}/3.12/bin\n" in config.read_text()
    assert str(sandbox.home.versions) not in "".join(
        file.read_text() for file in (config, *made.bin.iterdir()) if not file.is_symlink()
    )
    assert old in base(sandbox, sandbox.project)

    sandbox.run("install", new)
    assert new in base(sandbox, sandbox.project)
    assert old in base(sandbox, exact)
    run = subprocess.run(
        [made.bin / "pip", "--version"], env=sandbox.environ, capture_output=True, text=True, check=True
    )
    assert str(made.path) in run.stdout
    assert sandbox.run("env", "path") == f"{made.path}\n"

    sandbox.run("env", "remove", str(exact))
    sandbox.run("uninstall", old)
    assert new in base(sandbox, sandbox.project)


def base(sandbox: Sandbox, project: Path) -> str:
    """Return the name of the build that the project's environment runs on, after loading what links to libraries."""
    return os.path.basename(sandbox.run("run", "python", "-c", SAY, where=project)).strip()  # noqa: PTH119 - a text


def test_what_editors_read_follows_too(sandbox: Sandbox) -> None:
    sandbox.run("install", f"3.12.1+{TAG}")
    sandbox.run("use", "3.12")
    made = sandbox.environment("3.12")
    config = made.path / "pyvenv.cfg"
    truth = config.read_text()
    assert builder.update_versions(sandbox.home) == []
    config.write_text(truth.replace("3.12.1", "3.12.0"))
    sandbox.run("install", f"3.12.1+{NEWER_TAG}")
    assert config.read_text() == truth


def test_a_newer_linked_one_takes_nothing_away(sandbox: Sandbox) -> None:
    """A linked Python has no library of its own beside it; environments stay on builds that were installed."""
    sandbox.run("install", f"3.12.1+{TAG}")
    sandbox.run("use", "3.12")
    newer = sandbox.home.versions / f"cpython-3.12.99+work-{this_platform()}"
    (newer / "bin").mkdir(parents=True)
    for name in ("python", "python3", "python3.12"):
        (newer / "bin" / name).symlink_to(pythons() / "3.12.1" / "bin" / "python3.12")
    aliases.update_aliases(sandbox.home)
    assert f"3.12.1+{TAG}" in base(sandbox, sandbox.project)
    assert str(sandbox.environment("3.12").path) in sandbox.run("uninstall", f"3.12.1+{TAG}", code=8)

"""Life after installation: upgrades, what follows them and what does not, and what may go in the end."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from python_archives import NEWER_TAG, TAG, pythons
from sandbox import Sandbox

from envmgr.host import download, lock, process
from envmgr.host.network import Network
from envmgr.host.paths import Home
from envmgr.host.platforms import this_platform

OLD, NEW = f"cpython-3.12.1+{TAG}", f"cpython-3.12.1+{NEWER_TAG}"


@pytest.fixture
def sandbox(home: Home, environ: dict[str, str], archives: Path, tmp_path: Path) -> Sandbox:
    """A user with the older build of 3.12.1, whom the mirror offers a rebuild."""
    project = tmp_path / "shop"
    project.mkdir()
    sandbox = Sandbox(home, project, environ | {"ENVMGR_PYTHON_MIRROR": archives.as_uri()})
    sandbox.run("install", f"3.12.1+{TAG}")
    return sandbox


def builds(home: Home) -> set[str]:
    return {path.name.removesuffix(f"-{this_platform()}") for path in home.versions.iterdir()}


def runs_on(sandbox: Sandbox, words: str) -> str:
    """Return the build that the project's environment really runs on, asked of its Python."""
    code = "import os, sys, pip; print(os.path.realpath(sys.executable))"
    outcome = process.run([sandbox.environment(words).bin / "python", "-I", "-c", code], environ=sandbox.environ)
    assert outcome.code == 0, outcome.text
    return (
        Path(outcome.text.strip())
        .relative_to(sandbox.home.versions.resolve())
        .parts[0]
        .removesuffix(f"-{this_platform()}")
    )


def test_environments_of_a_prefix_follow_an_upgrade(sandbox: Sandbox) -> None:
    (sandbox.project / ".python-version").write_text("3.12\n")
    sandbox.run("use")
    assert runs_on(sandbox, "3.12") == OLD
    assert NEWER_TAG in sandbox.messages("upgrade")
    assert builds(sandbox.home) == {OLD, NEW}
    assert runs_on(sandbox, "3.12") == NEW
    assert "up to date" in sandbox.messages("upgrade", "3.12")
    sandbox.run("uninstall", f"3.12.1+{NEWER_TAG}")
    assert runs_on(sandbox, "3.12") == OLD


def test_a_pin_of_a_build_never_floats(sandbox: Sandbox) -> None:
    pin = f"3.12.1+{TAG}"
    sandbox.run("use", pin)
    sandbox.run("upgrade", "3.12")
    assert runs_on(sandbox, pin) == OLD
    sandbox.run("prune")
    assert runs_on(sandbox, pin) == OLD
    assert builds(sandbox.home) == {OLD, NEW}


def test_only_what_is_asked_for_is_upgraded(sandbox: Sandbox) -> None:
    sandbox.run("install", "3.11")
    assert "up to date" in sandbox.messages("upgrade", "3.11")
    assert builds(sandbox.home) == {OLD, f"cpython-3.11.7+{TAG}"}
    assert "not installed" in sandbox.run("upgrade", "3.13", code=4)


def test_an_exact_version_is_upgraded_to_its_rebuild_beside_a_newer_one(sandbox: Sandbox) -> None:
    later = sandbox.home.versions / f"cpython-3.12.9+{TAG}-{this_platform()}"
    shutil.copytree(sandbox.home.versions / f"{OLD}-{this_platform()}", later, symlinks=True)
    assert "up to date" in sandbox.messages("upgrade", "3.12")
    assert NEWER_TAG in sandbox.messages("upgrade", "3.12.1")
    assert {OLD, NEW} < builds(sandbox.home)


def test_a_linked_one_is_its_owner_s_to_upgrade(sandbox: Sandbox) -> None:
    sandbox.run("link", str(pythons() / "3.13.0"), "work")
    error = sandbox.run("upgrade", "work", code=4)
    assert "3.13.0+work is linked; upgrade it with the tool that installed it" in error
    assert f"`envmgr link {pythons()}/3.13.0/bin/python3.13`" in error
    assert "up to date" not in sandbox.messages("upgrade")


def test_prune_removes_what_is_superseded_and_unused(sandbox: Sandbox) -> None:
    sandbox.run("use", "3.12")
    sandbox.run("upgrade")
    before = {path for path in sandbox.home.root.rglob("*") if "tmp" not in path.parts}
    said = sandbox.messages("prune", "--dry-run")
    assert f"Would remove {sandbox.home.versions}/{OLD}" in said
    assert "Would free" in said
    assert {path for path in sandbox.home.root.rglob("*") if "tmp" not in path.parts} == before
    said = sandbox.messages("prune")
    assert "Freed" in said
    assert builds(sandbox.home) == {NEW}
    assert not list((Path(sandbox.environ["ENVMGR_CACHE_DIR"]) / "downloads").iterdir())
    assert not list(sandbox.home.templates.iterdir())  # it was of the old build
    assert runs_on(sandbox, "3.12") == NEW
    assert "Nothing to remove" in sandbox.messages("prune")


def test_prune_leaves_what_is_being_downloaded(sandbox: Sandbox) -> None:
    downloads = Path(sandbox.environ["ENVMGR_CACHE_DIR"]) / "downloads"
    (archive,) = downloads.glob("*.tar.gz")
    (downloads / f"{archive.name}.part").write_bytes(b"the beginning")
    with lock.exclusive(downloads / f".{archive.name}.lock"):
        assert "Nothing to remove" in sandbox.messages("prune")
        assert len(list(downloads.iterdir())) == 3
    assert "Freed" in sandbox.messages("prune")
    assert not list(downloads.iterdir())


def test_prune_leaves_what_another_store_unpacks(sandbox: Sandbox) -> None:
    (archive,) = (Path(sandbox.environ["ENVMGR_CACHE_DIR"]) / "downloads").glob("*.tar.gz")
    with download.locked_fetch(Network({}), [], archive, download.digest(archive)):
        assert "Nothing to remove" in sandbox.messages("prune")
        assert archive.is_file()
    sandbox.run("prune")
    assert not archive.exists()


def test_prune_with_others_at_work_is_fine(sandbox: Sandbox) -> None:
    sandbox.run("upgrade")
    words = [["prune"], ["install", "3.11"], ["install", "3.13"], ["uninstall", "3.11"]] * 3
    with ThreadPoolExecutor(len(words)) as pool:
        argvs = ([sys.executable, "-m", "envmgr", *word] for word in words)
        outcomes = pool.map(lambda argv: process.run(argv, environ=sandbox.environ), argvs)
        for word, outcome in zip(words, outcomes, strict=True):
            assert outcome.code == 0 or (word[0], outcome.code) == ("uninstall", 4), (word, outcome.text)
    assert all((link / "bin/python").exists() for link in sandbox.home.aliases.iterdir())
    assert not [path for path in sandbox.home.tmp.iterdir() if not path.name.startswith(".")]


def test_prune_keeps_what_the_default_means(sandbox: Sandbox) -> None:
    sandbox.run("use", "--global", f"3.12.1+{TAG}")
    sandbox.run("upgrade")
    sandbox.run("prune")
    assert builds(sandbox.home) == {OLD, NEW}

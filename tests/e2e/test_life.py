"""Life after installation: upgrades, what follows them and what does not, and what may go in the end."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from desk import Desk
from packed import NEWER_TAG, TAG, pythons

from envmgr.host import download, lock, process
from envmgr.host.network import Network
from envmgr.host.paths import Home
from envmgr.host.platforms import this_platform

OLD, NEW = f"cpython-3.12.1+{TAG}", f"cpython-3.12.1+{NEWER_TAG}"


@pytest.fixture
def desk(home: Home, environ: dict[str, str], archives: Path, tmp_path: Path) -> Desk:
    """A user with the older build of 3.12.1, whom the mirror offers a rebuild."""
    project = tmp_path / "shop"
    project.mkdir()
    desk = Desk(home, project, environ | {"ENVMGR_PYTHON_MIRROR": archives.as_uri()})
    desk.call("install", f"3.12.1+{TAG}")
    return desk


def builds(home: Home) -> set[str]:
    return {path.name.removesuffix(f"-{this_platform()}") for path in home.versions.iterdir()}


def runs_on(desk: Desk, words: str) -> str:
    """Return the build that the project's environment really runs on, asked of its Python."""
    code = "import os, sys, pip; print(os.path.realpath(sys.executable))"
    outcome = process.run([desk.made(words).bin / "python", "-I", "-c", code], environ=desk.environ)
    assert outcome.code == 0, outcome.text
    return (
        Path(outcome.text.strip())
        .relative_to(desk.home.versions.resolve())
        .parts[0]
        .removesuffix(f"-{this_platform()}")
    )


def test_environments_of_a_prefix_follow_an_upgrade(desk: Desk) -> None:
    (desk.project / ".python-version").write_text("3.12\n")
    desk.call("use")
    assert runs_on(desk, "3.12") == OLD
    assert NEWER_TAG in desk.talk("upgrade")
    assert builds(desk.home) == {OLD, NEW}
    assert runs_on(desk, "3.12") == NEW
    assert "up to date" in desk.talk("upgrade", "3.12")
    desk.call("uninstall", f"3.12.1+{NEWER_TAG}")
    assert runs_on(desk, "3.12") == OLD


def test_a_pin_of_a_build_never_floats(desk: Desk) -> None:
    pin = f"3.12.1+{TAG}"
    desk.call("use", pin)
    desk.call("upgrade", "3.12")
    assert runs_on(desk, pin) == OLD
    desk.call("prune")
    assert runs_on(desk, pin) == OLD
    assert builds(desk.home) == {OLD, NEW}


def test_only_what_is_asked_for_is_upgraded(desk: Desk) -> None:
    desk.call("install", "3.11")
    assert "up to date" in desk.talk("upgrade", "3.11")
    assert builds(desk.home) == {OLD, f"cpython-3.11.7+{TAG}"}
    assert "not installed" in desk.call("upgrade", "3.13", code=4)


def test_an_exact_version_is_upgraded_to_its_rebuild_beside_a_newer_one(desk: Desk) -> None:
    later = desk.home.versions / f"cpython-3.12.9+{TAG}-{this_platform()}"
    shutil.copytree(desk.home.versions / f"{OLD}-{this_platform()}", later, symlinks=True)
    assert "up to date" in desk.talk("upgrade", "3.12")
    assert NEWER_TAG in desk.talk("upgrade", "3.12.1")
    assert {OLD, NEW} < builds(desk.home)


def test_a_linked_one_is_its_owner_s_to_upgrade(desk: Desk) -> None:
    desk.call("link", str(pythons() / "3.13.0"), "work")
    error = desk.call("upgrade", "work", code=4)
    assert "3.13.0+work is linked, and its owner's to upgrade" in error
    assert f"`envmgr link {pythons()}/3.13.0/bin/python3.13`" in error
    assert "up to date" not in desk.talk("upgrade")


def test_prune_removes_what_is_superseded_and_unused(desk: Desk) -> None:
    desk.call("use", "3.12")
    desk.call("upgrade")
    before = {path for path in desk.home.root.rglob("*") if "tmp" not in path.parts}
    said = desk.talk("prune", "--dry-run")
    assert f"Would remove {desk.home.versions}/{OLD}" in said
    assert "Would free" in said
    assert {path for path in desk.home.root.rglob("*") if "tmp" not in path.parts} == before
    said = desk.talk("prune")
    assert "Freed" in said
    assert builds(desk.home) == {NEW}
    assert not list((Path(desk.environ["ENVMGR_CACHE_DIR"]) / "downloads").iterdir())
    assert not list(desk.home.templates.iterdir())  # it was of the old build
    assert runs_on(desk, "3.12") == NEW
    assert "Nothing to remove" in desk.talk("prune")


def test_prune_leaves_what_is_being_downloaded(desk: Desk) -> None:
    downloads = Path(desk.environ["ENVMGR_CACHE_DIR"]) / "downloads"
    (archive,) = downloads.glob("*.tar.gz")
    (downloads / f"{archive.name}.part").write_bytes(b"the beginning")
    with lock.exclusive(downloads / f".{archive.name}.lock"):
        assert "Nothing to remove" in desk.talk("prune")
        assert len(list(downloads.iterdir())) == 3
    assert "Freed" in desk.talk("prune")
    assert not list(downloads.iterdir())


def test_prune_leaves_what_another_store_unpacks(desk: Desk) -> None:
    (archive,) = (Path(desk.environ["ENVMGR_CACHE_DIR"]) / "downloads").glob("*.tar.gz")
    with download.locked_fetch(Network({}), [], archive, download.digest(archive)):
        assert "Nothing to remove" in desk.talk("prune")
        assert archive.is_file()
    desk.call("prune")
    assert not archive.exists()


def test_prune_with_others_at_work_is_fine(desk: Desk) -> None:
    desk.call("upgrade")
    words = [["prune"], ["install", "3.11"], ["install", "3.13"], ["uninstall", "3.11"]] * 3
    with ThreadPoolExecutor(len(words)) as pool:
        argvs = ([sys.executable, "-m", "envmgr", *word] for word in words)
        outcomes = pool.map(lambda argv: process.run(argv, environ=desk.environ), argvs)
        for word, outcome in zip(words, outcomes, strict=True):
            assert outcome.code == 0 or (word[0], outcome.code) == ("uninstall", 4), (word, outcome.text)
    assert all((link / "bin/python").exists() for link in desk.home.aliases.iterdir())
    assert not [path for path in desk.home.tmp.iterdir() if not path.name.startswith(".")]


def test_prune_keeps_what_the_default_means(desk: Desk) -> None:
    desk.call("use", "--global", f"3.12.1+{TAG}")
    desk.call("upgrade")
    desk.call("prune")
    assert builds(desk.home) == {OLD, NEW}

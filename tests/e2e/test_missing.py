"""`use` and `test` install the Pythons that they need, from a mirror."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk import Desk

from envmgr.host.paths import Home


@pytest.fixture
def desk(home: Home, environ: dict[str, str], archives: Path, tmp_path: Path) -> Desk:
    project = tmp_path / "shop"
    project.mkdir()
    return Desk(home, project, environ | {"ENVMGR_PYTHON_MIRROR": archives.as_uri()})


def test_use_and_test_install_what_is_missing(desk: Desk) -> None:
    desk.call("use", "3.13")
    assert desk.call("run", "python", "-c", "import sys; print(*sys.version_info[:2])") == "3 13\n"
    (desk.project / "pyproject.toml").write_text(
        '[tool.envmgr.test]\npythons = ["3.12", "3.13"]\ncommands = [["python", "-VV"]]\n'
    )
    out = desk.call("test")
    assert "Python 3.12.1" in out
    assert "Python 3.13.0" in out
    assert {path.name for path in desk.home.envs.glob("shop-*/*")} == {"3.13", "test-3.12", "test-3.13"}
    assert "broken: 3.99" in desk.call("test", "-p", "3.99", code=1)


def test_what_cannot_be_had_changes_nothing(desk: Desk) -> None:
    assert "nearest" in desk.call("use", "3.99", code=3)
    assert not (desk.project / ".python-version").exists()
    assert not list(desk.home.root.glob("versions/*"))


def test_a_use_that_fails_at_the_environment_leaves_the_project_as_it_was(desk: Desk) -> None:
    desk.call("install", "3.13")
    desk.home.envs.write_text("a file in the place of a directory\n")
    desk.call("use", "3.13", code=8)
    assert list(desk.project.iterdir()) == []


def test_several_missing_pythons_are_installed_by_one_use(desk: Desk) -> None:
    told = desk.talk("use", "3.13", "3.12")
    assert told.count("Installed Python") == 2
    assert told.index("active at the next prompt") > told.index("Pinned 3.13 3.12")


@pytest.mark.parametrize("command", ["sync", "run python -c pass", "run -p 3.13 python -c pass"])
def test_in_a_fresh_clone_one_command_installs_what_is_missing(desk: Desk, command: str) -> None:
    verb, *rest = command.split()
    (desk.project / ".python-version").write_text("3.13\n")
    (desk.project / "requirements.txt").write_text("pip\n")
    refused = desk.call(verb, "--no-install", *rest, code=4)
    assert "Python 3.13 is not installed" in refused
    assert not list(desk.home.root.glob("versions/*"))
    desk.call(verb, *rest)
    assert "3.13" in desk.call("run", "--no-install", "python", "-V")
    assert (desk.home.shims / "idle3.13").is_symlink() or (desk.home.shims / "pydoc3.13").is_symlink()

"""`use` and `test` install the Pythons that they need, from a mirror."""

from __future__ import annotations

from pathlib import Path

import pytest
from sandbox import Sandbox

from envmgr.host.paths import Home


@pytest.fixture
def sandbox(home: Home, environ: dict[str, str], archives: Path, tmp_path: Path) -> Sandbox:
    project = tmp_path / "shop"
    project.mkdir()
    return Sandbox(home, project, environ | {"ENVMGR_PYTHON_MIRROR": archives.as_uri()})


def test_use_and_test_install_what_is_missing(sandbox: Sandbox) -> None:
    sandbox.run("use", "3.13")
    assert sandbox.run("run", "python", "-c", "import sys; print(*sys.version_info[:2])") == "3 13\n"
    (sandbox.project / "pyproject.toml").write_text(
        '[tool.envmgr.test]\npythons = ["3.12", "3.13"]\ncommands = [["python", "-VV"]]\n'
    )
    out = sandbox.run("test")
    assert "Python 3.12.1" in out
    assert "Python 3.13.0" in out
    assert {path.name for path in sandbox.home.envs.glob("shop-*/*")} == {"3.13", "test-3.12", "test-3.13"}
    assert "broken: 3.99" in sandbox.run("test", "-p", "3.99", code=1)


def test_what_cannot_be_had_changes_nothing(sandbox: Sandbox) -> None:
    assert "nearest" in sandbox.run("use", "3.99", code=3)
    assert not (sandbox.project / ".python-version").exists()
    assert not list(sandbox.home.root.glob("versions/*"))


def test_a_use_that_fails_at_the_environment_leaves_the_project_as_it_was(sandbox: Sandbox) -> None:
    sandbox.run("install", "3.13")
    sandbox.home.templates.write_text("a file in the place of a directory\n")
    sandbox.run("use", "3.13", code=8)
    assert list(sandbox.project.iterdir()) == []


def test_several_missing_pythons_are_installed_by_one_use(sandbox: Sandbox) -> None:
    told = sandbox.messages("use", "3.13", "3.12")
    assert told.count("Installed Python") == 2
    assert told.index("active at the next prompt") > told.index("Pinned 3.13 3.12")


@pytest.mark.parametrize("command", ["sync", "run python -c pass", "run -p 3.13 python -c pass"])
def test_in_a_fresh_clone_one_command_installs_what_is_missing(sandbox: Sandbox, command: str) -> None:
    verb, *rest = command.split()
    (sandbox.project / ".python-version").write_text("3.13\n")
    (sandbox.project / "requirements.txt").write_text("pip\n")
    refused = sandbox.run(verb, "--no-install", *rest, code=4)
    assert "Python 3.13 is not installed" in refused
    assert not list(sandbox.home.root.glob("versions/*"))
    sandbox.run(verb, *rest)
    assert "3.13" in sandbox.run("run", "--no-install", "python", "-V")
    assert (sandbox.home.shims / "idle3.13").is_symlink() or (sandbox.home.shims / "pydoc3.13").is_symlink()

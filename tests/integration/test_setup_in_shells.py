"""`envmgr setup` typed into every shell that has a hook: a new shell activates; removed, no trace stays."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typist import Typist

from envmgr.environments import record
from envmgr.environments.record import Environment
from envmgr.host.paths import Home
from envmgr.shell.dialects import DIALECTS


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "it's \\ a `store`; $HOME\n")


@pytest.fixture
def start(tmp_path: Path, home: Home, environ: dict[str, str]) -> Callable[..., Typist]:
    """Return the function that starts a shell by its name, in tmp_path."""

    def started(name: str, **more: str) -> Typist:
        return Typist(
            [name], cwd=tmp_path, environ=environ | {"ENVMGR_HOME": str(home.root)} | more, folder=tmp_path / "told"
        )

    return started


@pytest.fixture
def project(tmp_path: Path, home: Home) -> Path:
    """A project whose environment is on record."""
    folder = tmp_path / "a 'shop' $(touch pwned)\\`é"
    folder.mkdir()
    (folder / ".python-version").write_text("3.12\n")
    made = Environment(record.folder(home, folder) / "3.12", folder, "3.12")
    made.bin.mkdir(parents=True)
    (made.bin / "python").symlink_to(sys.executable)
    (made.path / record.NOTE).write_text(record.dump(made))
    file = record.record_file(home, folder, "3.12")
    file.parent.mkdir(parents=True)
    file.write_text(f"{made.path.relative_to(home.root)}\n")
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("name", DIALECTS)
def test_set_up_and_removed(name: str, start: Callable[..., Typist], home: Home, project: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project)
    entered = record.records(home, tmp_path / "link")
    entered.parent.mkdir(parents=True)
    entered.symlink_to(record.records(home, project))
    user = tmp_path / "user"
    (user / ".profile").write_text(". ~/.bashrc")
    before = snapshot(user)
    with start(name) as shell:
        shell.type("envmgr setup")
    with start(name) as shell:
        assert "VIRTUAL_ENV" not in shell.tell()
        told = shell.type("cd link")
        environment = record.folder(home, project) / "3.12"
        assert told["VIRTUAL_ENV"] == str(environment)
        assert told["PATH"].split(":")[0] == str(environment / "bin")
        shell.type("envmgr doctor --json > ../doctor.json")
        assert f"loaded in this {name}" in (tmp_path / "doctor.json").read_text()
        told = shell.type("cd ..")
        assert "VIRTUAL_ENV" not in told
        assert told["PATH"].split(":")[0] == str(home.shims)
        shell.type("envmgr setup --remove")
    assert not (tmp_path / "pwned").exists()
    assert snapshot(user).items() >= before.items()

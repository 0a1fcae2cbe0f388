from __future__ import annotations

import os
from pathlib import Path

import pytest

from envmgr.environments import record
from envmgr.errors import UsageError
from envmgr.host import process
from envmgr.host.paths import Home
from envmgr.shell import trust


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project with a .venv that uv made, a table and a dotenv file."""
    folder = tmp_path / "shop"
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to("/usr/bin/env")
    (folder / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.13.8\n")
    (folder / "pyproject.toml").write_text('[tool.envmgr.env]\nPORT = 8000\nNAME = "$(touch x)"\n')
    (folder / ".env").write_text("NAME=from dotenv\n")
    return folder


def granted(home: Home, project: Path) -> dict[str, str]:
    folder = record.records(home, project)
    return {str(f.relative_to(folder)): f.read_text() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_what_is_shown_is_what_is_granted(home: Home, project: Path) -> None:
    offered = trust.offer(home, project, dict(os.environ))
    assert (offered.venv, offered.maker) == (project / ".venv", "uv")
    assert offered.variables == {"PORT": "8000", "NAME": "from dotenv"}
    trust.allow(home, offered)
    assert granted(home, project) == {
        ".allowed": f"{project}/.venv\n{os.path.realpath('/usr/bin/env')}\nPORT\nNAME\n",
        ".copies/.env": "NAME=from dotenv\n",
        ".copies/pyproject.toml": '[tool.envmgr.env]\nPORT = 8000\nNAME = "$(touch x)"\n',
        ".copies/pyvenv.cfg": "home = /usr/bin\nuv = 0.13.8\n",
        ".variables/NAME": "from dotenv",
        ".variables/PORT": "8000",
    }
    assert list(trust.allowed(home)) == [(project, [f"{project}/.venv", "PORT", "NAME"])]


def test_allowing_again_replaces_and_denying_revokes(home: Home, project: Path) -> None:
    trust.allow(home, trust.offer(home, project, dict(os.environ)))
    (project / ".env").unlink()
    trust.allow(home, trust.offer(home, project, dict(os.environ)))
    assert ".copies/.env" not in granted(home, project)
    assert trust.deny(home, project)
    assert not trust.deny(home, project)
    assert granted(home, project) == {}
    assert list(trust.allowed(home)) == []


def test_our_own_link_is_not_foreign(home: Home, project: Path, tmp_path: Path) -> None:
    ours = home.envs / "shop-1" / "3.12"
    ours.mkdir(parents=True)
    (ours / "pyvenv.cfg").write_text("home = /x\n")
    (project / ".venv").rename(tmp_path / "away")
    (project / ".venv").symlink_to(ours)
    assert trust.offer(home, project, dict(os.environ)).venv is None


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "BASH_ENV", "PROMPT_COMMAND", "PYTHONPATH", "VIRTUAL_ENV"])
def test_variables_that_steer_the_shell_are_refused(home: Home, project: Path, name: str) -> None:
    (project / ".env").write_text(f"{name}=x\n")
    offered = trust.offer(home, project, dict(os.environ))
    with pytest.raises(UsageError, match=name):
        trust.allow(home, offered)
    assert granted(home, project) == {}
    trust.allow(home, offered, unsafe=True)
    assert granted(home, project)[f".variables/{name}"] == "x"


@pytest.mark.parametrize("entry", ["A = true", "A = [1]", "A = 1.5", '"A B" = "x"', '"../x" = "y"'])
def test_a_table_that_is_no_variables_is_refused(home: Home, project: Path, entry: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.envmgr.env]\n{entry}\n")
    with pytest.raises(UsageError, match=r"\[tool\.envmgr\.env\]"):
        trust.offer(home, project, dict(os.environ))


@pytest.mark.parametrize("place", [".venv/pyvenv.cfg", ".venv", ".env", "."])
def test_what_others_can_write_to_is_refused(home: Home, project: Path, place: str) -> None:
    (project / place).chmod(0o777)
    with pytest.raises(UsageError, match="other users can write"):
        trust.offer(home, project, dict(os.environ))


def test_what_our_own_group_can_write_to_is_allowed(home: Home, project: Path) -> None:
    for place in (project, project / ".env", project / ".venv", project / ".venv/pyvenv.cfg"):
        place.chmod(place.stat().st_mode | 0o020)
    assert trust.offer(home, project, dict(os.environ)).venv
    with pytest.raises(UsageError, match="other users can write"):
        trust.check_owner(project / ".env", group=os.getegid() + 1)


def test_what_belongs_to_another_user_is_refused(project: Path) -> None:
    if os.geteuid() == 0:  # whose files everybody trusts
        os.chown(project / ".env", 12345, 12345)
    with pytest.raises(UsageError, match="another user"):
        trust.check_owner(project / ".env", user=54321)


def test_a_file_that_is_no_text_is_refused(home: Home, project: Path) -> None:
    (project / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(UsageError, match="UTF-8"):
        trust.offer(home, project, dict(os.environ))
    (project / ".env").write_bytes(b"A=1\n" * 100_000)
    with pytest.raises(UsageError, match="too large"):
        trust.offer(home, project, dict(os.environ))


def test_a_venv_that_git_tracks_is_refused(home: Home, project: Path, environ: dict[str, str], tmp_path: Path) -> None:
    git = ["git", "-c", "init.defaultBranch=main"]
    process.run([*git, "init", "-q", project], environ=environ)
    assert trust.offer(home, project, environ).venv == project / ".venv"
    process.run(["git", "add", "-f", ".venv"], environ=environ, cwd=project)
    hostile = tmp_path / "monitor"
    hostile.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hostile.chmod(0o755)
    process.run(["git", "config", "core.fsmonitor", hostile], environ=environ, cwd=project)
    with pytest.raises(UsageError, match="tracked by git"):
        trust.offer(home, project, environ)
    assert not (tmp_path / "ran").exists()

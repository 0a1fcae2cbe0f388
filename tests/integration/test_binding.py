from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from envmgr.environments import binding, record
from envmgr.environments.record import Environment
from envmgr.host.paths import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def made(home: Home, project: Path) -> Environment:
    made = Environment(record.environments_folder(home, project) / "3.12", project, "3.12")
    made.bin.mkdir(parents=True)
    (made.path / record.METADATA).write_text(record.dump(made))
    return made


def git(*words: str | Path, cwd: Path) -> str:
    return subprocess.run(["git", *words], cwd=cwd, check=True, capture_output=True, text=True).stdout


def test_a_record_is_one_line(home: Home, project: Path, made: Environment) -> None:
    assert binding.bind(home, project, "3.12 3.11", made) == []
    text = record.record_file(home, project, "3.12 3.11").read_text()
    assert text == f"envs/{made.path.parent.name}/3.12\n"
    assert (project / ".venv").samefile(made.path)


def test_a_project_entered_through_a_link_has_a_record(
    home: Home, project: Path, made: Environment, tmp_path: Path
) -> None:
    entered = tmp_path / "entered"
    entered.symlink_to(project)
    binding.bind(home, entered, "3.12", made)
    for place in (entered, project):
        assert record.record_file(home, place, "3.12").read_text().startswith("envs/shop-")


def test_a_link_in_the_place_of_a_directory_replaces_its_records(
    home: Home, project: Path, made: Environment, tmp_path: Path
) -> None:
    entered = tmp_path / "entered"
    record.record_file(home, entered, "3.12").parent.mkdir(parents=True)
    record.record_file(home, entered, "3.12").write_text("envs/entered-00000000/3.12\n")
    entered.symlink_to(project)
    binding.bind(home, entered, "3.12", made)
    assert record.lookup(home, entered, "3.12") == made


@pytest.mark.parametrize("kind", ["directory", "file", "link"])
def test_a_venv_that_envmgr_did_not_make_is_left_alone(
    home: Home, project: Path, made: Environment, tmp_path: Path, kind: str
) -> None:
    link = project / ".venv"
    if kind == "directory":
        link.mkdir()
    elif kind == "file":
        link.write_text("../elsewhere\n")
    else:
        link.symlink_to(tmp_path)
    (note,) = binding.bind(home, project, "3.12", made)
    assert str(link) in note
    assert record.link_target(link) == (tmp_path if kind == "link" else None)


def test_a_venv_link_of_envmgr_is_updated(home: Home, project: Path, made: Environment) -> None:
    (project / ".venv").symlink_to(home.envs / "removed" / "3.11")
    assert binding.bind(home, project, "3.12", made) == []
    assert record.link_target(project / ".venv") == made.path


@pytest.mark.parametrize("ignoring", ["", ".venv/\n", ".venv\n", "*\n"])
def test_git_ignores_the_venv_link(home: Home, project: Path, made: Environment, ignoring: str) -> None:
    git("init", "-q", cwd=project)
    if ignoring:
        (project / ".gitignore").write_text(ignoring)
    before = git("status", "--porcelain", cwd=project)
    binding.bind(home, project, "3.12", made)
    binding.bind(home, project, "3.12", made)
    assert git("status", "--porcelain", cwd=project) == before
    added = (project / ".git" / "info" / "exclude").read_text().count(".venv")
    assert added == (ignoring in ("", ".venv/\n"))


def test_the_venv_link_is_ignored_in_a_subdirectory_of_a_git_worktree(home: Home, tmp_path: Path) -> None:
    main, tree = tmp_path / "main", tmp_path / "tree"
    main.mkdir()
    git("init", "-q", cwd=main)
    git("-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x", cwd=main)
    git("worktree", "add", "-q", tree, cwd=main)
    (tree / "sub").mkdir()
    made = Environment(record.environments_folder(home, tree / "sub") / "3.12", tree / "sub", "3.12")
    made.bin.mkdir(parents=True)
    binding.bind(home, tree / "sub", "3.12", made)
    assert (tree / "sub" / ".venv").is_symlink()
    assert git("status", "--porcelain", cwd=tree) == ""


def test_a_changed_link_means_the_records_of_its_new_target(
    home: Home, project: Path, made: Environment, tmp_path: Path
) -> None:
    entered, other = tmp_path / "current", tmp_path / "rel2"
    other.mkdir()
    entered.symlink_to(project)
    binding.bind(home, entered, "3.12", made)
    real = record.record_folder(home, entered) / record.REAL
    assert real.read_text() == f"{project}\n"
    entered.unlink()
    entered.symlink_to(other)
    assert record.lookup(home, entered, "3.12") is None
    binding.link_real_path(home, entered)
    assert real.read_text() == f"{other}\n"
    assert record.lookup(home, project, "3.12") == made


def test_a_directory_in_the_place_of_a_link_has_its_own_records(
    home: Home, project: Path, made: Environment, tmp_path: Path
) -> None:
    entered = tmp_path / "current"
    entered.symlink_to(project)
    binding.bind(home, entered, "3.12", made)
    entered.unlink()
    entered.mkdir()
    assert record.lookup(home, entered, "3.12") is None
    own = Environment(record.environments_folder(home, entered) / "3.12", entered, "3.12")
    own.bin.mkdir(parents=True)
    (own.path / record.METADATA).write_text(record.dump(own))
    binding.bind(home, entered, "3.12", own)
    assert record.lookup(home, entered, "3.12") == own
    assert record.lookup(home, project, "3.12") == made


def test_proc_self_cwd_means_the_directory_of_the_current_process(
    home: Home, project: Path, made: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = Path("/proc/self/cwd")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(project)
    binding.bind(home, here, "3.12", made)
    assert record.lookup(home, here, "3.12") == made
    monkeypatch.chdir(tmp_path / "other")
    assert record.lookup(home, here, "3.12") is None


def test_an_exclude_file_that_is_a_link_is_left_alone(
    home: Home, project: Path, made: Environment, tmp_path: Path
) -> None:
    git("init", "-q", cwd=project)
    mine = tmp_path / "mine"
    mine.write_text("# mine\n")
    (project / ".git/info/exclude").unlink()
    (project / ".git/info/exclude").symlink_to(mine)
    assert binding.bind(home, project, "3.12", made) == []
    assert mine.read_text() == "# mine\n"
    assert (project / ".venv").is_symlink()

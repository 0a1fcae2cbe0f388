from __future__ import annotations

import os
from pathlib import Path

import pytest

from envmgr.errors import UsageError
from envmgr.host import git, process


@pytest.fixture
def repository(tmp_path: Path, environ: dict[str, str]) -> Path:
    process.run(["git", "init", "-q", tmp_path / "shop"], environ=environ)
    (tmp_path / "shop/.venv/bin").mkdir(parents=True)
    (tmp_path / "shop/.venv/bin/pip").touch()
    (tmp_path / "shop/src").mkdir()
    return tmp_path / "shop"


def add(repository: Path, name: str, environ: dict[str, str]) -> None:
    assert process.run(["git", "add", "-f", name], environ=environ, cwd=repository).code == 0


def test_the_git_directory_is_found(repository: Path, tmp_path: Path) -> None:
    assert git.git_directory(repository / "src") == repository / ".git"
    assert git.git_directory(tmp_path / "none") is None
    (repository / "src/.git").write_text("gitdir: ../elsewhere/a b\n")
    assert git.git_directory(repository / "src") == repository / "src/../elsewhere/a b"
    (repository / "src/.git").write_text("nothing\n")
    assert git.git_directory(repository / "src") == repository / ".git"


def test_tracked_files(repository: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    assert not git.tracks(repository / ".venv", environ)
    add(repository, ".venv/bin/pip", environ)
    assert git.tracks(repository / ".venv", environ)
    assert git.tracks(repository / ".VENV", environ)
    assert not git.tracks(repository / ".v*", environ), "a name, not a pattern"
    assert not git.tracks(tmp_path / "outside", environ)


def test_programs_in_the_configuration_are_not_run(repository: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    hostile = tmp_path / "monitor"
    hostile.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hostile.chmod(0o755)
    process.run(["git", "config", "core.fsmonitor", hostile], environ=environ, cwd=repository)
    add(
        repository,
        ".venv",
        {**environ, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": "false"},
    )
    assert git.tracks(repository / ".venv", environ)
    assert not (tmp_path / "ran").exists()


def test_variables_of_git_are_ignored(repository: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    add(repository, ".venv", environ)
    process.run(["git", "init", "-q", tmp_path / "other"], environ=environ)
    elsewhere = {"GIT_DIR": str(tmp_path / "other/.git"), "GIT_INDEX_FILE": str(tmp_path / "none")}
    assert git.tracks(repository / ".venv", environ | elsewhere)


def test_a_bare_repository_in_the_project_does_not_hide_tracked_files(
    repository: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    add(repository, ".venv", environ)
    process.run(["git", "init", "-q", "--bare", tmp_path / "bare"], environ=environ)
    for entry in (tmp_path / "bare").iterdir():
        entry.rename(repository / entry.name)
    (repository / "config").write_text(f"[core]\n\tbare = false\n\tworktree = {repository}\n")
    try:
        tracked = git.tracks(repository / ".venv", environ)
    except UsageError:
        return
    assert tracked


def test_a_failure_of_git_is_an_error(repository: Path, environ: dict[str, str]) -> None:
    (repository / ".git/config").write_text("[core\n")
    with pytest.raises(UsageError, match="git cannot list tracked files"):
        git.tracks(repository / ".venv", environ)


def test_the_common_directory_of_a_repository(repository: Path) -> None:
    assert git.common_directory(repository / ".git") == repository / ".git"
    assert git.common_directory(repository / "src/.git") is None
    (repository / ".git/HEAD").unlink()
    assert git.common_directory(repository / ".git") is None


def commit(repository: Path, environ: dict[str, str]) -> None:
    argv = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x"]
    assert process.run(argv, environ=environ, cwd=repository).code == 0


def test_a_work_tree_and_a_submodule_belong_to_their_repository(
    repository: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    commit(repository, environ)
    process.run(["git", "worktree", "add", "-q", tmp_path / "tree"], environ=environ, cwd=repository)
    assert git.common_directory(tmp_path / "tree/.git") == repository / ".git"
    process.run(["git", "init", "-q", tmp_path / "outer"], environ=environ)
    argv = ["git", "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repository), "inner"]
    assert process.run(argv, environ=environ, cwd=tmp_path / "outer").code == 0
    assert git.common_directory(tmp_path / "outer/inner/.git") == tmp_path / "outer/.git/modules/inner"


def test_an_unpacked_directory_cannot_name_another_repository(repository: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    (unpacked / ".git").write_text(f"gitdir: {repository}/.git\n")
    assert git.common_directory(unpacked / ".git") is None
    (unpacked / ".git").unlink()
    (unpacked / ".git").symlink_to(repository / ".git")
    assert git.common_directory(unpacked / ".git") is None
    (unpacked / ".git").unlink()
    (unpacked / ".git").mkdir()
    (unpacked / ".git/commondir").write_text(f"{repository}/.git\n")
    assert git.common_directory(unpacked / ".git") is None
    (unpacked / ".git/commondir").write_text("a\0b\n")
    assert git.common_directory(unpacked / ".git") is None


@pytest.mark.parametrize(("before", "after"), [("", ".venv\n"), ("a\n", "a\n.venv\n"), ("a", "a\n.venv\n")])
def test_a_line_is_appended(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "info/exclude"
    if before:
        file.parent.mkdir()
        file.write_text(before)
    git.append_line(file, ".venv")
    assert file.read_text() == after


def test_no_file_outside_is_written(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "exclude").write_text("mine")
    info = tmp_path / "info"
    info.symlink_to(elsewhere)
    git.append_line(info / "exclude", ".venv")
    info.unlink()
    info.mkdir()
    (info / "exclude").symlink_to(elsewhere / "exclude")
    git.append_line(info / "exclude", ".venv")
    (info / "exclude").unlink()
    os.link(elsewhere / "exclude", info / "exclude")
    git.append_line(info / "exclude", ".venv")
    (info / "exclude").unlink()
    os.mkfifo(info / "exclude")
    git.append_line(info / "exclude", ".venv")
    (info / "exclude").unlink()
    (info / "exclude").mkdir()
    git.append_line(info / "exclude", ".venv")
    assert (elsewhere / "exclude").read_text() == "mine"
    with pytest.raises(FileNotFoundError):
        git.append_line(tmp_path / "none/info/exclude", ".venv")

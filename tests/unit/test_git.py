from __future__ import annotations

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


def test_where_the_git_directory_is(repository: Path, tmp_path: Path) -> None:
    assert git.git_directory(repository / "src") == repository / ".git"
    assert git.git_directory(tmp_path / "none") is None
    (repository / "src/.git").write_text("gitdir: ../elsewhere/a b\n")
    assert git.git_directory(repository / "src") == repository / "src/../elsewhere/a b"
    (repository / "src/.git").write_text("nothing\n")
    assert git.git_directory(repository / "src") == repository / ".git"


def test_what_is_tracked(repository: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    assert not git.tracks(repository / ".venv", environ)
    add(repository, ".venv/bin/pip", environ)
    assert git.tracks(repository / ".venv", environ)
    assert git.tracks(repository / ".VENV", environ)
    assert not git.tracks(repository / ".v*", environ), "a name, not a pattern"
    assert not git.tracks(tmp_path / "outside", environ)


def test_programs_that_the_repository_names_are_not_run(
    repository: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
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


def test_variables_of_git_do_not_lead_to_another_repository(
    repository: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    add(repository, ".venv", environ)
    process.run(["git", "init", "-q", tmp_path / "other"], environ=environ)
    elsewhere = {"GIT_DIR": str(tmp_path / "other/.git"), "GIT_INDEX_FILE": str(tmp_path / "none")}
    assert git.tracks(repository / ".venv", environ | elsewhere)


def test_a_bare_repository_inside_does_not_hide_what_is_tracked(
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


def test_where_git_does_not_answer_is_an_error(repository: Path, environ: dict[str, str]) -> None:
    (repository / ".git/config").write_text("[core\n")
    with pytest.raises(UsageError, match="git does not say"):
        git.tracks(repository / ".venv", environ)

from __future__ import annotations

from pathlib import Path

import pytest

from envmgr.environments import record
from envmgr.environments.record import Environment
from envmgr.host.paths import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def put(home: Home, project: Path, key: str, words: str) -> Environment:
    """Write an empty environment and its record into the store."""
    environment = Environment(record.environments_folder(home, project) / key, project, key)
    environment.bin.mkdir(parents=True)
    (environment.path / record.METADATA).write_text(record.dump(environment))
    file = record.record_file(home, project, words)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{environment.path.relative_to(home.root)}\n")
    return environment


def test_lookup_finds_a_record(home: Home, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    project.mkdir()
    made = put(home, project, "3.12", "3.12")
    assert record.lookup(home, project, "3.12") == made
    assert record.lookup(home, project, "3.11") is None
    assert (made.name, made.key, made.base) == ("shop", "3.12", "3.12")
    assert list(record.environments(home)) == [made]


def test_a_project_entered_through_a_link_is_the_same_project(home: Home, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    made = put(home, tmp_path / "real", "3.12", "3.12")
    assert record.lookup(home, tmp_path / "link", "3.12") == made


@pytest.mark.parametrize("line", ["/etc", "envs/../../etc", "", "\x00"])
def test_a_damaged_record_is_no_record(home: Home, tmp_path: Path, line: str) -> None:
    file = record.record_file(home, tmp_path, "3.12")
    file.parent.mkdir(parents=True)
    file.write_text(line)
    assert record.lookup(home, tmp_path, "3.12") is None


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("shop", "shop"),
        ("my shop", "my-shop"),
        ("$(touch x)`y`", "touch-x-y"),
        ("%F{red}\\w\x1b]0;x\x07", "F-red-w-0-x"),
        ("..", "project"),
        ("a..b", "a-b"),
        ("-rf", "rf"),
        ("naïve", "na-ve"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names_are_reduced_to_characters_that_no_shell_expands(name: str, safe: str) -> None:
    assert record.sanitize(name) == safe


def test_projects_with_equal_names_have_different_directories(home: Home) -> None:
    assert record.environments_folder(home, Path("/a/shop")) != record.environments_folder(home, Path("/b/shop"))


def test_an_environment_without_its_python_does_not_work(home: Home, tmp_path: Path) -> None:
    made = put(home, tmp_path, "3.12", "3.12")
    assert not made.works
    (made.bin / "python").symlink_to("/nowhere")
    assert not made.works

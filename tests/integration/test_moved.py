"""A project that was moved keeps its environments; a new one in its old place does not get them unnoticed."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from desk import Desk

from envmgr import hook_calls
from envmgr.environments import binding, record
from envmgr.pythons.store import Interpreter

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
EXACT = f"{MINOR}.{sys.version_info[2]}"
PREFIX = "import sys; print(sys.prefix)"


@pytest.fixture
def made(desk: Desk) -> record.Environment:
    """Make the project's environment, and have two pins on record for it; return it."""
    desk.call("use", EXACT)
    desk.call("use", MINOR)
    return desk.made(MINOR)


@pytest.fixture
def moved(desk: Desk, made: record.Environment) -> Path:  # noqa: ARG001 - made before the move
    """Move the project; return where it is."""
    new = desk.project.with_name("store front")
    desk.project.rename(new)
    return new


def test_entering_a_project_that_was_moved_binds_its_environments(
    desk: Desk, made: record.Environment, moved: Path
) -> None:
    old = desk.project
    assert list(hook_calls.enter(desk.home, moved, desk.environ)) == [
        f"the environments of {old}, which was moved here, are those of {moved} now"
    ]
    found = record.lookup(desk.home, moved, MINOR)
    assert found == record.Environment(made.path, moved, made.base)
    assert record.lookup(desk.home, moved, EXACT) == found
    assert list(hook_calls.enter(desk.home, moved, desk.environ)) == []
    assert record.lookup(desk.home, old, MINOR) is None
    assert desk.call("run", "python", "-c", PREFIX, where=moved) == f"{made.path}\n"


@pytest.mark.parametrize("words", [["use"], ["run", "true"], ["sync"]], ids=" ".join)
def test_commands_bind_them_too(desk: Desk, made: record.Environment, moved: Path, words: list[str]) -> None:
    (moved / "requirements.txt").write_text("# nothing\n")
    desk.call(*words, where=moved)
    assert desk.call("env", "path", where=moved) == f"{made.path}\n"
    assert "fresh" in desk.call("status", where=moved)


def test_a_new_project_in_the_old_place_gets_environments_of_its_own(
    desk: Desk, made: record.Environment, moved: Path
) -> None:
    desk.call("use", where=moved)
    desk.project.mkdir()
    desk.call("use", MINOR)
    new = desk.made(MINOR)
    assert new.path.parent != made.path.parent
    assert new.name == made.name == "shop"
    assert desk.call("env", "path") == f"{new.path}\n"
    assert desk.call("env", "path", where=moved) == f"{made.path}\n"
    desk.call("use", where=moved)
    assert desk.call("env", "path", where=moved) == f"{made.path}\n"


def test_a_copy_is_no_move(desk: Desk, made: record.Environment) -> None:
    copy = desk.project.with_name("copy")
    shutil.copytree(desk.project, copy, symlinks=True)
    (note,) = hook_calls.enter(desk.home, copy, desk.environ)
    assert "`envmgr use` makes it" in note or "was moved" not in note
    assert record.lookup(desk.home, desk.project, MINOR) == made
    desk.call("use", where=copy)
    assert desk.call("env", "path", where=copy) != f"{made.path}\n"


def test_links_to_elsewhere_bind_nothing(desk: Desk, made: record.Environment, moved: Path) -> None:
    """Neither a link out of the store, nor one with `..`, nor one into the middle of an environment."""
    link = moved / ".venv"
    for target in (made.path / "bin", made.path / ".." / made.key, made.path.parent, moved):
        link.unlink()
        link.symlink_to(target)
        assert binding.rebind(desk.home, moved) is None


def test_the_doctor_does_not_only_advise_to_delete(desk: Desk, made: record.Environment, moved: Path) -> None:
    assert moved.exists()
    (entry_,) = [
        one for one in json.loads(desk.call("env", "list", "--json", where=moved)) if one["path"] == str(made.path)
    ]
    assert entry_["state"] == "orphaned"
    assert "`envmgr use` there takes it over" in entry_["reason"]


def test_a_run_that_was_killed_half_way_is_completed(
    desk: Desk, made: record.Environment, moved: Path, interpreter: Interpreter
) -> None:
    """A second environment says already that it belongs to the new place; the one that `.venv` leads to, not yet."""
    other = record.Environment(made.path.with_name("test-x"), moved, interpreter.alias)
    other.bin.mkdir(parents=True)
    (other.path / record.METADATA).write_text(record.dump(other))
    assert binding.rebind(desk.home, moved) == desk.project
    assert {one.project for one in record.environments(desk.home) if one.path.parent == made.path.parent} == {moved}


def test_an_environment_of_what_stood_here_before_is_mentioned(desk: Desk, made: record.Environment) -> None:
    """The directory was deleted, and another project is there now."""
    shutil.rmtree(desk.project)
    desk.project.mkdir()
    (desk.project / ".python-version").write_text(f"{MINOR}\n")
    label = f"{made.path.parent.name}/{made.key}"
    said = desk.talk("run", "true")
    assert said == f"note: {made.path} was made before and is used again; `envmgr env remove {label}` removes it\n"
    assert (desk.project / ".venv").samefile(made.path)
    assert desk.talk("run", "true") == ""
    desk.call("env", "remove", label)
    assert not made.path.exists()

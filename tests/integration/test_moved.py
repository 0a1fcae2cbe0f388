"""A moved project keeps its environments; a new project at its old path does not get them without a note."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from sandbox import Sandbox

from envmgr import hook_calls
from envmgr.environments import binding, record
from envmgr.pythons.store import Interpreter

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
EXACT = f"{MINOR}.{sys.version_info[2]}"
PREFIX = "import sys; print(sys.prefix)"


@pytest.fixture
def made(sandbox: Sandbox) -> record.Environment:
    """Return the project's environment, which has records for two pins."""
    sandbox.run("use", EXACT)
    sandbox.run("use", MINOR)
    return sandbox.environment(MINOR)


@pytest.fixture
def moved(sandbox: Sandbox, made: record.Environment) -> Path:  # noqa: ARG001 - made before the move
    """Move the project; return its new path."""
    new = sandbox.project.with_name("store front")
    sandbox.project.rename(new)
    return new


def test_entering_a_project_that_was_moved_binds_its_environments(
    sandbox: Sandbox, made: record.Environment, moved: Path
) -> None:
    old = sandbox.project
    assert list(hook_calls.enter(sandbox.home, moved, sandbox.environ)) == [
        f"{old} was moved to {moved}: its environments belong to the new path now"
    ]
    found = record.lookup(sandbox.home, moved, MINOR)
    assert found == record.Environment(made.path, moved, made.base)
    assert record.lookup(sandbox.home, moved, EXACT) == found
    assert list(hook_calls.enter(sandbox.home, moved, sandbox.environ)) == []
    assert record.lookup(sandbox.home, old, MINOR) is None
    assert sandbox.run("run", "python", "-c", PREFIX, where=moved) == f"{made.path}\n"


@pytest.mark.parametrize("words", [["use"], ["run", "true"], ["sync"]], ids=" ".join)
def test_commands_bind_the_environments_of_a_moved_project(
    sandbox: Sandbox, made: record.Environment, moved: Path, words: list[str]
) -> None:
    (moved / "requirements.txt").write_text("# nothing\n")
    sandbox.run(*words, where=moved)
    assert sandbox.run("env", "path", where=moved) == f"{made.path}\n"
    assert "fresh" in sandbox.run("status", where=moved)


def test_a_new_project_at_the_old_path_gets_its_own_environments(
    sandbox: Sandbox, made: record.Environment, moved: Path
) -> None:
    sandbox.run("use", where=moved)
    sandbox.project.mkdir()
    sandbox.run("use", MINOR)
    new = sandbox.environment(MINOR)
    assert new.path.parent != made.path.parent
    assert new.name == made.name == "shop"
    assert sandbox.run("env", "path") == f"{new.path}\n"
    assert sandbox.run("env", "path", where=moved) == f"{made.path}\n"
    sandbox.run("use", where=moved)
    assert sandbox.run("env", "path", where=moved) == f"{made.path}\n"


def test_a_copied_project_takes_no_environments(sandbox: Sandbox, made: record.Environment) -> None:
    copy = sandbox.project.with_name("copy")
    shutil.copytree(sandbox.project, copy, symlinks=True)
    (note,) = hook_calls.enter(sandbox.home, copy, sandbox.environ)
    assert "`envmgr use` makes it" in note or "was moved" not in note
    assert record.lookup(sandbox.home, sandbox.project, MINOR) == made
    sandbox.run("use", where=copy)
    assert sandbox.run("env", "path", where=copy) != f"{made.path}\n"


def test_other_links_bind_no_environments(sandbox: Sandbox, made: record.Environment, moved: Path) -> None:
    """Links out of the store, links with `..`, and links into an environment are ignored."""
    link = moved / ".venv"
    for target in (made.path / "bin", made.path / ".." / made.key, made.path.parent, moved):
        link.unlink()
        link.symlink_to(target)
        assert binding.rebind(sandbox.home, moved) is None


def test_an_orphaned_environment_names_use_for_a_moved_project(
    sandbox: Sandbox, made: record.Environment, moved: Path
) -> None:
    assert moved.exists()
    (entry_,) = [
        one for one in json.loads(sandbox.run("env", "list", "--json", where=moved)) if one["path"] == str(made.path)
    ]
    assert entry_["state"] == "orphaned"
    assert "if it was moved, run `envmgr use` there" in entry_["reason"]


def test_a_killed_rebind_is_completed(
    sandbox: Sandbox, made: record.Environment, moved: Path, interpreter: Interpreter
) -> None:
    """A second environment has the new path already; the one that `.venv` leads to still has the old one."""
    other = record.Environment(made.path.with_name("test-x"), moved, interpreter.alias)
    other.bin.mkdir(parents=True)
    (other.path / record.METADATA).write_text(record.dump(other))
    assert binding.rebind(sandbox.home, moved) == sandbox.project
    assert {one.project for one in record.environments(sandbox.home) if one.path.parent == made.path.parent} == {moved}


def test_a_reused_environment_of_a_deleted_project_is_noted(sandbox: Sandbox, made: record.Environment) -> None:
    """The project directory was deleted, and another project has its path now."""
    shutil.rmtree(sandbox.project)
    sandbox.project.mkdir()
    (sandbox.project / ".python-version").write_text(f"{MINOR}\n")
    label = f"{made.path.parent.name}/{made.key}"
    messages = sandbox.messages("run", "true")
    assert messages == f"note: {made.path} exists already and is used again; `envmgr env remove {label}` removes it\n"
    assert (sandbox.project / ".venv").samefile(made.path)
    assert sandbox.messages("run", "true") == ""
    sandbox.run("env", "remove", label)
    assert not made.path.exists()

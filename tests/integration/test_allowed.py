"""Grants of `envmgr allow` in real shells: activated on entering, restored on leaving, revoked after a change."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prepared_projects import PreparedProjects, create_projects, make_old
from pty_shell import SHELLS, PtyShell
from rule_table import Case
from shell_sandbox import count_forks, create_shell_sandbox

from envmgr.shell import grant, offer, shells

NOTE = "there is a .venv here that is not envmgr's"
CHANGED = "what was allowed here has changed"
HOSTILE = "two words, 'single' \"double\" $(touch pwned) `touch pwned` \\ ${HOME} * ; ~\n%F{red} \\w é\n"


@dataclass(frozen=True)
class Session:
    """A shell that loads the hook, in a directory without a pin."""

    prepared: PreparedProjects
    shell: PtyShell
    name: str

    def cd(self, place: str) -> dict[str, str]:
        return self.shell.variables_after(f"cd '{self.prepared.root / place}'")

    def allow(self, place: str, dotenv: str | None) -> None:
        """Give a directory a dotenv file, if there is a text for it, and allow what is there."""
        if dotenv is not None:
            (self.prepared.root / place / ".env").write_text(dotenv)
        grant.allow(self.prepared.home, offer.read(self.prepared.home, self.prepared.root / place, os.environ))


@pytest.fixture(params=SHELLS)
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    prepared = create_projects(tmp_path / "prepared")
    environ = prepared.environ(Case("none", "system")) | {"BEFORE": "user's"}
    rc = Path(environ["HOME"]) / SHELLS[request.param].rc
    rc.parent.mkdir(parents=True, exist_ok=True)
    rc.write_text(f"{shells.shell_named(request.param).line(prepared.home)}\n")
    with PtyShell(SHELLS[request.param].argv, cwd=prepared.root / "none", environ=environ) as shell:
        yield Session(prepared, shell, request.param)


def test_an_allowed_environment_is_active_in_its_project_only(session: Session) -> None:
    venv = session.prepared.root / "own" / ".venv"
    inside = session.cd("own/src")
    assert (inside["VIRTUAL_ENV"], inside["VIRTUAL_ENV_PROMPT"]) == (str(venv), "own")
    assert inside["PATH"].split(":")[0] == f"{venv}/bin"
    outside = session.cd("none")
    assert "VIRTUAL_ENV" not in outside
    assert f"{venv}/bin" not in outside["PATH"].split(":")


def test_a_change_revokes_at_the_next_prompt(session: Session) -> None:
    assert "VIRTUAL_ENV" in session.cd("own")
    with (session.prepared.root / "own" / ".venv" / "pyvenv.cfg").open("a") as file:
        file.write("home = /tmp/evil\n")
    assert "VIRTUAL_ENV" not in session.shell.variables_after("")
    session.shell.variables_after("")
    assert session.shell.screen().count(CHANGED) == 1


def test_another_program_in_the_place_of_its_python_revokes(session: Session) -> None:
    python = session.prepared.root / "own" / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(next(session.prepared.home.versions.glob("*/bin/python")))
    session.allow("own", "")
    assert "VIRTUAL_ENV" in session.cd("own")
    python.unlink()
    python.symlink_to("/usr/bin/env")
    assert "VIRTUAL_ENV" not in session.shell.variables_after("")


def test_a_python_that_does_not_match_the_pin_is_reported_once_per_visit(session: Session) -> None:
    """And when it is what the pin asks for, that is on record, so that no visit but the first costs a call."""
    message = "has Python 3.12.7, not 3.11"
    venv = session.prepared.root / "owned" / ".venv"
    assert session.cd("owned")["VIRTUAL_ENV"] == str(venv)
    session.shell.variables_after("")
    assert session.shell.screen().count(message) == 1
    session.cd("none")
    session.cd("owned")
    assert session.shell.screen().count(message) == 2
    session.cd("none")
    (venv.parent / ".python-version").write_text("3.12\n")
    assert session.cd("owned")["VIRTUAL_ENV"] == str(venv)
    session.cd("none")
    launcher = session.prepared.home.shell / "envmgr"
    launcher.write_text("#!/bin/sh\necho asked again >&2\n")
    assert session.cd("owned")["VIRTUAL_ENV"] == str(venv)
    assert session.shell.screen().count(message) == 2
    assert "asked again" not in session.shell.screen()


def test_an_external_environment_is_not_activated_and_reported_once_per_visit(session: Session) -> None:
    venv = session.prepared.root / "none" / "external" / ".venv"
    venv.mkdir(parents=True)
    (venv / "pyvenv.cfg").touch()
    assert "VIRTUAL_ENV" not in session.cd("none/external")
    session.shell.variables_after("")
    assert session.shell.screen().count(NOTE) == 1
    session.cd("none")
    session.cd("none/external")
    assert session.shell.screen().count(NOTE) == 2


def test_our_own_link_is_not_called_another_tools_where_nothing_is_pinned_any_more(session: Session) -> None:
    shop = session.prepared.root / "shop"
    made = session.prepared.environment("shop", "shop")
    (made / "pyvenv.cfg").touch()
    (shop / ".venv").symlink_to(made)
    (shop / ".python-version").unlink()
    assert "VIRTUAL_ENV" not in session.cd("shop")
    assert NOTE not in session.shell.screen()


def test_variables_are_set_inside_and_undone_outside(session: Session) -> None:
    session.allow("own", "FRESH=1\nBEFORE=theirs\nTOUCHED=1\n")
    inside = session.cd("own")
    assert (inside["FRESH"], inside["BEFORE"], inside["TOUCHED"]) == ("1", "theirs", "1")
    session.shell.variables_after("set -gx TOUCHED mine" if session.name == "fish" else "TOUCHED=mine")
    outside = session.cd("none")
    assert "FRESH" not in outside
    assert outside["BEFORE"] == "user's"
    assert outside["TOUCHED"] == "mine", "what the user has changed is the user's"


def test_a_variable_that_was_not_exported_is_not_afterwards(session: Session) -> None:
    session.shell.variables_after("set -g LOCAL here" if session.name == "fish" else "LOCAL=here")
    session.allow("own", "LOCAL=there\n")
    assert session.cd("own")["LOCAL"] == "there"
    assert "LOCAL" not in session.cd("none")
    session.shell.variables_after('echo "is $LOCAL now"')
    assert "is here now" in session.shell.screen()


def test_values_arrive_as_they_are(session: Session) -> None:
    quoted = HOSTILE.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    session.allow("own", f'HOSTILE="{quoted}"\n')
    assert session.cd("own")["HOSTILE"] == HOSTILE
    assert "HOSTILE" not in session.cd("none")
    assert not list(session.prepared.root.parent.rglob("pwned"))


def test_a_changed_file_sets_nothing(session: Session) -> None:
    session.allow("own", "FRESH=1\n")
    (session.prepared.root / "own" / ".env").write_text("FRESH=2\n")
    inside = session.cd("own")
    assert "FRESH" not in inside
    assert "VIRTUAL_ENV" in inside, "the environment is what it was"
    assert CHANGED in session.shell.screen()


def test_allow_and_deny_work_at_the_next_prompt(session: Session) -> None:
    project = session.prepared.root / "none" / "later"
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (project / ".venv" / "bin" / "python").symlink_to("/usr/bin/env")
    (project / ".env").write_text("FRESH=1\n")
    assert "FRESH" not in session.cd("none/later")
    allowed = session.shell.variables_after("envmgr allow")
    assert (allowed.get("FRESH"), allowed.get("VIRTUAL_ENV")) == ("1", f"{project}/.venv")
    denied = session.shell.variables_after("envmgr deny")
    assert not {"FRESH", "VIRTUAL_ENV"} & set(denied)


def add_to_git(project: Path) -> None:
    """Do what a pull does that adds programs of the environment."""
    (project / ".venv/bin/ls").write_text("#!/bin/sh\ntouch pwned\n")
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    subprocess.run(["git", "add", "-f", ".venv"], cwd=project, check=True)


def turn_into_link(project: Path) -> None:
    (project / ".venv").rename(project / "before")
    (project / "evil/bin").mkdir(parents=True)
    for name in ("pyvenv.cfg", "bin/python"):
        (project / "evil" / name).write_bytes((project / "before" / name).read_bytes())
    (project / "evil/bin/python").chmod(0o755)
    (project / ".venv").symlink_to("evil")


def write_as_another_user(project: Path) -> None:
    (project / ".venv/bin").chmod(0o777)
    subprocess.run(["touch", "ls"], cwd=project / ".venv/bin", user=54321, check=True)


def give_away(project: Path) -> None:
    os.chown(project / ".venv/bin", 54321, -1)


REVOKING: dict[str, tuple[Callable[[Path], object], str]] = {
    "tracked": (add_to_git, "tracked by git"),
    "link": (turn_into_link, "is no longer "),
    "writable": (write_as_another_user, "other users can write to it"),
    "owner": (give_away, "belongs to another user"),
    "copy": (lambda project: (project / ".venv/bin/python").write_text("#!/bin/sh\n# evil\n"), "another program"),
    "NUL": (lambda project: (project / ".venv/pyvenv.cfg").write_bytes(b"home = /usr/bin\n\0\nx\n"), "NUL"),
}


@pytest.mark.parametrize("change", REVOKING)
def test_a_refusal_revokes_at_the_next_prompt(session: Session, change: str) -> None:
    make, reason = REVOKING[change]
    assert "VIRTUAL_ENV" in session.cd("own")
    make(session.prepared.root / "own")
    variables = session.shell.variables_after("")
    assert "VIRTUAL_ENV" not in variables
    assert not [entry for entry in variables["PATH"].split(":") if ".venv" in entry]
    session.shell.variables_after("")
    assert re.search(f"{CHANGED}[^\\n]*{reason}", session.shell.screen())
    assert session.shell.screen().count(CHANGED) == 1
    assert not list(session.prepared.root.rglob("pwned"))


def test_an_installed_package_revokes_nothing(session: Session) -> None:
    assert "VIRTUAL_ENV" in session.cd("own")
    before = session.shell.screen()
    program = session.prepared.root / "own/.venv/bin/black"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert "VIRTUAL_ENV" in session.shell.variables_after("")
    assert CHANGED not in session.shell.screen()[len(before) :]


def test_a_reverted_change_is_active_again(session: Session) -> None:
    file = session.prepared.root / "own/.venv/pyvenv.cfg"
    before = file.read_bytes()
    file.write_bytes(b"home = /tmp/evil\n")
    assert "VIRTUAL_ENV" not in session.cd("own")
    file.write_bytes(before)
    session.cd("none")
    assert "VIRTUAL_ENV" in session.cd("own")


@pytest.mark.parametrize("shell", SHELLS)
def test_an_allowed_project_starts_no_process_until_something_changes(shell: str, tmp_path: Path) -> None:
    sandbox = create_shell_sandbox(shell, tmp_path)
    project = sandbox.path("own")
    (project / ".env").write_text("FRESH=1\n")
    make_old(project)
    grant.allow(sandbox.prepared.home, offer.read(sandbox.prepared.home, project, os.environ))
    tour = [
        f"cd {project}",
        "",
        "true",
        f"cd {sandbox.path('none')}",
        f"cd {project}/src",
        "",
        f"cd {sandbox.path('none')}",
    ]
    assert count_forks(sandbox, tour) == 0
    (project / ".venv/bin/new").touch()
    make_old(project, 60)
    assert count_forks(sandbox, tour) == 1
    assert count_forks(sandbox, tour) == 0


def test_an_idle_prompt_in_an_allowed_project_takes_the_short_way(session: Session) -> None:
    """It compares times, and reads none of the variables; fish has no such way."""
    if session.name == "fish":
        return
    (session.prepared.root / "own" / ".env").write_text("FRESH=1\n")
    make_old(session.prepared.root / "own" / ".env")
    session.allow("own", None)
    assert session.cd("own")["FRESH"] == "1"
    session.shell.variables_after("")
    session.shell.variables_after("_envmgr_update() { export UPDATED=1; }")
    assert "UPDATED" not in session.shell.variables_after("")
    (session.prepared.root / "own" / ".venv" / "bin").touch()
    assert "UPDATED" in session.shell.variables_after("")


def test_new_values_that_another_terminal_allows_are_set_at_the_next_prompt(session: Session) -> None:
    for value in ("1", "2", "3"):
        (session.prepared.root / "own" / ".env").write_text(f"FRESH={value}\n")
        make_old(session.prepared.root / "own" / ".env")
        session.allow("own", None)
        seen = session.cd("own") if value == "1" else session.shell.variables_after("")
        assert seen["FRESH"] == value


def test_a_change_that_another_terminal_has_seen_first_revokes_here_too(session: Session) -> None:
    """Then the times are those on record again, but the result is another one."""
    project = session.prepared.root / "own"
    assert "VIRTUAL_ENV" in session.cd("own")
    session.shell.variables_after("")
    config = project / ".venv" / "pyvenv.cfg"
    granted = config.read_text()
    for text, active in ((f"{granted}home = /tmp/evil\n", False), (granted, True)):
        config.write_text(text)
        make_old(config)
        grant.recheck(session.prepared.home, project, os.environ)
        assert ("VIRTUAL_ENV" in session.shell.variables_after("")) == active

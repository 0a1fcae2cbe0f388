"""What `envmgr allow` granted, in real shells: used on entering, undone on leaving, gone when it has changed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rule_stage import Scene, age, built
from rule_table import Case
from shell_desk import forks, furnished
from typist import Typist

from envmgr.shell import grant, offer, shells

ARGV = {
    "bash": ["bash", "--noprofile", "-i"],
    "zsh": ["zsh", "-d", "-i"],
    "fish": ["fish", "-i"],
}
RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
FOREIGN = "there is a .venv here that is not envmgr's"
CHANGED = "what was allowed here has changed"
HOSTILE = "two words, 'single' \"double\" $(touch pwned) `touch pwned` \\ ${HOME} * ; ~\n%F{red} \\w é\n"


@dataclass(frozen=True)
class Seat:
    """A shell with the hook, in a directory of the rule's stage where nothing rules."""

    scene: Scene
    typist: Typist
    name: str

    def cd(self, place: str) -> dict[str, str]:
        return self.typist.type(f"cd '{self.scene.root / place}'")

    def allow(self, place: str, dotenv: str) -> None:
        """Give a directory a dotenv file, and allow what is there."""
        (self.scene.root / place / ".env").write_text(dotenv)
        grant.allow(self.scene.home, offer.read(self.scene.home, self.scene.root / place, os.environ))


@pytest.fixture(params=ARGV)
def seat(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Seat]:
    scene = built(tmp_path / "world")
    environ = scene.environ(Case("none", "system")) | {"BEFORE": "user's"}
    rc = Path(environ["HOME"]) / RC[request.param]
    rc.parent.mkdir(parents=True, exist_ok=True)
    rc.write_text(f"{shells.shell_named(request.param).line(scene.home)}\n")
    with Typist(ARGV[request.param], cwd=scene.root / "none", environ=environ, folder=tmp_path / "tell") as typist:
        yield Seat(scene, typist, request.param)


def test_an_allowed_venv_is_active_inside_and_gone_outside(seat: Seat) -> None:
    venv = seat.scene.root / "own" / ".venv"
    inside = seat.cd("own/src")
    assert (inside["VIRTUAL_ENV"], inside["VIRTUAL_ENV_PROMPT"]) == (str(venv), "own")
    assert inside["PATH"].split(":")[0] == f"{venv}/bin"
    outside = seat.cd("none")
    assert "VIRTUAL_ENV" not in outside
    assert f"{venv}/bin" not in outside["PATH"].split(":")


def test_a_change_revokes_at_the_next_prompt(seat: Seat) -> None:
    assert "VIRTUAL_ENV" in seat.cd("own")
    with (seat.scene.root / "own" / ".venv" / "pyvenv.cfg").open("a") as file:
        file.write("home = /tmp/evil\n")
    assert "VIRTUAL_ENV" not in seat.typist.type("")
    seat.typist.type("")
    assert seat.typist.screen().count(CHANGED) == 1


def test_another_program_in_the_place_of_its_python_revokes(seat: Seat) -> None:
    python = seat.scene.root / "own" / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(next(seat.scene.home.versions.glob("*/bin/python")))
    seat.allow("own", "")
    assert "VIRTUAL_ENV" in seat.cd("own")
    python.unlink()
    python.symlink_to("/usr/bin/env")
    assert "VIRTUAL_ENV" not in seat.typist.type("")


def test_another_python_than_the_pin_asks_for_is_told_once_per_visit(seat: Seat) -> None:
    """And when it is what the pin asks for, that is on record, so that no visit but the first costs a call."""
    told = "has Python 3.12.7, not 3.11"
    venv = seat.scene.root / "owned" / ".venv"
    assert seat.cd("owned")["VIRTUAL_ENV"] == str(venv)
    seat.typist.type("")
    assert seat.typist.screen().count(told) == 1
    seat.cd("none")
    seat.cd("owned")
    assert seat.typist.screen().count(told) == 2
    seat.cd("none")
    (venv.parent / ".python-version").write_text("3.12\n")
    assert seat.cd("owned")["VIRTUAL_ENV"] == str(venv)
    seat.cd("none")
    launcher = seat.scene.home.shell / "envmgr"
    launcher.write_text("#!/bin/sh\necho asked again >&2\n")
    assert seat.cd("owned")["VIRTUAL_ENV"] == str(venv)
    assert seat.typist.screen().count(told) == 2
    assert "asked again" not in seat.typist.screen()


def test_a_foreign_venv_is_left_alone_and_mentioned_once_per_visit(seat: Seat) -> None:
    venv = seat.scene.root / "none" / "foreign" / ".venv"
    venv.mkdir(parents=True)
    (venv / "pyvenv.cfg").touch()
    assert "VIRTUAL_ENV" not in seat.cd("none/foreign")
    seat.typist.type("")
    assert seat.typist.screen().count(FOREIGN) == 1
    seat.cd("none")
    seat.cd("none/foreign")
    assert seat.typist.screen().count(FOREIGN) == 2


def test_our_own_link_is_not_called_another_tools_where_nothing_is_pinned_any_more(seat: Seat) -> None:
    shop = seat.scene.root / "shop"
    made = seat.scene.environment("shop", "shop")
    (made / "pyvenv.cfg").touch()
    (shop / ".venv").symlink_to(made)
    (shop / ".python-version").unlink()
    assert "VIRTUAL_ENV" not in seat.cd("shop")
    assert FOREIGN not in seat.typist.screen()


def test_variables_are_set_inside_and_undone_outside(seat: Seat) -> None:
    seat.allow("own", "FRESH=1\nBEFORE=theirs\nTOUCHED=1\n")
    inside = seat.cd("own")
    assert (inside["FRESH"], inside["BEFORE"], inside["TOUCHED"]) == ("1", "theirs", "1")
    seat.typist.type("set -gx TOUCHED mine" if seat.name == "fish" else "TOUCHED=mine")
    outside = seat.cd("none")
    assert "FRESH" not in outside
    assert outside["BEFORE"] == "user's"
    assert outside["TOUCHED"] == "mine", "what the user has changed is the user's"


def test_a_variable_that_was_not_exported_is_not_afterwards(seat: Seat) -> None:
    seat.typist.type("set -g LOCAL here" if seat.name == "fish" else "LOCAL=here")
    seat.allow("own", "LOCAL=there\n")
    assert seat.cd("own")["LOCAL"] == "there"
    assert "LOCAL" not in seat.cd("none")
    seat.typist.type('echo "is $LOCAL now"')
    assert "is here now" in seat.typist.screen()


def test_values_arrive_as_they_are(seat: Seat) -> None:
    quoted = HOSTILE.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    seat.allow("own", f'HOSTILE="{quoted}"\n')
    assert seat.cd("own")["HOSTILE"] == HOSTILE
    assert "HOSTILE" not in seat.cd("none")
    assert not list(seat.scene.root.parent.rglob("pwned"))


def test_a_changed_file_sets_nothing(seat: Seat) -> None:
    seat.allow("own", "FRESH=1\n")
    (seat.scene.root / "own" / ".env").write_text("FRESH=2\n")
    inside = seat.cd("own")
    assert "FRESH" not in inside
    assert "VIRTUAL_ENV" in inside, "the environment is what it was"
    assert CHANGED in seat.typist.screen()


def test_allow_and_deny_work_at_the_next_prompt(seat: Seat) -> None:
    project = seat.scene.root / "none" / "later"
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (project / ".venv" / "bin" / "python").symlink_to("/usr/bin/env")
    (project / ".env").write_text("FRESH=1\n")
    assert "FRESH" not in seat.cd("none/later")
    allowed = seat.typist.type("envmgr allow")
    assert (allowed.get("FRESH"), allowed.get("VIRTUAL_ENV")) == ("1", f"{project}/.venv")
    denied = seat.typist.type("envmgr deny")
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
    "link": (turn_into_link, "is not .* any more"),
    "writable": (write_as_another_user, "other users can write to it"),
    "owner": (give_away, "belongs to another user"),
    "copy": (lambda project: (project / ".venv/bin/python").write_text("#!/bin/sh\n# evil\n"), "another program"),
    "NUL": (lambda project: (project / ".venv/pyvenv.cfg").write_bytes(b"home = /usr/bin\n\0\nx\n"), "NUL"),
}


@pytest.mark.parametrize("change", REVOKING)
def test_what_allow_refuses_revokes_at_the_next_prompt(seat: Seat, change: str) -> None:
    make, reason = REVOKING[change]
    assert "VIRTUAL_ENV" in seat.cd("own")
    make(seat.scene.root / "own")
    told = seat.typist.type("")
    assert "VIRTUAL_ENV" not in told
    assert not [entry for entry in told["PATH"].split(":") if ".venv" in entry]
    seat.typist.type("")
    assert re.search(f"{CHANGED}[^\\n]*{reason}", seat.typist.screen())
    assert seat.typist.screen().count(CHANGED) == 1
    assert not list(seat.scene.root.rglob("pwned"))


def test_an_installed_package_revokes_nothing(seat: Seat) -> None:
    assert "VIRTUAL_ENV" in seat.cd("own")
    before = seat.typist.screen()
    program = seat.scene.root / "own/.venv/bin/black"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert "VIRTUAL_ENV" in seat.typist.type("")
    assert CHANGED not in seat.typist.screen()[len(before) :]


def test_what_is_put_back_is_active_again(seat: Seat) -> None:
    file = seat.scene.root / "own/.venv/pyvenv.cfg"
    before = file.read_bytes()
    file.write_bytes(b"home = /tmp/evil\n")
    assert "VIRTUAL_ENV" not in seat.cd("own")
    file.write_bytes(before)
    seat.cd("none")
    assert "VIRTUAL_ENV" in seat.cd("own")


@pytest.mark.parametrize("shell", ARGV)
def test_an_allowed_project_starts_no_process_until_something_changes(shell: str, tmp_path: Path) -> None:
    desk = furnished(shell, tmp_path)
    project = desk.path("own")
    (project / ".env").write_text("FRESH=1\n")
    age(project)
    grant.allow(desk.scene.home, offer.read(desk.scene.home, project, os.environ))
    tour = [f"cd {project}", "", "true", f"cd {desk.path('none')}", f"cd {project}/src", "", f"cd {desk.path('none')}"]
    assert forks(desk, tour) == 0
    (project / ".venv/bin/new").touch()
    age(project, 60)
    assert forks(desk, tour) == 1
    assert forks(desk, tour) == 0

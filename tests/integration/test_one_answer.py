"""After `envmgr allow` of another tool's `.venv`, every command acts on that, and says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from desk import Desk
from packed import pythons
from wheels import wheel

from envmgr import hook_calls
from envmgr.errors import UsageError

OTHER = "3.11.7"
MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def venv(desk: Desk) -> Path:
    """Make a `.venv` with another Python than the pin asks for, and allow it; return it."""
    (desk.project / ".python-version").write_text(f"{MINOR}\n")
    venv = desk.project / ".venv"
    subprocess.run([pythons() / OTHER / "bin" / "python3", "-m", "venv", venv], check=True)
    desk.call("allow")
    return venv


def test_every_command_acts_on_the_allowed_environment(desk: Desk, venv: Path) -> None:
    facts = json.loads(desk.call("status", "--json"))
    assert (facts["reason"], facts["version"], facts["python"]) == ("allowed", OTHER, f"{venv}/bin/python")
    assert (facts["environment"]["path"], facts["environment"]["external"]) == (str(venv), True)
    assert facts["environment"]["state"] == "stale"
    assert f"{venv} (allowed)" in desk.call("status")
    assert desk.call("env", "path") == f"{venv}\n"
    assert desk.call("which", "python") == f"{venv}/bin/python\n"
    assert f"{desk.project} (.venv)" in desk.call("whence", "python")
    prefix = "import sys; print(sys.prefix)"
    assert desk.call("run", "python", "-c", prefix) == f"{venv}\n"

    wheel(desk.project / "wheels", "tomato", "1.0")
    (desk.project / "requirements.txt").write_text("--no-index\n--find-links wheels\ntomato\n")
    plan = desk.call("sync", "--dry-run", "--engine", "pip")
    assert f"{venv}/bin/python" in plan
    assert "to be installed" in plan
    assert f"note: {venv} has Python {OTHER}, not {MINOR}" in desk.talk("sync", "--engine", "pip")
    assert desk.call("run", "python", "-c", "import tomato; print(tomato.VERSION)") == "1.0\n"
    assert "up to date" in desk.call("sync", "--dry-run")
    assert not list(desk.home.envs.glob("shop-*/*/lib/*/site-packages/tomato*"))

    desk.call("deny")
    assert desk.call("sync", "--dry-run").count("(is made)") == 1


def test_another_python_than_the_pin_asks_for_is_told_at_entry_and_by_the_doctor(desk: Desk, venv: Path) -> None:
    (note,) = hook_calls.enter(desk.home, desk.project, desk.environ)
    expected = f"{venv} has Python {OTHER}, not {MINOR} ({desk.project}/.python-version:1)"
    assert note.startswith(expected)
    desk.environ |= {"VIRTUAL_ENV": str(venv), "PATH": f"{venv}/bin:{desk.home.shims}:{desk.environ['PATH']}"}
    found = json.loads(desk.call("doctor", "--json", code=_doctor_code(desk)))
    assert [one["state"] for one in found if expected in one["message"]] == ["warn"]
    assert not [one for one in found if one["message"].startswith("before the shims")]
    (desk.project / ".python-version").write_text(f"{OTHER}\n")
    assert list(hook_calls.enter(desk.home, desk.project, desk.environ)) == []


def _doctor_code(desk: Desk) -> int:
    """Return how the doctor ends where shims are fine, which is not asked here."""
    done = subprocess.run(
        [sys.executable, "-m", "envmgr", "doctor"], cwd=desk.project, env=desk.environ, capture_output=True, check=False
    )
    return done.returncode


def test_an_option_comes_before_what_is_allowed(desk: Desk, venv: Path) -> None:
    tell = "import sys; print(sys.version_info[:2])"
    assert desk.call("run", "-p", MINOR, "python", "-c", tell) == f"{sys.version_info[:2]}\n"
    assert desk.call("run", "-p", "3.11", "python", "-c", "import sys; print(sys.prefix)") == f"{venv}\n"


def test_a_pin_that_is_not_understood_is_told_where_an_allowed_environment_is_active(desk: Desk, venv: Path) -> None:
    (desk.project / ".python-version").write_text("../../bin\n")
    done = subprocess.run(
        [sys.executable, "-m", "envmgr", "status", "--json"],
        cwd=desk.project,
        env={**desk.environ, "PWD": str(desk.project)},
        capture_output=True,
        check=False,
    )
    facts = json.loads(done.stdout)
    assert (done.returncode, facts["error"]["exit_code"], facts["python"]) == (2, 2, f"{venv}/bin/python")
    assert ".python-version:1" in facts["error"]["message"]
    assert desk.call("env", "path") == f"{venv}\n"
    desk.call("deny")
    with pytest.raises(UsageError):
        list(hook_calls.enter(desk.home, desk.project, desk.environ))


def test_our_own_link_is_never_called_another_tools(desk: Desk) -> None:
    """As after `git checkout` of a branch with another pin, which has no environment yet."""
    other = desk.home.envs / "shop-00000000" / "3.1"
    other.mkdir(parents=True, exist_ok=True)
    (other / "pyvenv.cfg").touch()
    (desk.project / ".venv").symlink_to(other)
    (desk.project / ".python-version").write_text(f"{MINOR}\n")
    (note,) = hook_calls.enter(desk.home, desk.project, desk.environ)
    assert note == f"no environment for Python {MINOR} ({desk.project}/.python-version:1); `envmgr use` makes it"


def test_run_makes_the_environment_of_a_pinned_project(desk: Desk) -> None:
    (desk.project / ".python-version").write_text(f"{MINOR}\n")
    prefix = desk.call("run", "python", "-c", "import sys; print(sys.prefix)")
    made = desk.made(MINOR)
    assert prefix == f"{made.path}\n"
    assert (desk.project / ".venv").samefile(made.path)
    assert desk.talk("run", "true") == ""


def test_run_says_what_is_missing(desk: Desk) -> None:
    (desk.project / ".python-version").write_text("3.99\n")
    assert "Python 3.99 is not installed" in desk.call("run", "--no-install", "python", code=4)

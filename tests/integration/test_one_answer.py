"""After `envmgr allow` of another tool's `.venv`, every command acts on that, and says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from python_archives import pythons
from sandbox import Sandbox
from wheels import wheel

from envmgr import hook_calls
from envmgr.environments import record
from envmgr.errors import UsageError

OTHER = "3.11.7"
MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def venv(sandbox: Sandbox) -> Path:
    """Make a `.venv` with another Python than the pin asks for, and allow it; return it."""
    (sandbox.project / ".python-version").write_text(f"{MINOR}\n")
    venv = sandbox.project / ".venv"
    subprocess.run([pythons() / OTHER / "bin" / "python3", "-m", "venv", venv], check=True)
    sandbox.run("allow")
    return venv


def test_every_command_acts_on_the_allowed_environment(sandbox: Sandbox, venv: Path) -> None:
    facts = json.loads(sandbox.run("status", "--json"))
    assert (facts["reason"], facts["version"], facts["python"]) == ("allowed", OTHER, f"{venv}/bin/python")
    assert (facts["environment"]["path"], facts["environment"]["external"]) == (str(venv), True)
    assert facts["environment"]["state"] == "stale"
    assert f"{venv} (allowed)" in sandbox.run("status")
    assert sandbox.run("env", "path") == f"{venv}\n"
    assert sandbox.run("which", "python") == f"{venv}/bin/python\n"
    assert f"{sandbox.project} (.venv)" in sandbox.run("whence", "python")
    prefix = "import sys; print(sys.prefix)"
    assert sandbox.run("run", "python", "-c", prefix) == f"{venv}\n"

    wheel(sandbox.project / "wheels", "tomato", "1.0")
    (sandbox.project / "requirements.txt").write_text("--no-index\n--find-links wheels\ntomato\n")
    plan = sandbox.run("sync", "--dry-run", "--engine", "pip")
    assert f"{venv}/bin/python" in plan
    assert "to be installed" in plan
    assert f"note: {venv} has Python {OTHER}, not {MINOR}" in sandbox.messages("sync", "--engine", "pip")
    assert sandbox.run("run", "python", "-c", "import tomato; print(tomato.VERSION)") == "1.0\n"
    assert "up to date" in sandbox.run("sync", "--dry-run")
    own = record.environments_folder(sandbox.home, sandbox.project)
    assert not list(own.glob("*/lib/*/site-packages/tomato*"))

    sandbox.run("deny")
    assert sandbox.run("sync", "--dry-run").count("(to be made)") == 1


def test_a_python_that_does_not_match_the_pin_is_reported_at_entry_and_by_doctor(sandbox: Sandbox, venv: Path) -> None:
    (note,) = hook_calls.enter(sandbox.home, sandbox.project, sandbox.environ)
    expected = f"{venv} has Python {OTHER}, not {MINOR} ({sandbox.project}/.python-version:1)"
    assert note.startswith(expected)
    sandbox.environ |= {"VIRTUAL_ENV": str(venv), "PATH": f"{venv}/bin:{sandbox.home.shims}:{sandbox.environ['PATH']}"}
    found = json.loads(sandbox.run("doctor", "--json", code=_doctor_code(sandbox)))
    assert [one["state"] for one in found if expected in one["message"]] == ["warn"]
    assert not [one for one in found if one["message"].startswith("before the shims")]
    (sandbox.project / ".python-version").write_text(f"{OTHER}\n")
    assert list(hook_calls.enter(sandbox.home, sandbox.project, sandbox.environ)) == []


def _doctor_code(sandbox: Sandbox) -> int:
    """Return how the doctor ends where shims are fine, which is not asked here."""
    done = subprocess.run(
        [sys.executable, "-m", "envmgr", "doctor"],
        cwd=sandbox.project,
        env=sandbox.environ,
        capture_output=True,
        check=False,
    )
    return done.returncode


def test_an_option_has_priority_over_an_allowed_environment(sandbox: Sandbox, venv: Path) -> None:
    program = "import sys; print(sys.version_info[:2])"
    assert sandbox.run("run", "-p", MINOR, "python", "-c", program) == f"{sys.version_info[:2]}\n"
    assert sandbox.run("run", "-p", "3.11", "python", "-c", "import sys; print(sys.prefix)") == f"{venv}\n"


def test_an_invalid_pin_is_reported_where_an_allowed_environment_is_active(sandbox: Sandbox, venv: Path) -> None:
    (sandbox.project / ".python-version").write_text("../../bin\n")
    done = subprocess.run(
        [sys.executable, "-m", "envmgr", "status", "--json"],
        cwd=sandbox.project,
        env={**sandbox.environ, "PWD": str(sandbox.project)},
        capture_output=True,
        check=False,
    )
    facts = json.loads(done.stdout)
    assert (done.returncode, facts["error"]["exit_code"], facts["python"]) == (2, 2, f"{venv}/bin/python")
    assert ".python-version:1" in facts["error"]["message"]
    assert sandbox.run("env", "path") == f"{venv}\n"
    sandbox.run("deny")
    with pytest.raises(UsageError):
        list(hook_calls.enter(sandbox.home, sandbox.project, sandbox.environ))


def test_our_own_link_is_never_called_another_tools(sandbox: Sandbox) -> None:
    """As after `git checkout` of a branch with another pin, which has no environment yet."""
    other = sandbox.home.envs / "shop-00000000" / "3.1"
    other.mkdir(parents=True, exist_ok=True)
    (other / "pyvenv.cfg").touch()
    (sandbox.project / ".venv").symlink_to(other)
    (sandbox.project / ".python-version").write_text(f"{MINOR}\n")
    (note,) = hook_calls.enter(sandbox.home, sandbox.project, sandbox.environ)
    assert note == f"no environment for Python {MINOR} ({sandbox.project}/.python-version:1); `envmgr use` makes it"


def test_run_makes_the_environment_of_a_pinned_project(sandbox: Sandbox) -> None:
    (sandbox.project / ".python-version").write_text(f"{MINOR}\n")
    prefix = sandbox.run("run", "python", "-c", "import sys; print(sys.prefix)")
    made = sandbox.environment(MINOR)
    assert prefix == f"{made.path}\n"
    assert (sandbox.project / ".venv").samefile(made.path)
    assert sandbox.messages("run", "true") == ""


def test_run_names_the_missing_program(sandbox: Sandbox) -> None:
    (sandbox.project / ".python-version").write_text("3.99\n")
    assert "Python 3.99 is not installed" in sandbox.run("run", "--no-install", "python", code=4)

"""The verbs around environments, as a user calls them."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from desk import Desk

from envmgr.environments import record
from envmgr.host.paths import Home
from envmgr.pythons.store import Interpreter

VERSION = platform.python_version()
MINOR = VERSION.rpartition(".")[0]


def test_use_pins_and_makes_what_status_run_and_env_tell(desk: Desk) -> None:
    desk.call("use", MINOR)
    assert (desk.project / ".python-version").read_text() == f"{MINOR}\n"
    made = desk.made(MINOR)
    assert made.works
    assert (desk.project / ".venv").samefile(made.path)
    assert desk.call("env", "path") == f"{made.path}\n"
    assert desk.call("run", "python", "-c", "import sys; print(sys.prefix)") == f"{made.path}\n"

    facts = json.loads(desk.call("status", "--json"))
    assert (facts["version"], facts["python"], facts["reason"]) == (VERSION, f"{made.path}/bin/python", "pin")
    assert facts["origin"] == {"variable": None, "file": f"{desk.project}/.python-version", "line": 1}
    assert facts["environment"] == {"path": str(made.path), "external": False, "state": "fresh", "detail": None}
    assert facts["engine"] in ("uv", "pip")
    assert f"{desk.project}/.python-version:1\n" in desk.call("status")

    assert ["fresh", str(desk.project)] in [line.split()[1:] for line in desk.call("env", "list").splitlines()]
    entries = json.loads(desk.call("env", "list", "--json"))
    assert [entry["state"] for entry in entries if entry["path"] == str(made.path)] == ["fresh"]
    desk.call("env", "remove", str(desk.project))
    assert not made.path.exists()
    assert not os.path.lexists(desk.project / ".venv")
    assert json.loads(desk.call("status", "--json"))["environment"] is None


def test_use_without_a_request_takes_the_pin_that_is_there(desk: Desk) -> None:
    (desk.project / ".python-version").write_text(f"# ours\n{VERSION}\n")
    below = desk.project / "src"
    below.mkdir()
    desk.call("use", where=below)
    assert desk.made(VERSION).works
    assert (desk.project / ".python-version").read_text() == f"# ours\n{VERSION}\n"
    assert not (below / ".python-version").exists()


def test_use_names_what_is_missing_and_changes_nothing(desk: Desk) -> None:
    (desk.project / ".python-version").write_text("3.99\n")
    assert "no version file" in desk.call("use", where=desk.project.parent, code=2)
    assert "not a version request" in desk.call("use", "../x", code=2)
    assert "called nobody (envmgr use)" in desk.call("use", "nobody", code=3)
    assert (desk.project / ".python-version").read_text() == "3.99\n"


def test_use_removes_what_a_killed_one_left(desk: Desk) -> None:
    with subprocess.Popen(["/bin/true"]) as gone:
        pass
    left = desk.project / f".python-version.envmgr-{gone.pid}"
    for words in ([MINOR], []):
        left.touch()
        desk.call("use", *words)
        assert not left.exists()


def test_use_refuses_what_can_carry_no_environment_before_it_changes_anything(desk: Desk) -> None:
    for word in ("2.7", "2", "pypy2.7"):
        assert f"cannot be made for Python {word}" in desk.call("use", word, code=8)
        assert not list(desk.project.iterdir())


def test_use_global_writes_the_default(desk: Desk) -> None:
    desk.call("use", "--global", MINOR)
    try:
        facts = json.loads(desk.call("status", "--json"))
        assert (facts["reason"], facts["origin"]["file"]) == ("default", str(desk.home.default))
    finally:
        desk.home.default.unlink()
    assert "which Python" in desk.call("use", "--global", code=2)


def test_use_system_makes_no_environment(desk: Desk) -> None:
    desk.call("use", "system")
    assert not os.path.lexists(desk.project / ".venv")
    assert json.loads(desk.call("status", "--json"))["reason"] == "pin"


def test_a_broken_environment_is_told_and_made_anew(desk: Desk) -> None:
    desk.call("use", MINOR)
    (desk.made(MINOR).bin / "python").unlink()
    assert json.loads(desk.call("status", "--json"))["environment"]["state"] == "broken"
    assert "envmgr use" in desk.call("env", "path", code=8)
    desk.call("use")
    assert desk.made(MINOR).works


def test_a_project_that_is_gone_can_be_cleaned_up(desk: Desk) -> None:
    desk.call("use", MINOR)
    made = desk.made(MINOR)
    shutil.rmtree(desk.project)
    where = desk.project.parent
    (entry,) = [
        one for one in json.loads(desk.call("env", "list", "--json", where=where)) if one["path"] == str(made.path)
    ]
    assert entry["state"] == "orphaned"
    desk.call("env", "remove", "--all-missing", where=where)
    assert not made.path.exists()


def test_names_of_two_projects_are_not_guessed(desk: Desk) -> None:
    twin = desk.project.parent / "other" / "shop"
    twin.mkdir(parents=True)
    desk.call("use", MINOR)
    desk.call("use", MINOR, where=twin)
    assert str(twin) in desk.call("env", "remove", "shop", code=2)
    desk.call("env", "remove", str(twin), str(desk.project))
    assert "no environment" in desk.call("env", "remove", str(twin), code=2)


def test_run_with_a_request_leaves_an_active_environment(desk: Desk) -> None:
    desk.call("use", MINOR)
    desk.environ |= {"VIRTUAL_ENV": "/somewhere", "PATH": f"/somewhere/bin:{desk.environ['PATH']}"}
    assert "Python 3.99 is not installed (--python)" in desk.call("run", "--no-install", "-p", "3.99", "true", code=4)
    assert "--python: " in desk.call("run", "-p", "../x", "true", code=2)
    code = "import os, sys; print(sys.prefix == sys.base_prefix, os.environ.get('VIRTUAL_ENV'), os.environ['PATH'])"
    prefix, environment, path = desk.call("run", "-p", VERSION, "--", "python", "-c", code).split(maxsplit=2)
    assert (prefix, environment) == ("True", "None")
    assert "/somewhere/bin" not in path
    assert str(desk.home.shims) in path.split(os.pathsep)


def test_run_passes_options_and_exit_codes_on(desk: Desk) -> None:
    desk.call("use", MINOR)
    desk.call("run", "python", "-c", "import sys; sys.exit(len(sys.argv))", "-p", "--json", code=3)
    assert f"no such command under {MINOR}" in desk.call("run", "no-such-program", code=127)
    desk.call("env", "remove", str(desk.project))
    assert "`envmgr use` makes it" in desk.call("run", "no-such-program", code=127)


def test_entered_through_a_link_it_is_the_same_project(desk: Desk) -> None:
    entered = desk.project.parent / "entered"
    entered.symlink_to(desk.project)
    desk.call("use", MINOR, where=entered)
    assert desk.call("env", "path", where=entered) == desk.call("env", "path")
    assert (desk.home.projects / str(entered).lstrip("/") / ".envmgr" / MINOR).is_file()


def test_a_stale_environment_is_told(
    desk: Desk, link: Callable[[Home, Path, str], Interpreter], tmp_path: Path
) -> None:
    home = Home(tmp_path / "two")
    desk.home, desk.environ["ENVMGR_HOME"] = home, str(home.root)
    link(home, Path(sys.base_prefix), f"{MINOR}.0")
    desk.call("use", MINOR)
    link(home, Path(sys.base_prefix), f"{MINOR}.99")
    assert json.loads(desk.call("status", "--json"))["environment"]["state"] == "stale"


def test_without_a_pin_requires_python_is_pinned(desk: Desk) -> None:
    (desk.project / "pyproject.toml").write_text(f'[project]\nname = "shop"\nrequires-python = ">=3.8, =={MINOR}.*"\n')
    desk.call("use")
    assert (desk.project / ".python-version").read_text() == f"{MINOR}\n"
    assert desk.made(MINOR).works


def test_install_needs_somebody_to_say_what(desk: Desk) -> None:
    assert "which Python?" in desk.call("install", code=2)
    (desk.project / "pyproject.toml").write_text('[project]\nrequires-python = "^3.8"\n')
    assert "requires-python" in desk.call("install", code=2)
    (desk.project / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.98"\n')
    assert "no Python answers >=3.98" in desk.call("install", "--offline", code=3)


def test_killed_at_any_moment_the_old_state_or_the_new_one_holds(
    desk: Desk, link: Callable[[Home, Path, str], Interpreter], tmp_path: Path
) -> None:
    """From an empty store on: while the template is made, the clone, the record, the links."""
    home = Home(tmp_path / "fresh")
    desk.home, desk.environ["ENVMGR_HOME"] = home, str(home.root)
    link(home, Path(sys.base_prefix), VERSION)
    pin, venv = desk.project / ".python-version", desk.project / ".venv"
    for moment in (0.15, 0.3, 0.5, 0.8, 1.2, 0.1, 0.14, 0.18, 0.22):
        victim = subprocess.Popen(
            [sys.executable, "-m", "envmgr", "use", MINOR],
            cwd=desk.project,
            env=desk.environ,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(moment)
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
        assert not pin.exists() or pin.read_text() == f"{MINOR}\n"
        found = record.lookup(home, desk.project, MINOR)
        assert found is None or found.works
        assert not os.path.lexists(venv) or (venv / "bin" / "pip").exists()
    desk.call("use", MINOR)
    assert "pip" in desk.call("run", "pip", "--version")
    assert not [left for left in home.tmp.iterdir() if not left.name.startswith(".")]
    assert {entry.name for entry in desk.project.iterdir()} >= {".python-version", ".venv"}


def test_no_pip_says_so_where_pip_is_already(desk: Desk) -> None:
    assert "with pip" not in desk.talk("use", MINOR)
    assert "was there before, with pip" in desk.talk("use", "--no-pip")


def test_a_version_file_that_says_so_already_is_not_written(desk: Desk) -> None:
    file = desk.project / ".python-version"
    file.write_text(f"{MINOR}  # ours\n{MINOR}\n")
    desk.call("use", MINOR)
    before = file.stat()
    desk.call("use", MINOR)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_equal_names_are_told_apart_and_a_name_is_never_only_a_path(desk: Desk) -> None:
    """`env remove shop` beside a directory `shop` does not take that one when another project is called so."""
    other = desk.project.parent / "other" / "shop"
    other.mkdir(parents=True)
    for project in (desk.project, other):
        desk.call("use", MINOR, where=project)
    first, second = desk.made(MINOR), record.lookup(desk.home, other, MINOR)
    assert second is not None
    listed = [line.split()[0] for line in desk.call("env", "list").splitlines() if str(desk.project.parent) in line]
    assert sorted(listed) == sorted([first.label, second.label])
    assert "is the name of " in desk.call("env", "remove", "shop", where=other.parent, code=2)
    assert first.path.exists()
    assert second.path.exists()
    desk.call("env", "remove", "./shop", where=other.parent)
    assert first.path.exists()
    assert not second.path.exists()
    desk.call("env", "remove", first.label)
    assert not first.path.exists()


def test_status_shows_python_with_its_minor_version_where_it_is_not_the_environment(desk: Desk) -> None:
    desk.call("use", MINOR)
    row = f"python{MINOR} {desk.home.shims}/python{MINOR}, the interpreter without the environment"
    desk.environ["PATH"] = f"{desk.home.shims}:/usr/bin:/bin"
    assert row in " ".join(desk.call("status").split())
    desk.environ["PATH"] = f"{desk.made(MINOR).bin}:{desk.environ['PATH']}"
    assert "the interpreter without" not in " ".join(desk.call("status").split())


def test_use_leaves_the_project_alone_where_the_store_cannot_be_written(
    desk: Desk, link: Callable[[Home, Path, str], Interpreter], tmp_path: Path
) -> None:
    """A file where a directory of the store belongs stops root as well."""
    for place in ("tmp", "templates", "envs", "projects"):
        home = Home(tmp_path / f"no-{place}")
        desk.home, desk.environ["ENVMGR_HOME"] = home, str(home.root)
        link(home, Path(sys.base_prefix), VERSION)
        (home.root / place).touch()
        assert str(home.root / place) in desk.call("use", "--no-pip", VERSION, code=8)
        assert not list(desk.project.iterdir())

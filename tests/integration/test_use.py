"""The commands for environments: use, env, run and status."""

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

from sandbox import Sandbox

from envmgr.environments import record
from envmgr.host.paths import Home
from envmgr.pythons.store import Interpreter

VERSION = platform.python_version()
MINOR = VERSION.rpartition(".")[0]


def test_use_pins_and_creates_the_environment_of_status_run_and_env(sandbox: Sandbox) -> None:
    sandbox.run("use", MINOR)
    assert (sandbox.project / ".python-version").read_text() == f"{MINOR}\n"
    made = sandbox.environment(MINOR)
    assert made.works
    assert (sandbox.project / ".venv").samefile(made.path)
    assert sandbox.run("env", "path") == f"{made.path}\n"
    assert sandbox.run("run", "python", "-c", "import sys; print(sys.prefix)") == f"{made.path}\n"

    facts = json.loads(sandbox.run("status", "--json"))
    assert (facts["version"], facts["python"], facts["reason"]) == (VERSION, f"{made.path}/bin/python", "pin")
    assert facts["origin"] == {"variable": None, "file": f"{sandbox.project}/.python-version", "line": 1}
    assert facts["environment"] == {"path": str(made.path), "external": False, "state": "fresh", "detail": None}
    assert facts["engine"] in ("uv", "pip")
    assert f"{sandbox.project}/.python-version:1\n" in sandbox.run("status")

    assert ["fresh", str(sandbox.project)] in [line.split()[1:] for line in sandbox.run("env", "list").splitlines()]
    entries = json.loads(sandbox.run("env", "list", "--json"))
    assert [entry["state"] for entry in entries if entry["path"] == str(made.path)] == ["fresh"]
    sandbox.run("env", "remove", str(sandbox.project))
    assert not made.path.exists()
    assert not os.path.lexists(sandbox.project / ".venv")
    assert json.loads(sandbox.run("status", "--json"))["environment"] is None


def test_use_without_a_request_uses_the_version_file(sandbox: Sandbox) -> None:
    (sandbox.project / ".python-version").write_text(f"# ours\n{VERSION}\n")
    below = sandbox.project / "src"
    below.mkdir()
    sandbox.run("use", where=below)
    assert sandbox.environment(VERSION).works
    assert (sandbox.project / ".python-version").read_text() == f"# ours\n{VERSION}\n"
    assert not (below / ".python-version").exists()


def test_a_failed_use_names_the_cause_and_changes_nothing(sandbox: Sandbox) -> None:
    (sandbox.project / ".python-version").write_text("3.99\n")
    assert "no version file" in sandbox.run("use", where=sandbox.project.parent, code=2)
    assert "not a version request" in sandbox.run("use", "../x", code=2)
    assert "called unknown (envmgr use)" in sandbox.run("use", "unknown", code=3)
    assert (sandbox.project / ".python-version").read_text() == "3.99\n"


def test_use_removes_staged_files_of_a_killed_use(sandbox: Sandbox) -> None:
    with subprocess.Popen(["/bin/true"]) as process:
        pass
    leftover = sandbox.project / f".python-version.envmgr-{process.pid}"
    for words in ([MINOR], []):
        leftover.touch()
        sandbox.run("use", *words)
        assert not leftover.exists()


def test_use_with_an_unsupported_python_changes_nothing(sandbox: Sandbox) -> None:
    for word in ("2.7", "2", "pypy2.7"):
        assert f"cannot be made for Python {word}" in sandbox.run("use", word, code=8)
        assert not list(sandbox.project.iterdir())


def test_use_global_writes_the_default(sandbox: Sandbox) -> None:
    sandbox.run("use", "--global", MINOR)
    try:
        facts = json.loads(sandbox.run("status", "--json"))
        assert (facts["reason"], facts["origin"]["file"]) == ("default", str(sandbox.home.default))
    finally:
        sandbox.home.default.unlink()
    assert "which Python" in sandbox.run("use", "--global", code=2)


def test_use_system_makes_no_environment(sandbox: Sandbox) -> None:
    sandbox.run("use", "system")
    assert not os.path.lexists(sandbox.project / ".venv")
    assert json.loads(sandbox.run("status", "--json"))["reason"] == "pin"


def test_status_shows_a_broken_environment_and_use_recreates_it(sandbox: Sandbox) -> None:
    sandbox.run("use", MINOR)
    (sandbox.environment(MINOR).bin / "python").unlink()
    assert json.loads(sandbox.run("status", "--json"))["environment"]["state"] == "broken"
    assert "envmgr use" in sandbox.run("env", "path", code=8)
    sandbox.run("use")
    assert sandbox.environment(MINOR).works


def test_env_remove_all_missing_removes_orphaned_environments(sandbox: Sandbox) -> None:
    sandbox.run("use", MINOR)
    made = sandbox.environment(MINOR)
    shutil.rmtree(sandbox.project)
    where = sandbox.project.parent
    (entry,) = [
        one for one in json.loads(sandbox.run("env", "list", "--json", where=where)) if one["path"] == str(made.path)
    ]
    assert entry["state"] == "orphaned"
    sandbox.run("env", "remove", "--all-missing", where=where)
    assert not made.path.exists()


def test_an_ambiguous_project_name_is_an_error(sandbox: Sandbox) -> None:
    twin = sandbox.project.parent / "other" / "shop"
    twin.mkdir(parents=True)
    sandbox.run("use", MINOR)
    sandbox.run("use", MINOR, where=twin)
    assert str(twin) in sandbox.run("env", "remove", "shop", code=2)
    sandbox.run("env", "remove", str(twin), str(sandbox.project))
    assert "no environment" in sandbox.run("env", "remove", str(twin), code=2)


def test_run_with_a_request_deactivates_an_active_environment(sandbox: Sandbox) -> None:
    sandbox.run("use", MINOR)
    sandbox.environ |= {"VIRTUAL_ENV": "/somewhere", "PATH": f"/somewhere/bin:{sandbox.environ['PATH']}"}
    assert "Python 3.99 is not installed (--python)" in sandbox.run("run", "--no-install", "-p", "3.99", "true", code=4)
    assert "--python: " in sandbox.run("run", "-p", "../x", "true", code=2)
    code = "import os, sys; print(sys.prefix == sys.base_prefix, os.environ.get('VIRTUAL_ENV'), os.environ['PATH'])"
    prefix, environment, path = sandbox.run("run", "-p", VERSION, "--", "python", "-c", code).split(maxsplit=2)
    assert (prefix, environment) == ("True", "None")
    assert "/somewhere/bin" not in path
    assert str(sandbox.home.shims) in path.split(os.pathsep)


def test_run_passes_options_and_the_exit_code(sandbox: Sandbox) -> None:
    sandbox.run("use", MINOR)
    sandbox.run("run", "python", "-c", "import sys; sys.exit(len(sys.argv))", "-p", "--json", code=3)
    assert f"no such command under {MINOR}" in sandbox.run("run", "no-such-program", code=127)
    sandbox.run("env", "remove", str(sandbox.project))
    assert "`envmgr use` makes it" in sandbox.run("run", "no-such-program", code=127)


def test_a_project_entered_through_a_link_has_the_same_environment(sandbox: Sandbox) -> None:
    entered = sandbox.project.parent / "entered"
    entered.symlink_to(sandbox.project)
    sandbox.run("use", MINOR, where=entered)
    assert sandbox.run("env", "path", where=entered) == sandbox.run("env", "path")
    assert (sandbox.home.projects / str(entered).lstrip("/") / ".envmgr" / MINOR).is_file()


def test_status_shows_a_stale_environment(
    sandbox: Sandbox, link: Callable[[Home, Path, str], Interpreter], tmp_path: Path
) -> None:
    home = Home(tmp_path / "two")
    sandbox.home, sandbox.environ["ENVMGR_HOME"] = home, str(home.root)
    link(home, Path(sys.base_prefix), f"{MINOR}.0")
    sandbox.run("use", MINOR)
    link(home, Path(sys.base_prefix), f"{MINOR}.99")
    assert json.loads(sandbox.run("status", "--json"))["environment"]["state"] == "stale"


def test_without_a_pin_requires_python_is_pinned(sandbox: Sandbox) -> None:
    (sandbox.project / "pyproject.toml").write_text(
        f'[project]\nname = "shop"\nrequires-python = ">=3.8, =={MINOR}.*"\n'
    )
    sandbox.run("use")
    assert (sandbox.project / ".python-version").read_text() == f"{MINOR}\n"
    assert sandbox.environment(MINOR).works


def test_install_without_a_request_needs_requires_python(sandbox: Sandbox) -> None:
    assert "which Python?" in sandbox.run("install", code=2)
    (sandbox.project / "pyproject.toml").write_text('[project]\nrequires-python = "^3.8"\n')
    assert "requires-python" in sandbox.run("install", code=2)
    (sandbox.project / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.98"\n')
    assert "no Python matches >=3.98" in sandbox.run("install", "--offline", code=3)


def test_a_killed_use_leaves_the_old_state_or_the_new_one(
    sandbox: Sandbox, link: Callable[[Home, Path, str], Interpreter], tmp_path: Path
) -> None:
    """From an empty store on: while the template, the clone, the record and the links are written."""
    home = Home(tmp_path / "fresh")
    sandbox.home, sandbox.environ["ENVMGR_HOME"] = home, str(home.root)
    link(home, Path(sys.base_prefix), VERSION)
    pin, venv = sandbox.project / ".python-version", sandbox.project / ".venv"
    for moment in (0.15, 0.3, 0.5, 0.8, 1.2, 0.1, 0.14, 0.18, 0.22):
        victim = subprocess.Popen(
            [sys.executable, "-m", "envmgr", "use", MINOR],
            cwd=sandbox.project,
            env=sandbox.environ,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(moment)
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
        assert not pin.exists() or pin.read_text() == f"{MINOR}\n"
        found = record.lookup(home, sandbox.project, MINOR)
        assert found is None or found.works
        assert not os.path.lexists(venv) or (venv / "bin" / "pip").exists()
    sandbox.run("use", MINOR)
    assert "pip" in sandbox.run("run", "pip", "--version")
    assert not [path for path in home.tmp.iterdir() if not path.name.startswith(".")]
    assert {entry.name for entry in sandbox.project.iterdir()} >= {".python-version", ".venv"}


def test_use_no_pip_notes_an_environment_with_pip(sandbox: Sandbox) -> None:
    assert "with pip" not in sandbox.messages("use", MINOR)
    assert "existed already, with pip" in sandbox.messages("use", "--no-pip")


def test_an_equal_version_file_is_not_written(sandbox: Sandbox) -> None:
    file = sandbox.project / ".python-version"
    file.write_text(f"{MINOR}  # ours\n{MINOR}\n")
    sandbox.run("use", MINOR)
    before = file.stat()
    sandbox.run("use", MINOR)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_env_remove_distinguishes_projects_with_equal_names(sandbox: Sandbox) -> None:
    """`env remove shop` beside a directory `shop` is an error when another project has that name."""
    other = sandbox.project.parent / "other" / "shop"
    other.mkdir(parents=True)
    for project in (sandbox.project, other):
        sandbox.run("use", MINOR, where=project)
    first, second = sandbox.environment(MINOR), record.lookup(sandbox.home, other, MINOR)
    assert second is not None
    listed = [
        line.split()[0] for line in sandbox.run("env", "list").splitlines() if str(sandbox.project.parent) in line
    ]
    assert sorted(listed) == sorted([first.label, second.label])
    assert "is the name of " in sandbox.run("env", "remove", "shop", where=other.parent, code=2)
    assert first.path.exists()
    assert second.path.exists()
    sandbox.run("env", "remove", "./shop", where=other.parent)
    assert first.path.exists()
    assert not second.path.exists()
    sandbox.run("env", "remove", first.label)
    assert not first.path.exists()


def test_status_shows_python_with_its_minor_version_where_it_is_not_the_environment(sandbox: Sandbox) -> None:
    sandbox.run("use", MINOR)
    row = f"python{MINOR} {sandbox.home.shims}/python{MINOR}, the interpreter without the environment"
    sandbox.environ["PATH"] = f"{sandbox.home.shims}:/usr/bin:/bin"
    assert row in " ".join(sandbox.run("status").split())
    sandbox.environ["PATH"] = f"{sandbox.environment(MINOR).bin}:{sandbox.environ['PATH']}"
    assert "the interpreter without" not in " ".join(sandbox.run("status").split())


def test_use_does_not_change_the_project_where_the_store_cannot_be_written(
    sandbox: Sandbox, link: Callable[[Home, Path, str], Interpreter], tmp_path: Path
) -> None:
    """A file in the place of a directory of the store stops root as well."""
    for place in ("tmp", "templates", "envs", "projects"):
        home = Home(tmp_path / f"no-{place}")
        sandbox.home, sandbox.environ["ENVMGR_HOME"] = home, str(home.root)
        link(home, Path(sys.base_prefix), VERSION)
        (home.root / place).touch()
        assert str(home.root / place) in sandbox.run("use", "--no-pip", VERSION, code=8)
        assert not list(sandbox.project.iterdir())

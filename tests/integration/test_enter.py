"""`_enter`: what the hook asks when it meets a project that it does not know."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
from sandbox import Sandbox

from envmgr import hook_calls
from envmgr.environments import record
from envmgr.errors import UsageError
from envmgr.host.paths import Home
from envmgr.pythons.store import Interpreter


@pytest.fixture
def config(environ: dict[str, str]) -> Path:
    """Return the path of the user's configuration; nothing is there yet."""
    folder = Path(environ["ENVMGR_CONFIG_DIR"])
    folder.mkdir()
    return folder / "config.toml"


def pinned(project: Path, interpreter: Interpreter) -> str:
    """Pin the interpreter's minor version in the project and return the words."""
    words = interpreter.build.minor_alias
    (project / ".python-version").write_text(f"{words}\n")
    return words


def test_a_missing_environment_is_reported_with_the_next_step(
    shared: Home, interpreter: Interpreter, project: Path, environ: dict[str, str]
) -> None:
    words = pinned(project, interpreter)
    (note,) = hook_calls.enter(shared, project, environ)
    assert note == f"no environment for Python {words} ({project}/.python-version:1); `envmgr use` makes it"
    assert record.lookup(shared, project, words) is None


def test_a_project_entered_through_a_link_has_the_records_that_are_made_later(
    shared: Home, interpreter: Interpreter, project: Path, environ: dict[str, str]
) -> None:
    words = pinned(project, interpreter)
    link = project.with_name("entered")
    link.symlink_to(project)
    (note,) = hook_calls.enter(shared, link, environ)
    assert "`envmgr use` makes it" in note
    file = record.record_file(shared, project, words)
    assert (record.record_folder(shared, link) / record.REAL).read_text() == f"{project}\n"
    file.write_text("envs/shop/3.12\n")
    assert record.record_file(shared, link, words).read_text() == "envs/shop/3.12\n"


def test_the_user_may_have_environments_made_on_entering(
    shared: Home, interpreter: Interpreter, project: Path, environ: dict[str, str], config: Path
) -> None:
    words = pinned(project, interpreter)
    config.write_text('[hook]\nauto = "create"\n')
    notes = list(hook_calls.enter(shared, project, environ))
    assert notes[-1].startswith("made an environment for Python ")
    made = record.lookup(shared, project, words)
    assert made is not None
    assert made.works
    assert (project / ".venv").readlink() == made.path


def test_a_missing_python_is_never_downloaded(
    shared: Home, project: Path, environ: dict[str, str], config: Path
) -> None:
    config.write_text('[hook]\nauto = "create"\n')
    (project / ".python-version").write_text("3.99\n")
    (note,) = hook_calls.enter(shared, project, environ)
    assert note == f"Python 3.99 is not installed ({project}/.python-version:1); `envmgr use` installs it"


def test_an_external_environment_is_mentioned(
    shared: Home, interpreter: Interpreter, project: Path, environ: dict[str, str]
) -> None:
    pinned(project, interpreter)
    (project / ".venv").mkdir()
    (project / ".venv" / "pyvenv.cfg").touch()
    (note,) = hook_calls.enter(shared, project, environ)
    assert "is not envmgr's; `envmgr allow` activates it" in note


def test_a_configuration_that_is_not_understood_is_named(
    shared: Home, interpreter: Interpreter, project: Path, environ: dict[str, str], config: Path
) -> None:
    pinned(project, interpreter)
    config.write_text('[hook]\nauto = "yes"\n')
    with pytest.raises(UsageError, match=r"config.toml: \[hook\] auto is 'yes'"):
        list(hook_calls.enter(shared, project, environ))


def test_ctrl_c_at_a_first_visit_prints_no_traceback(sandbox: Sandbox) -> None:
    """At no moment, also not while Python itself starts: the launcher and `_enter` are interrupted at many."""
    sandbox.run("completion", "bash")  # writes the launcher
    (sandbox.project / ".python-version").write_text("3.99\n")
    argv = [str(sandbox.home.shell / "envmgr"), "_enter", str(sandbox.home.root), str(sandbox.project)]
    started = time.monotonic()
    subprocess.run(argv, env=sandbox.environ, stderr=subprocess.DEVNULL, check=True)
    whole = time.monotonic() - started
    ends = set()
    for part in range(25):  # of the time that it takes on this machine now
        with subprocess.Popen(argv, env=sandbox.environ, stderr=subprocess.PIPE, text=True) as child:
            time.sleep(whole * part / 24)
            child.send_signal(signal.SIGINT)
            assert "Traceback" not in child.communicate()[1], part
        ends.add(child.returncode)
    assert ends - {0}, "never interrupted"

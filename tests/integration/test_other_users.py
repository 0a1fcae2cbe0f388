"""Line 18 of docs/explanation/activation.md, the shell of another user; and a read-only home and store.

The tests run in a mount namespace of their own, with one more user in /etc/passwd: the machine is not changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from prepared_projects import create_projects
from rule_table import Case
from shell_sandbox import ShellSandbox, create_shell_sandbox

VISITOR = 54321
INSIDE = 'mount --bind "$0" /etc/passwd && exec "$@"'
READ_ONLY = (
    'for it; do case $it in --) break ;; *) mount -B "$it" "$it" && mount -o remount,ro,bind "$it" ;; esac; done'
)
COMMANDS = {
    "su": "su visitor -s {}",
    "su -": "su - visitor -s {}",
    "sudo -s": "SHELL={} sudo -u visitor -s",
    "sudo -E": "SHELL={} sudo -u visitor -E -s",
    "sudo -i": "sudo -u visitor -i",
}


@pytest.fixture(params=["bash", "zsh", "fish"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[ShellSandbox]:
    """Return a sandbox that another user can read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield create_shell_sandbox(str(request.param), folder)


def shell(sandbox: ShellSandbox) -> str:
    found = shutil.which(sandbox.shell.name)
    assert found
    return found


@pytest.mark.parametrize("how", COMMANDS)
def test_line_18_the_shell_of_another_user(sandbox: ShellSandbox, how: str) -> None:
    home = Path(sandbox.environ["HOME"])
    users = home.parent / "passwd"
    line = f"visitor:*:{VISITOR}:{VISITOR}::{home}:{shell(sandbox)}\n"
    users.write_text(Path("/etc/passwd").read_text() + line)
    (home / ".bash_profile").write_text(". ~/.bashrc\n")
    sandbox.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    before = ("unshare", "-m", "sh", "-c", INSIDE, str(users))
    with sandbox.open("shop", before=before) as terminal:
        os.chown(home, VISITOR, VISITOR)
        before_su = sandbox.variables(terminal, "PATH", "VIRTUAL_ENV")
        command = COMMANDS[how].format(shell(sandbox))
        terminal.type(f"env {command}" if command.startswith("SHELL") else command)
        assert terminal.type("id -u") == f"{VISITOR}\n"
        for where, environment in (
            ("shop", sandbox.environment("shop")),
            ("spelled", sandbox.environment("spelled")),
            ("none", "unset"),
        ):
            assert sandbox.cd(terminal, where) == ""
            assert sandbox.active(terminal) == environment
        assert sandbox.path_entries(terminal).count(sandbox.shims) == 1
        terminal.type("exit")
        assert sandbox.variables(terminal, "PATH", "VIRTUAL_ENV") == before_su


def test_line_18_root_ignores_files_of_other_users(sandbox: ShellSandbox) -> None:
    os.chown(sandbox.path("shop/.python-version"), VISITOR, VISITOR)
    with sandbox.open("shop") as terminal:
        assert terminal.first == ""
        assert sandbox.active(terminal) == "unset"


def test_another_user_can_read_a_store_of_root() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        prepared = create_projects(folder)
        for where, program in (("shop", "shop"), ("prefix", "3.12")):
            case = Case(where, program)
            environ, cwd = prepared.environ(case), prepared.cwd(case)
            done = subprocess.run(["python"], cwd=cwd, env=environ, user=VISITOR, stdout=subprocess.PIPE, check=True)
            assert done.stdout.decode() == str(prepared.program(case))


@pytest.mark.parametrize("argv", [["list"], ["use", "3.12"], ["_enter", "{home}", "{cwd}"]], ids=lambda argv: argv[0])
def test_root_does_not_use_the_store_of_another_user(tmp_path: Path, argv: list[str]) -> None:
    prepared = create_projects(tmp_path)
    os.chown(prepared.home.root, VISITOR, VISITOR)
    before = sorted(prepared.home.root.rglob("*"))
    cwd = prepared.root / "prefix"
    command = [word.format(home=prepared.home.root, cwd=cwd) for word in argv]
    environ = prepared.environ(Case("prefix", "3.12")) | {"ENVMGR_HOME": str(prepared.home.root)}
    done = subprocess.run(
        [sys.executable, "-m", "envmgr", *command], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "this store belongs to another user" in done.stderr
    assert sorted(prepared.home.root.rglob("*")) == before
    assert (cwd / ".python-version").read_text() == "3.12\n"


def test_a_read_only_home_and_store(sandbox: ShellSandbox) -> None:
    mounts = [str(sandbox.prepared.home.root)]
    if sandbox.shell.name != "fish":  # it prints an error of its own
        mounts.append(sandbox.environ["HOME"])
    run = f'{READ_ONLY}; while [ "$1" != -- ]; do shift; done; shift; exec "$@"'
    with sandbox.open("none", before=("unshare", "-m", "sh", "-c", run, "sh", *mounts, "--")) as terminal:
        for where, name in (("shop", "shop"), ("spelled", "spelled"), ("none", None)):
            assert sandbox.cd(terminal, where) == ""
            assert sandbox.active(terminal) == (sandbox.environment(name) if name else "unset")
        note = sandbox.cd(terminal, "prefix")
        assert "`envmgr use`" in note
        assert note.count("\n") == 1
        assert terminal.type("") == ""
        assert terminal.type("envmgr deactivate") == ""
        error = terminal.type("envmgr use 3.12")
        assert "Traceback" not in error
        assert "Read-only" in error

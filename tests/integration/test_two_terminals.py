"""A change to a project in one terminal is noticed at the next prompt of another terminal in that project."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pty_shell import SHELLS, PtyShell
from sandbox import Sandbox

from envmgr.pythons.store import Interpreter
from envmgr.shell import shells, shims


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[PtyShell]:
    """Return a shell with the hook, in the project of the sandbox."""
    shims.refresh(sandbox.home)
    rc = Path(sandbox.environ["HOME"]) / SHELLS[request.param].rc
    rc.parent.mkdir(parents=True, exist_ok=True)
    rc.write_text(f"{shells.shell_named(request.param).line(sandbox.home)}\n")
    with PtyShell(SHELLS[request.param].argv, cwd=sandbox.project, environ=sandbox.environ) as shell:
        yield shell


def test_git_init_after_use_does_not_see_the_link(sandbox: Sandbox, interpreter: Interpreter, shell: PtyShell) -> None:
    """At the next prompt, of a shell that has been in the project for long, and of one repository after the other."""
    words = interpreter.build.minor_alias
    (sandbox.project / ".python-version").write_text(f"{words}\n")
    shell.variables_after("")
    sandbox.run("use", "--no-pip")
    shell.variables_after("")
    for _ in range(2):
        shell.variables_after("git init -q")
        shell.variables_after("")
        (sandbox.project / ".git" / "index").unlink(missing_ok=True)
        status = subprocess.check_output(["git", "status", "--porcelain"], cwd=sandbox.project, text=True)
        assert status == "?? .python-version\n"
        shutil.rmtree(sandbox.project / ".git")
        shell.variables_after("cd ..")
        shell.variables_after("cd -")


def test_an_environment_that_comes_and_goes_and_comes(
    sandbox: Sandbox, interpreter: Interpreter, shell: PtyShell
) -> None:
    words = interpreter.build.minor_alias
    (sandbox.project / ".python-version").write_text(f"{words}\n")
    assert "VIRTUAL_ENV" not in shell.variables_after("")
    assert shell.screen().count("`envmgr use` makes it") == 1
    for _ in range(2):
        sandbox.run("use", "--no-pip")
        made = sandbox.environment(words)
        assert shell.variables_after("")["VIRTUAL_ENV"] == str(made.path)
        sandbox.run("env", "remove", str(made.path))
        assert "VIRTUAL_ENV" not in shell.variables_after("")

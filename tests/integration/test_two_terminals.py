"""What is done to a project in one terminal is seen at the next prompt of another that stands in it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk
from typist import Typist

from envmgr.pythons.store import Interpreter
from envmgr.shell import shells, shims

ARGV = {
    "bash": ["bash", "--noprofile", "-i"],
    "zsh": ["zsh", "-d", "-i"],
    "fish": ["fish", "-i"],
}
RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}


@pytest.fixture(params=ARGV)
def typist(request: pytest.FixtureRequest, desk: Desk, tmp_path: Path) -> Iterator[Typist]:
    """Return a shell with the hook, in the project that the desk is for."""
    shims.refresh(desk.home)
    rc = Path(desk.environ["HOME"]) / RC[request.param]
    rc.parent.mkdir(parents=True, exist_ok=True)
    rc.write_text(f"{shells.shell_named(request.param).line(desk.home)}\n")
    with Typist(ARGV[request.param], cwd=desk.project, environ=desk.environ, folder=tmp_path / "tell") as typist:
        yield typist


def test_git_init_after_use_does_not_see_the_link(desk: Desk, interpreter: Interpreter, typist: Typist) -> None:
    """At the next prompt, of a shell that has been in the project for long, and of one repository after the other."""
    words = interpreter.build.minor_alias
    (desk.project / ".python-version").write_text(f"{words}\n")
    typist.type("")
    desk.call("use", "--no-pip")
    typist.type("")
    for _ in range(2):
        typist.type("git init -q")
        typist.type("")
        (desk.project / ".git" / "index").unlink(missing_ok=True)
        said = subprocess.check_output(["git", "status", "--porcelain"], cwd=desk.project, text=True)
        assert said == "?? .python-version\n"
        shutil.rmtree(desk.project / ".git")
        typist.type("cd ..")
        typist.type("cd -")


def test_an_environment_that_comes_and_goes_and_comes(desk: Desk, interpreter: Interpreter, typist: Typist) -> None:
    words = interpreter.build.minor_alias
    (desk.project / ".python-version").write_text(f"{words}\n")
    assert "VIRTUAL_ENV" not in typist.type("")
    assert typist.screen().count("`envmgr use` makes it") == 1
    for _ in range(2):
        desk.call("use", "--no-pip")
        made = desk.made(words)
        assert typist.type("")["VIRTUAL_ENV"] == str(made.path)
        desk.call("env", "remove", str(made.path))
        assert "VIRTUAL_ENV" not in typist.type("")

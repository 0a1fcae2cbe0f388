"""`envmgr setup` typed into every shell that has a hook: a new shell activates; removed, no trace stays."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from prepared_projects import prepare_project
from pty_shell import PtyShell

from envmgr.host.paths import Home
from envmgr.shell.shells import SHELLS

# PowerShell is in no registry that the tests may use, nushell is not in Debian
UNTESTED = {"pwsh"} if "ENVMGR_TEST_NU" in os.environ else {"pwsh", "nu"}


@pytest.fixture(params=[name for name in SHELLS if name not in UNTESTED])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def home(tmp_path: Path, name: str) -> Home:
    odd = {
        "tcsh": "it's \\ a `store`; $HOME!",
        "xonsh": "it's \\ a `store`;\n",
    }  # what they cannot say in a line, and in PATH
    return Home(tmp_path / odd.get(name, "it's \\ a `store`; $HOME!\n"))


@pytest.fixture
def start(tmp_path: Path, home: Home, environ: dict[str, str]) -> Callable[..., PtyShell]:
    """Return the function that starts a shell by its name, in tmp_path."""

    def started(name: str) -> PtyShell:
        path = f"{environ['PATH']}:{os.environ.get('ENVMGR_TEST_NU', '/')}"
        more = {"ENVMGR_HOME": str(home.root), "PATH": path}
        return PtyShell([name], cwd=tmp_path, environ=environ | more)

    return started


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_set_up_and_removed(name: str, start: Callable[..., PtyShell], home: Home, tmp_path: Path) -> None:
    environment = prepare_project(home, tmp_path / "a 'shop' $(touch pwned)\\`é", entered=tmp_path / "link")
    user = tmp_path / "user"
    (user / ".profile").write_text(". ~/.bashrc")
    before = snapshot(user)
    with start(name) as shell:
        shell.variables_after("envmgr setup")
    with start(name) as shell:
        assert "VIRTUAL_ENV" not in shell.variables()
        variables = shell.variables_after("cd link")
        assert variables["VIRTUAL_ENV"] == str(environment)
        assert variables["PATH"].split(":")[0] == str(environment / "bin")
        shell.variables_after(f"envmgr doctor --json {'o>' if name == 'nu' else '>'} ../doctor.json")
        assert f"loaded in this {name}" in (tmp_path / "doctor.json").read_text()
        variables = shell.variables_after("cd ..")
        assert "VIRTUAL_ENV" not in variables
        assert variables["PATH"].split(":")[0] == str(home.shims)
        shell.variables_after("envmgr setup --remove")
    assert not (tmp_path / "pwned").exists()
    assert snapshot(user).items() >= before.items()


def test_remove_takes_the_line_out_of_the_files_of_every_shell(environ: dict[str, str], tmp_path: Path) -> None:
    user = Path(environ["HOME"])
    (user / ".profile").write_text(". ~/.bashrc\n")
    (user / ".kshrc").write_text("# mine, and read-only\n")
    (user / ".kshrc").chmod(0o400)
    before = snapshot(user)

    def setup(*words: str) -> str:
        argv = [sys.executable, "-I", "-m", "envmgr", "setup", *words]
        done = subprocess.run(argv, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    shells = ("bash", "zsh", "fish", "tcsh", "elvish", "xonsh", "nu")
    for shell in shells:
        setup(shell)
    assert len(snapshot(user)) == len(before) + len(shells)
    setup("--remove", "zsh")
    assert len(snapshot(user)) == len(before) + len(shells) - 1
    output = setup("--remove")
    assert snapshot(user) == before
    assert "envmgr unload" in output
    assert ".kshrc" not in output
    assert "No rc file has the line" in setup("--remove")

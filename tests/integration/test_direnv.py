"""`use envmgr` in an .envrc, with direnv's own hook, alone and beside ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prepared_projects import prepare_project
from pty_shell import PtyShell
from sandbox import Sandbox

from envmgr.host.paths import Home
from envmgr.shell import shims


@pytest.mark.parametrize("hooks", ["direnv", "direnv, envmgr", "envmgr, direnv"])
def test_use_envmgr(hooks: str, tmp_path: Path, environ: dict[str, str]) -> None:
    home, project, user = Home(tmp_path / "the store's own"), tmp_path / "a shop", tmp_path / "user"
    shims.refresh(home)
    environment = prepare_project(home, project)
    (project / ".envrc").write_text("use envmgr\n")
    direnvrc = user / ".config" / "direnv" / "direnvrc"
    direnvrc.parent.mkdir(parents=True)
    direnvrc.write_text(f'. "{home.shell}/direnv.sh"\n')
    lines = {"direnv": 'eval "$(direnv hook bash)"', "envmgr": f'. "{home.shell}/hook.bash"'}
    (user / ".bashrc").write_text("\n".join(lines[hook] for hook in hooks.split(", ")) + "\n")
    environ["ENVMGR_HOME"] = str(home.root)
    subprocess.run(["direnv", "allow", project], env=environ, check=True)
    with PtyShell(["bash"], cwd=tmp_path, environ=environ) as shell:
        told = shell.variables_after("cd 'a shop'")
        assert told["VIRTUAL_ENV"] == str(environment)
        assert told["PATH"].split(":")[0] == f"{environment}/bin"
        assert shell.variables() == told
        left = shell.variables_after("cd ..")
        left = shell.variables()
        assert "VIRTUAL_ENV" not in left
        assert f"{environment}/bin" not in left["PATH"]
        assert shell.variables() == left


@pytest.mark.parametrize("words", [True, False], ids=["use envmgr 3.x", "use envmgr"])
def test_use_envmgr_makes_an_environment_that_is_missing(words: bool, sandbox: Sandbox) -> None:  # noqa: FBT001
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    sandbox.run("completion", "bash")  # writes the shell files
    direnvrc = Path(sandbox.environ["HOME"]) / ".config/direnv/direnvrc"
    direnvrc.parent.mkdir(parents=True)
    direnvrc.write_text(f'. "{sandbox.home.shell}/direnv.sh"\n')
    (sandbox.project / ".envrc").write_text(f"use envmgr {minor if words else ''}\n")
    if not words:
        (sandbox.project / ".python-version").write_text(f"{minor}\n")
    subprocess.run(["direnv", "allow", sandbox.project], env=sandbox.environ, check=True)
    argv = ["direnv", "exec", str(sandbox.project), "python", "-c", "import sys; print(sys.prefix)"]
    for _ in range(2):
        done = subprocess.run(
            argv, env=sandbox.environ, cwd=sandbox.project, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.stdout == f"{sandbox.environment(minor).path}\n", done.stderr
    assert (sandbox.project / ".python-version").read_text() == f"{minor}\n"

"""`use envmgr` in an .envrc, with direnv's own hook, alone and beside ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from desk import Desk
from settled import settle
from typist import Typist

from envmgr.host.paths import Home
from envmgr.shell import shims


@pytest.mark.parametrize("hooks", ["direnv", "direnv, envmgr", "envmgr, direnv"])
def test_use_envmgr(hooks: str, tmp_path: Path, environ: dict[str, str]) -> None:
    home, project, user = Home(tmp_path / "the store's own"), tmp_path / "a shop", tmp_path / "user"
    shims.refresh(home)
    environment = settle(home, project)
    (project / ".envrc").write_text("use envmgr\n")
    direnvrc = user / ".config" / "direnv" / "direnvrc"
    direnvrc.parent.mkdir(parents=True)
    direnvrc.write_text(f'. "{home.shell}/direnv.sh"\n')
    lines = {"direnv": 'eval "$(direnv hook bash)"', "envmgr": f'. "{home.shell}/hook.bash"'}
    (user / ".bashrc").write_text("\n".join(lines[hook] for hook in hooks.split(", ")) + "\n")
    environ["ENVMGR_HOME"] = str(home.root)
    subprocess.run(["direnv", "allow", project], env=environ, check=True)
    with Typist(["bash"], cwd=tmp_path, environ=environ, folder=tmp_path / "told") as shell:
        told = shell.type("cd 'a shop'")
        assert told["VIRTUAL_ENV"] == str(environment)
        assert told["PATH"].split(":")[0] == f"{environment}/bin"
        assert shell.tell() == told
        left = shell.type("cd ..")
        left = shell.tell()
        assert "VIRTUAL_ENV" not in left
        assert f"{environment}/bin" not in left["PATH"]
        assert shell.tell() == left


@pytest.mark.parametrize("words", [True, False], ids=["use envmgr 3.x", "use envmgr"])
def test_use_envmgr_makes_an_environment_that_is_missing(words: bool, desk: Desk) -> None:  # noqa: FBT001
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    desk.call("completion", "bash")  # writes the shell files
    direnvrc = Path(desk.environ["HOME"]) / ".config/direnv/direnvrc"
    direnvrc.parent.mkdir(parents=True)
    direnvrc.write_text(f'. "{desk.home.shell}/direnv.sh"\n')
    (desk.project / ".envrc").write_text(f"use envmgr {minor if words else ''}\n")
    if not words:
        (desk.project / ".python-version").write_text(f"{minor}\n")
    subprocess.run(["direnv", "allow", desk.project], env=desk.environ, check=True)
    argv = ["direnv", "exec", str(desk.project), "python", "-c", "import sys; print(sys.prefix)"]
    for _ in range(2):
        done = subprocess.run(
            argv, env=desk.environ, cwd=desk.project, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.stdout == f"{desk.made(minor).path}\n", done.stderr
    assert (desk.project / ".python-version").read_text() == f"{minor}\n"

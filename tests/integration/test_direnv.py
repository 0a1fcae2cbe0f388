"""`use envmgr` in an .envrc, with direnv's own hook, alone and beside ours."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
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

"""Tab after `envmgr`, in real shells: verbs, options and versions, from files in the store; nothing odd."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from pty_shell import PtyShell

from envmgr.host.paths import Home
from envmgr.shell import shims

HOSTILE = ["$(touch pwned)", "3.12 x", "3.12\x1b]0;x\x07", "`x`", "-n", "3.12'"]
OFFERS = {
    "envmgr us": {"use"},
    "envmgr env l": {"list"},
    "envmgr use 3": {"3.12", "3.12.7"},
    "envmgr run -p 3": {"3.12", "3.12.7"},
    "envmgr env remove --a": {"--all-missing"},
    "envmgr run pyte": {"pytest"},
    "envmgr setup fi": {"fish"},
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> None:
    """A store with hostile names in it."""
    home = Home(tmp_path / "it's a $HOME")
    shims.refresh(home)
    home.aliases.mkdir()
    for name in ("3.12", "3.12.7", *HOSTILE):
        (home.aliases / name).touch()
    (home.shims / "pytest").touch()


def run(argv: list[str], script: str, cwd: Path) -> list[str]:
    environ = {"PATH": os.defpath, "HOME": str(cwd), "LC_ALL": "C.UTF-8"}
    done = subprocess.run([*argv, script], cwd=cwd, env=environ, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("line", OFFERS)
def test_bash_offers(line: str, tmp_path: Path) -> None:
    ask = f"COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _envmgr_complete"
    script = f""". "$HOME/it's a \\$HOME/shell/completion.bash"; {ask}; printf '%s\\n' "${{COMPREPLY[@]}}\""""
    assert set(run(["bash", "-c"], script, tmp_path)) == OFFERS[line]
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("line", OFFERS)
def test_fish_offers(line: str, tmp_path: Path) -> None:
    script = f"""source "$HOME/it's a \\$HOME/shell/completion.fish"; complete -C '{line}'"""
    assert {offer.partition("\t")[0] for offer in run(["fish", "-N", "-c"], script, tmp_path)} == OFFERS[line]
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("before", [True, False], ids=["compinit first", "hook first"])
def test_zsh_offers(tmp_path: Path, *, before: bool) -> None:
    lines = ["autoload -U compinit; compinit -u -D", '. "$HOME/it\'s a \\$HOME/shell/hook.zsh"']
    (tmp_path / ".zshrc").write_text("\n".join(["PS1='> '", *(lines if before else lines[::-1])]))
    environ = {"PATH": os.defpath, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    with PtyShell(["zsh"], cwd=tmp_path, environ=environ) as shell:
        shell.variables_after('envmgr() { export ASKED="$*"; }')
        assert shell.variables_after("envmgr us\t")["ASKED"] == "use"
        assert shell.variables_after("envmgr env l\t")["ASKED"] == "env list"
        assert shell.variables_after("envmgr run -p 3\t")["ASKED"] == "run -p 3.12"
        assert shell.variables_after("envmgr setup fi\t")["ASKED"] == "setup fish"
        assert "\x1b]0;x" not in shell.screen()


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_tab_starts_no_program(shell: str, tmp_path: Path) -> None:
    load = f""". "$HOME/it's a \\$HOME/shell/completion.{shell}"; """
    ask = (
        "COMP_WORDS=(envmgr use 3) COMP_CWORD=2; _envmgr_complete" if shell == "bash" else "complete -C 'envmgr use 3'"
    )
    argv = ["strace", "-f", "-qq", "-e", "trace=execve,fork,vfork", "-o", str(tmp_path / "trace"), shell]
    run([*argv, *(["--norc", "-c"] if shell == "bash" else ["-N", "-c"])], load + ask, tmp_path)
    assert (tmp_path / "trace").read_text().count("execve") == 1

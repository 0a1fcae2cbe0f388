"""The hook's files are replaced, moved or removed under a shell that is open: it goes on working."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from shell_sandbox import ShellSandbox, create_shell_sandbox

import envmgr
from envmgr.shell import shims

PAIRS = {
    "bash": ("hook.bash", "hook-more.bash"),
    "zsh": ("hook.zsh", "hook-more.zsh"),
    "fish": ("hook.fish", "hook-more.fish"),
}
FUNCTION = re.compile(r"^ *(?:function )?(_envmgr_\w+)(?:\(\) \{| --?\w| *$)", re.MULTILINE)
# registered in the running shell, or defined in a third file
STABLE = {"_envmgr_prompt", "_envmgr_cd", "_envmgr_complete", "_envmgr_more"}


@pytest.fixture(params=["bash", "zsh", "fish"])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> ShellSandbox:
    return create_shell_sandbox(str(request.param), tmp_path)


def update(sandbox: ShellSandbox, edition: str = "99.0") -> None:
    """Replace the hook's files by those of another version, in which every function of theirs has another name."""
    files = [sandbox.prepared.home.shell / name for name in PAIRS[sandbox.shell.name]]
    names = {name for file in files for name in FUNCTION.findall(file.read_text())} - STABLE
    assert len(names) > 20
    for file in files:
        text = file.read_text().replace(envmgr.__version__, edition)
        for name in sorted(names):
            text = re.sub(rf"\b{name}\b", f"{name}_{edition.replace('.', '_')}", text)
        staged = file.with_name("staged")
        staged.write_text(text)
        staged.replace(file)


@pytest.mark.parametrize("edition", ["99.0", "0.0.1"])
@pytest.mark.parametrize("used", [False, True])
def test_line_39_an_update_under_an_open_shell(sandbox: ShellSandbox, edition: str, *, used: bool) -> None:
    with sandbox.open() as terminal:
        if used:
            assert terminal.type("envmgr --version") == f"envmgr {envmgr.__version__}\n"
            sandbox.cd(terminal, "own")
            assert sandbox.active(terminal) == sandbox.environment("own")
        sandbox.cd(terminal, "shop")
        update(sandbox, edition)
        for where, name in (("shop", "shop"), ("own", "own"), ("spelled", "spelled"), ("own", "own"), ("none", None)):
            assert sandbox.cd(terminal, where) == ""
            assert terminal.type("") == ""
            assert sandbox.active(terminal) == (sandbox.environment(name) if name else "unset")
        sandbox.cd(terminal, "shop")
        for line, name in (("deactivate", None), ("envmgr activate", "shop"), ("envmgr shell 3.11", "other")):
            assert terminal.type(line) == ""
            assert sandbox.active(terminal) == (sandbox.environment(name) if name else "unset")
        assert terminal.type("envmgr --version") == f"envmgr {envmgr.__version__}\n"
        assert terminal.type("envmgr unload") == ""
        assert sandbox.variables(terminal, "VIRTUAL_ENV") == {"VIRTUAL_ENV": "unset"}
        assert sandbox.path_entries(terminal) == ["/usr/bin", "/bin"]
        listing = {"bash": "declare -F; set", "zsh": "functions; set", "fish": "functions -a; set -n"}[
            sandbox.shell.name
        ]
        shown = terminal.type(listing)
        assert not [line for line in shown.splitlines() if "_envmgr" in line and not line.startswith("_=")]


@pytest.mark.parametrize("verb", ["--version", "shell 3.11", "deactivate", "unload"])
def test_line_39_the_first_command_after_an_update(sandbox: ShellSandbox, verb: str) -> None:
    with sandbox.open("shop") as terminal:
        update(sandbox)
        said = terminal.type(f"envmgr {verb}")
        assert said == (f"envmgr {envmgr.__version__}\n" if verb == "--version" else "")
        expected = {"--version": sandbox.environment("shop"), "shell 3.11": sandbox.environment("other")}.get(
            verb, "unset"
        )
        assert sandbox.variables(terminal, "VIRTUAL_ENV") == {"VIRTUAL_ENV": expected}


def test_line_39_what_was_set_before_an_update_is_undone_after_it(sandbox: ShellSandbox) -> None:
    with sandbox.open("shop") as terminal:
        terminal.set("PYTHONHOME", "/usr")
        terminal.prepend("/opt/first")
        sandbox.cd(terminal, "none")
        sandbox.cd(terminal, "shop")
        update(sandbox)
        assert terminal.type("envmgr --version").startswith("envmgr")
        sandbox.cd(terminal, "none")
        assert sandbox.variables(terminal, "VIRTUAL_ENV", "PYTHONHOME") == {
            "VIRTUAL_ENV": "unset",
            "PYTHONHOME": "/usr",
        }
        assert sandbox.path_entries(terminal) == ["/opt/first", sandbox.shims, "/usr/bin", "/bin"]


def test_line_39_setup_repairs_files_that_are_missing(sandbox: ShellSandbox) -> None:
    with sandbox.open() as terminal:
        for name in PAIRS[sandbox.shell.name]:
            (sandbox.prepared.home.shell / name).unlink()
        said = terminal.type("envmgr shell 3.12")
        assert "run `envmgr setup`" in said
        assert said.count("\n") == 1
        assert terminal.type("envmgr --version") == f"envmgr {envmgr.__version__}\n"
        assert "Open a new" in terminal.type(f"envmgr setup {sandbox.shell.name}")
        assert sandbox.cd(terminal, "shop") == ""
        assert sandbox.active(terminal) == sandbox.environment("shop")
        assert terminal.type("envmgr deactivate") == ""
        assert sandbox.active(terminal) == "unset"


@pytest.mark.parametrize("change", ["moved", "removed"])
def test_line_39_a_store_that_is_gone(sandbox: ShellSandbox, change: str) -> None:
    home = sandbox.prepared.home.root
    with sandbox.open("shop") as terminal:
        if change == "moved":
            home.rename(home.with_name("moved"))
        else:
            shutil.rmtree(home)
        assert terminal.type("") == ""
        assert sandbox.active(terminal) == "unset"
        said = terminal.type("envmgr --version")
        assert "the store of this shell is missing" in said
        assert said.count("\n") == 1
        assert terminal.type("envmgr unload") == ""
        assert sandbox.path_entries(terminal) == ["/usr/bin", "/bin"]


def test_line_39_a_program_on_path_runs_although_the_store_is_gone(sandbox: ShellSandbox, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "envmgr").write_text(shims.launcher())
    (tmp_path / "bin" / "envmgr").chmod(0o755)
    with sandbox.open("none") as terminal:
        terminal.append(str(tmp_path / "bin"))
        shutil.rmtree(sandbox.prepared.home.root)
        assert terminal.type("envmgr --version") == f"envmgr {envmgr.__version__}\n"
        terminal.type(f"envmgr setup {sandbox.shell.name}")
        assert (sandbox.prepared.home.shell / PAIRS[sandbox.shell.name][1]).exists()
        assert terminal.type("envmgr shell system") == ""
        assert sandbox.variables(terminal, "ENVMGR_VERSION") == {"ENVMGR_VERSION": "system"}


@pytest.mark.parametrize("name", [name for pair in PAIRS.values() for name in pair])
def test_the_files_name_the_version_of_envmgr(name: str) -> None:
    """Two files of different versions may not fit together: a shell that has read one reads both again."""
    text = (shims.files() / name).read_text()
    named = re.findall(r"_envmgr_edition\W+(?:!?= )?(\d+[\d.]*)", text)
    assert named
    assert set(named) == {envmgr.__version__}

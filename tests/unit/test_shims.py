from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from envmgr.errors import EnvmgrError
from envmgr.host import process
from envmgr.host.paths import Home
from envmgr.pythons import aliases
from envmgr.shell import programs, shims


def program(path: Path) -> None:
    """Make an executable file at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    bin_ = home.versions / "cpython-3.12.7+20241016-linux-x86_64-gnu" / "bin"
    for name in ("python", "python3", "python3.12", "pip", "ls", "$(x)", "-n", "envmgr"):
        program(bin_ / name)
    (bin_ / "folder").mkdir()
    (bin_ / "readme.txt").write_text("")
    program(home.envs / "shop-12345678" / "3.12" / "bin" / "black")
    aliases.update_aliases(home)
    return home


def linked(home: Home) -> dict[str, str]:
    return {entry.name: os.readlink(entry) for entry in home.shims.iterdir()}  # noqa: PTH115 - the text


def test_every_command_gets_a_link_and_nothing_else_does(home: Home) -> None:
    shims.refresh(home)
    assert linked(home) == {
        **dict.fromkeys(("python", "python3", "pip", "pip3", "black"), "../shell/shim.sh"),
        "python3.12": "../aliases/3.12/bin/python3.12",
    }


def test_without_any_python_its_names_are_there_all_the_same(home: Home) -> None:
    """Without them, the system's `python` would run silently where the pinned one is missing."""
    shutil.rmtree(home.versions)
    aliases.update_aliases(home)
    shims.refresh(home)
    assert {"python", "python3", "pip", "pip3"} <= set(linked(home))


def test_links_match_the_commands_in_the_store(home: Home) -> None:
    shims.refresh(home)
    (home.envs / "shop-12345678" / "3.12" / "bin" / "black").unlink()
    program(home.envs / "shop-12345678" / "3.12" / "bin" / "mypy-x")
    (home.shims / "mine").symlink_to("/bin/true")
    aliases.update_aliases(home)
    assert "python3" in linked(home), "repointing leaves the shims alone"
    shims.refresh(home)
    assert {"mypy-x", "mine", "python3.12"} <= set(linked(home))
    assert "black" not in linked(home)


def test_the_shell_files_are_published_once(home: Home) -> None:
    shims.refresh(home)
    published = {file.name: file.stat() for file in home.shell.iterdir()}
    assert {"shim.sh", "hook.bash", "hook.zsh", "hook.fish", shims.LAUNCHER} <= set(published)
    assert not any(name.endswith(".md") for name in published)
    assert stat.S_IMODE(published["shim.sh"].st_mode) == 0o755
    shims.refresh(home)
    assert {file.name: file.stat().st_ino for file in home.shell.iterdir()} == {
        name: status.st_ino for name, status in published.items()
    }
    (home.shell / "hook.bash").write_text("broken")
    shims.refresh(home)
    assert (home.shell / "hook.bash").read_bytes() == (shims.files() / "hook.bash").read_bytes()


def test_the_launcher_reports_that_envmgr_was_removed(tmp_path: Path) -> None:
    (tmp_path / "envmgr").write_text(shims.launcher().replace(sys.executable, "/nowhere/python"))
    outcome = process.run(["sh", tmp_path / "envmgr", "--version"], environ={})
    assert outcome.code == 127
    assert outcome.text == (
        "envmgr: error: envmgr was removed, or the Python that ran it\n  install envmgr again, and run `envmgr setup`\n"
    )


def test_the_launcher_runs_this_envmgr_whatever_surrounds_it(home: Home, tmp_path: Path) -> None:
    shims.refresh(home)
    (tmp_path / "envmgr.py").write_text("raise SystemExit('imported from the project')\n")
    done = subprocess.run(
        [home.shell / shims.LAUNCHER, "--version"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("envmgr ")
    assert sys.executable in shims.launcher()


def test_a_directory_that_cannot_be_written_is_an_error(home: Home) -> None:
    home.shell.write_text("in the way")
    with pytest.raises(EnvmgrError, match="shell"):
        shims.refresh(home)


def test_both_lists_of_pythons_own_commands_are_the_same() -> None:
    """The shim has them in sh, `programs` in Python: what is on one list only would be taken from two places."""
    text = (shims.files() / "shim.sh").read_text()
    branch = text.partition("\ncase $__command in\n")[2].partition("*) __elsewhere")[0]
    in_sh = re.findall(r"[\w\-*\[\]]+", branch)
    assert len(in_sh) > 8
    assert sorted(in_sh) == sorted(programs.PYTHON_COMMANDS)

"""`scripts/prerequisites` on machines that lack programs: PATH hides them, and no program of the machine is changed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/prerequisites"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Return a directory for PATH with the programs that the script runs, and git."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "dirname", "id", "env", "git"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


def ask(programs: Path, *words: str) -> tuple[int, str]:
    """Run the script; return its exit code and stderr."""
    environ = {"PATH": str(programs), "HOME": str(programs)}
    done = subprocess.run(["/bin/sh", SCRIPT, *words], env=environ, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_no_output_if_nothing_is_missing(programs: Path) -> None:
    assert ask(programs, "git", "sh") == (0, "")


@pytest.mark.parametrize(
    ("manager", "packages"),
    [
        ("apt-get", "zsh shellcheck binutils ksh python3 python3-venv"),
        ("dnf", "zsh ShellCheck binutils ksh python3"),
        ("brew", "zsh shellcheck ksh93 python@3.13"),
    ],
)
def test_what_is_missing_is_one_line_to_install(programs: Path, manager: str, packages: str) -> None:
    if manager != "apt-get":  # without any manager, the line is Debian's
        (programs / manager).write_text("#!/bin/sh\necho 'nothing is installed here' >&2\nexit 1\n")
        (programs / manager).chmod(0o755)
    code, told = ask(programs, "git", "zsh", "shellcheck", "strip", "ksh", "python3")
    assert code == 1
    assert "missing on this machine: zsh shellcheck strip ksh python3\n" in told
    assert f"{manager} install {packages}\n" in told
    assert "nothing is installed here" not in told

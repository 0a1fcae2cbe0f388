from __future__ import annotations

import os
import subprocess
import sys

import pytest

from envmgr.errors import UsageError
from envmgr.shell import detect

TELL = "import os; from envmgr.shell import detect; print(detect.current_shell({'SHELL': '/usr/bin/fish'}))"


@pytest.mark.parametrize("argv", [["bash", "--norc", "-c"], ["zsh", "-fc"], ["fish", "-Nc"]])
def test_the_shell_that_runs_us_is_found(argv: list[str]) -> None:
    command = f'{sys.executable} -c "{TELL}"; true'
    done = subprocess.run([*argv, command], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == argv[0]


def test_a_shell_is_found_through_programs_that_are_none() -> None:
    assert detect.select_shell(["sh", "python3.13", "zsh", "bash"], {}) == "zsh"


def test_the_login_shell_is_the_last_resort() -> None:
    assert detect.select_shell(["tmux: server"], {"SHELL": "/usr/bin/fish"}) == "fish"


def test_the_names_of_the_processes_above() -> None:
    names = list(detect.ancestors(os.getpid(), os.environ))
    assert names[0].startswith(("python", "pytest"))
    assert len(names) > 1


def test_an_unknown_shell_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"\\x1b"):
        detect.select_shell([], {"SHELL": "/bin/\x1b"})

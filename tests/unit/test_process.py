from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envmgr.errors import CommandNotFoundError
from envmgr.host import process

ENVIRON = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def test_a_program_is_run_with_the_given_environment_and_no_input() -> None:
    code = "import os, sys; sys.stdout.write(f'{sorted(os.environ)} {sys.stdin.read()!r}'); sys.exit(3)"
    outcome = process.run([sys.executable, "-I", "-S", "-c", code], environ=ENVIRON)
    assert (outcome.code, outcome.text) == (3, "['LC_ALL', 'PATH'] ''")


def test_a_program_is_killed_after_its_timeout() -> None:
    outcome = process.run(["sh", "-c", "echo waiting; exec sleep 60"], environ=ENVIRON, timeout=0.2)
    assert (outcome.code, outcome.text) == (124, "waiting\n")


def test_a_killed_program_has_128_plus_the_signal() -> None:
    assert process.run(["sh", "-c", "kill -9 $$"], environ=ENVIRON).code == 137


def test_a_missing_program_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandNotFoundError, match="cannot be run"):
        process.run([tmp_path / "nothing"], environ=ENVIRON)


def test_variables_of_python_and_virtualenv_are_removed() -> None:
    environ = {"PYTHONHOME": "/x", "VIRTUAL_ENV": "/v", "__PYVENV_LAUNCHER__": "/l", "HOME": "/h"}
    assert process.without_python_variables(environ) == {"HOME": "/h"}

"""Names outside of ASCII in an ASCII locale: Python then decodes their bytes to surrogates (PEP 383)."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from sandbox import Sandbox

MINOR = platform.python_version().rpartition(".")[0]
UTF_8 = {"LC_ALL": "C.UTF-8"}
ASCII = {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}  # else Python uses UTF-8 in C and POSIX (PEP 538, PEP 540)
NAMES = {"text": "caf\u00e9 \u65e5\u672c", "bytes": os.fsdecode(b"caf\xe9 \xff\xfe")}
PYPROJECT = f"""
[project]
name = "shop"
version = "1"
[tool.envmgr.env]
NAME = "caf\u00e9"
[tool.envmgr.test]
pythons = ["{MINOR}"]
commands = [["python", "-c", "import sys; sys.stdout.buffer.write(bytes([0xc3, 0xa9]))"]]
"""
COMMANDS = (
    f"use {MINOR}|use|status|status --json|list|list --json|env list|env list --json|env path|which python|"
    "which -a python|find|whence pip|run python -c pass|sync|sync --engine pip|test|allow|allow --list|run true|deny|"
    "prune -n"
)


@pytest.fixture(params=NAMES)
def odd_project(request: pytest.FixtureRequest, sandbox: Sandbox) -> Path:
    """Make a project with such a name."""
    folder = sandbox.project / NAMES[request.param]
    folder.mkdir()
    (folder / "requirements.txt").touch()
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    return folder


def output(sandbox: Sandbox, odd_project: Path, command: str, locale: dict[str, str], *, code: int = 0) -> bytes:
    """Return the stdout of a command in the project."""
    argv = [sys.executable, "-m", "envmgr", *command.split()]
    environ = sandbox.environ | {"PWD": str(odd_project)} | locale
    done = subprocess.run(argv, cwd=odd_project, env=environ, capture_output=True, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False), (command, done.stderr)
    return done.stdout


@pytest.mark.parametrize("name", ["C", "POSIX"])
def test_every_command_works_in_an_ascii_locale(sandbox: Sandbox, odd_project: Path, name: str) -> None:
    locale = ASCII | {"LC_ALL": name}
    for command in COMMANDS.split("|"):
        output(sandbox, odd_project, command, locale)
    output(sandbox, odd_project, "doctor", locale, code=1)
    output(sandbox, odd_project, "doctor --json", locale, code=1)


def test_an_environment_is_the_same_in_all_locales(sandbox: Sandbox, odd_project: Path) -> None:
    output(sandbox, odd_project, f"use {MINOR}", UTF_8)
    path = output(sandbox, odd_project, "env path", UTF_8)
    made = Path(os.fsdecode(path).strip(), "pyvenv.cfg").stat().st_ino
    assert output(sandbox, odd_project, "env path", ASCII | {"LC_ALL": "C"}) == path
    output(sandbox, odd_project, "use", ASCII | {"LC_ALL": "C"})
    assert Path(os.fsdecode(path).strip(), "pyvenv.cfg").stat().st_ino == made


def test_a_python_with_a_path_outside_of_ascii_is_listed(sandbox: Sandbox, odd_project: Path) -> None:
    python = odd_project / "bin" / f"python{MINOR}"
    python.parent.mkdir()
    python.symlink_to(Path(sys.base_prefix) / "bin" / python.name)
    output(sandbox, odd_project, f"link bin/{python.name} odd", UTF_8)
    try:
        for command in ("list", "list --json", "find odd"):
            output(sandbox, odd_project, command, ASCII | {"LC_ALL": "C"})
    finally:
        output(sandbox, odd_project, "uninstall --force odd", ASCII | {"LC_ALL": "C"})

"""Names that are no ASCII, in a locale that is nothing else: Python then has surrogates for what a name's bytes are."""

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
ASCII = {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}  # else Python takes C and POSIX for UTF-8 (PEP 538, PEP 540)
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
VERBS = (
    f"use {MINOR}|use|status|status --json|list|list --json|env list|env list --json|env path|which python|"
    "which -a python|find|whence pip|run python -c pass|sync|sync --engine pip|test|allow|allow --list|run true|deny|"
    "prune -n"
)


@pytest.fixture(params=NAMES)
def place(request: pytest.FixtureRequest, sandbox: Sandbox) -> Path:
    """Make a project of such a name."""
    folder = sandbox.project / NAMES[request.param]
    folder.mkdir()
    (folder / "requirements.txt").touch()
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    return folder


def said(sandbox: Sandbox, place: Path, verb: str, locale: dict[str, str], *, code: int = 0) -> bytes:
    """Return what a verb prints in the project."""
    argv = [sys.executable, "-m", "envmgr", *verb.split()]
    environ = sandbox.environ | {"PWD": str(place)} | locale
    done = subprocess.run(argv, cwd=place, env=environ, capture_output=True, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False), (verb, done.stderr)
    return done.stdout


@pytest.mark.parametrize("name", ["C", "POSIX"])
def test_every_verb_works_in_an_ascii_locale(sandbox: Sandbox, place: Path, name: str) -> None:
    locale = ASCII | {"LC_ALL": name}
    for verb in VERBS.split("|"):
        said(sandbox, place, verb, locale)
    said(sandbox, place, "doctor", locale, code=1)
    said(sandbox, place, "doctor --json", locale, code=1)


def test_an_environment_is_the_same_in_all_locales(sandbox: Sandbox, place: Path) -> None:
    said(sandbox, place, f"use {MINOR}", UTF_8)
    path = said(sandbox, place, "env path", UTF_8)
    made = Path(os.fsdecode(path).strip(), "pyvenv.cfg").stat().st_ino
    assert said(sandbox, place, "env path", ASCII | {"LC_ALL": "C"}) == path
    said(sandbox, place, "use", ASCII | {"LC_ALL": "C"})
    assert Path(os.fsdecode(path).strip(), "pyvenv.cfg").stat().st_ino == made


def test_a_python_whose_path_is_no_ascii_is_listed(sandbox: Sandbox, place: Path) -> None:
    python = place / "bin" / f"python{MINOR}"
    python.parent.mkdir()
    python.symlink_to(Path(sys.base_prefix) / "bin" / python.name)
    said(sandbox, place, f"link bin/{python.name} odd", UTF_8)
    try:
        for verb in ("list", "list --json", "find odd"):
            said(sandbox, place, verb, ASCII | {"LC_ALL": "C"})
    finally:
        said(sandbox, place, "uninstall --force odd", ASCII | {"LC_ALL": "C"})

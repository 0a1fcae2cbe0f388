"""`probe` with real Pythons, old and new, and with programs that are not Pythons."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from python_archives import pythons

from envmgr.errors import BrokenInterpreterError
from envmgr.pythons.probe import probe

ENVIRON = {"PATH": os.environ["PATH"]}
INSTALLED = sorted(path for path in pythons().iterdir() if (path / "bin/python").exists())


@pytest.mark.parametrize("prefix", INSTALLED, ids=lambda prefix: prefix.name)
def test_description_of_a_python(prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules in the current directory and environment variables have no effect."""
    for module in ("json", "os", "re", "sitecustomize"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('not yours')")
    monkeypatch.chdir(tmp_path)
    said = probe(prefix / "bin/python", ENVIRON | {"PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nonexistent"})
    assert (said.implementation, said.version, said.flags) == ("cpython", prefix.name, "")
    assert said.prefix.samefile(prefix)
    assert said.library.is_relative_to(said.prefix / "lib")
    assert said.library.name == "os.py"


def test_the_modules_asked_for_are_imported() -> None:
    assert probe(Path(sys.executable), ENVIRON, imports=("_ssl", "zlib")).prefix == Path(sys.base_prefix)
    with pytest.raises(
        BrokenInterpreterError, match=r"^mine: does not start: .*No module named 'nothing_of_this_name'"
    ):
        probe(Path(sys.executable), ENVIRON, name="mine", imports=("nothing_of_this_name",))


def script(folder: Path, text: str) -> Path:
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return program


def test_a_python_that_forks_is_not_waited_for(tmp_path: Path) -> None:
    """A process that it leaves behind keeps its output open, and is killed."""
    python = f'(echo $$ >{tmp_path}/pid; exec sleep 300) & exec {sys.executable} "$@"'
    before = time.monotonic()
    assert probe(script(tmp_path, python), ENVIRON).implementation == "cpython"
    with pytest.raises(BrokenInterpreterError, match="no output within 1 s"):
        probe(script(tmp_path, "sleep 300 & exit 0"), ENVIRON, timeout=1)
    assert time.monotonic() - before < 15


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sleep 300", "no output within 0.5 s"),
        ("trap '' TERM INT HUP; while :; do :; done", "no output within 0.5 s"),
        ("exec yes", "no output"),
        ("exec cat /dev/zero", "no output"),
        ("exec >&- 2>&-; sleep 300", "no output"),
        ("exit 0", "not a Python that envmgr knows"),
        ("exit 3", "does not start: exit code 3"),
        ("echo no; kill -9 $$", "does not start: no"),
        ("echo 'envmgr-probe {'", "not a Python that envmgr knows"),
        ("echo 'envmgr-probe {}'", "not a Python that envmgr knows"),
        ("""echo 'envmgr-probe {"implementation": 1}'""", "not a Python that envmgr knows"),
        ("printf 'envmgr-probe %05000d\\n' 0 | tr 0 '['", "not a Python that envmgr knows"),
    ],
)
def test_other_programs_are_refused_within_limits(text: str, message: str, tmp_path: Path) -> None:
    before = time.monotonic()
    with pytest.raises(BrokenInterpreterError, match=message):
        probe(script(tmp_path, text), ENVIRON, timeout=0.5 if "0.5" in message or message == "no output" else 20)
    assert time.monotonic() - before < 15


def test_program_that_cannot_be_run_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BrokenInterpreterError, match="No such file"):
        probe(tmp_path / "none", ENVIRON)
    nonsense = tmp_path / "python"
    shutil.copy("/dev/null", nonsense)
    with pytest.raises(BrokenInterpreterError, match="Permission denied"):
        probe(nonsense, ENVIRON)

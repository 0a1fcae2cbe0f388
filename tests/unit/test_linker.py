from __future__ import annotations

from pathlib import Path

import pytest

from envmgr.pythons import linker
from envmgr.pythons.discovery import FoundPython
from envmgr.versions.version import Build

BUILD = Build.parse("cpython-3.12.1+x-linux-x86_64-gnu")
PYTHON = {"python", "python3", "python3.12"}


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (
            "pyenv",
            {"pip", "pip3.12", "pip3.11", "python3.11", "python3.12-config", "idle3", "black", "curl", "2to3-3.12"},
        ),
        ("conda", {"pip", "pip3.12", "pip3.11", "python3.11", "python3.12-config", "idle3", "2to3-3.12"}),
        ("system", {"pip", "pip3", "pip3.12", "python-config", "python3-config", "python3.12-config"}),
    ],
)
def test_an_interpreter_brings_the_programs_that_are_its_own(origin: str, expected: set[str], tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if origin == "conda":
        (tmp_path / "conda-meta").mkdir()
    for name in ("python3.12", "python3.12-config", "python3.11", "pip", "pip3.12", "pip3.11", "idle3", "2to3-3.12"):
        (programs / name).touch(mode=0o755)
    for name in ("black", "curl"):
        (programs / name).touch(mode=0o755)
    (programs / "notes.txt").touch(mode=0o644)
    (programs / "python2").symlink_to("nowhere")
    found = linker.programs(BUILD, FoundPython(origin, programs / "python3.12"))
    assert set(found) == expected | PYTHON
    assert {found[name] for name in PYTHON} == {programs / "python3.12"}
    assert found["pip"].name == ("pip3.12" if origin == "system" else "pip")

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_carries_the_whole_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    source = {file.relative_to(ROOT / "src").as_posix() for file in (ROOT / "src/envmgr").rglob("*") if file.is_file()}
    source = {name for name in source if "__pycache__" not in name}
    assert source <= names


def test_the_wheel_carries_the_shims(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"envmgr/_shims/{file.name}" for file in (ROOT / "shims").iterdir()} <= names


def test_the_wheel_carries_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0].partition("-")[0] for name in archive.namelist()}
    assert tops == {"envmgr", "envmgr_py"}  # the package, and the metadata of the distribution


def test_the_installed_wheel_starts(installed_wheel: Path) -> None:
    told = subprocess.run([installed_wheel, "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("envmgr ")

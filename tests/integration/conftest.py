from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sandbox import Sandbox

from envmgr.host.paths import Home
from envmgr.host.platforms import this_platform
from envmgr.pythons import aliases
from envmgr.pythons.store import Interpreter, Store
from envmgr.versions.version import Build, Version

collect_ignore = [] if os.geteuid() == 0 else ["test_other_users.py"]  # needs root to mount and to become another user


def _link(home: Home, prefix: Path, version: str) -> Interpreter:
    """Point `home` to the Python in `prefix`, the way `envmgr link` does."""
    build = Build("cpython", Version.parse(version), "", "test", this_platform())
    programs = home.versions / str(build) / "bin"
    programs.mkdir(parents=True)
    minor = build.version.minor_text
    for name in ("python", "python3", f"python{minor}"):
        (programs / name).symlink_to(prefix / "bin" / f"python{minor}")
    aliases.update_aliases(home)
    return Store(home).interpreter(build)


@pytest.fixture(scope="session")
def link() -> Callable[[Home, Path, str], Interpreter]:
    """Return the function that points a store to the Python in a prefix, by its version."""
    return _link


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a store with one real interpreter, that which runs the tests; templates in it are made once."""
    home = Home(tmp_path_factory.mktemp("shared") / "home")
    _link(home, Path(sys.base_prefix), platform.python_version())
    return home


@pytest.fixture
def interpreter(shared: Home) -> Interpreter:
    """Return the interpreter of the shared store."""
    return Store(shared).interpreter(next(Store(shared).builds()))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return an empty project directory."""
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


@pytest.fixture
def sandbox(shared: Home, interpreter: Interpreter, project: Path, environ: dict[str, str]) -> Sandbox:  # noqa: ARG001
    """Return a sandbox with an empty project and the shared store."""
    return Sandbox(shared, project, environ | {"ENVMGR_HOME": str(shared.root)})

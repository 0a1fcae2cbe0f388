"""The program under test: as installed from the clone, and as installed from a wheel that was built from the sdist."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from python_archives import CACHE

from envmgr.host import files, lock, process

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sys.executable).parent  # where the dev group's uv is
TOOLS = ("hatch", "nox", "pdm", "pipenv", "poetry", "tox")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist."""
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(build, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def installed_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `envmgr` of an environment that has the wheel, and nothing of the clone."""
    venv = tmp_path_factory.mktemp("wheel") / "venv"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, venv], check=True)
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", venv / "bin/python", wheel], check=True)
    return venv / "bin/envmgr"


@pytest.fixture(params=["clone", "wheel"])
def program(request: pytest.FixtureRequest) -> Path:
    """The `envmgr` to run."""
    if request.param == "clone":
        return Path(sys.executable).with_name("envmgr")
    found = request.getfixturevalue("installed_wheel")
    assert isinstance(found, Path)
    return found


@pytest.fixture(scope="session")
def tools() -> Path:
    """A folder of other tools' programs, each from PyPI and installed apart from the others, kept between runs.

    uv is the dev group's; mise is there where npm has brought it, and ENVMGR_TEST_MISE says where.
    """
    place = CACHE / "tools"
    environ = {"UV_TOOL_DIR": str(place), "UV_TOOL_BIN_DIR": str(place / "bin"), "UV_PYTHON_DOWNLOADS": "never"}
    with lock.exclusive(CACHE / ".tools.lock"):
        for tool in TOOLS:
            if not (place / "bin" / tool).exists():
                install: list[str | Path] = [SCRIPTS / "uv", "tool", "install", "-q", "-p", sys.executable, tool]
                outcome = process.run(install, environ={**process.without_python_variables(os.environ), **environ})
                assert outcome.code == 0, outcome.text
        for tool, folder in {"uv": str(SCRIPTS), "mise": os.environ.get("ENVMGR_TEST_MISE")}.items():
            if folder:
                files.link_atomically(place / "bin" / tool, f"{folder}/{tool}")
    return place / "bin"

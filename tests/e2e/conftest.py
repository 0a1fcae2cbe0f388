"""The program under test: as installed from the clone, and as installed from a wheel that was built from the sdist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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

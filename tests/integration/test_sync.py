"""`envmgr sync` with both engines, from wheels in a folder."""

from __future__ import annotations

import platform
import shutil

import pytest
from desk import Desk
from wheels import wheel

MINOR = platform.python_version().rpartition(".")[0]


@pytest.fixture(params=["uv", "pip"])
def engine(request: pytest.FixtureRequest, desk: Desk) -> str:
    """Return an engine's name, with packages to be had from `wheels` alone."""
    for name in [name for name in desk.environ if name.startswith(("PIP_", "UV_"))]:
        del desk.environ[name]
    desk.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "wheels"}
    (desk.project / "uv.toml").write_text("no-index = true\nfind-links = ['wheels']\n")
    (desk.project / ".python-version").write_text(f"{MINOR}\n")
    return str(request.param)


def version(desk: Desk, name: str) -> str:
    return desk.call("run", "python", "-c", f"import {name}; print({name}.VERSION)").strip()


def test_requirements_with_hashes_are_installed_once(desk: Desk, engine: str) -> None:
    """The environment is made by the way; a second call does nothing; what changed is noticed."""
    good = wheel(desk.project / "wheels", "tomato", "1.0")
    wheel(desk.project / "wheels", "tomato", "2.0")
    requirements = desk.project / "requirements.txt"
    requirements.write_text(f"tomato==1.0 --hash=sha256:{good}\n")
    assert f"with {engine}" in desk.talk("sync", "--engine", engine)
    assert version(desk, "tomato") == "1.0"
    assert desk.talk("sync", "--engine", engine) == "Nothing to do: requirements.txt unchanged\n"

    requirements.write_text(f"tomato==2.0 --hash=sha256:{good}\n")
    assert f"{engine} failed" in desk.call("sync", "--engine", engine, code=8)
    requirements.write_text("tomato==2.0\n")
    desk.call("sync", "--engine", engine)
    assert version(desk, "tomato") == "2.0"

    made = desk.made(MINOR)
    for file in made.path.glob("lib/*/site-packages/tomato*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    assert f"with {engine}" in desk.talk("sync", "--engine", engine)


def test_pyproject_with_groups(desk: Desk, engine: str) -> None:
    for name in ("tomato", "basil", "salt"):
        wheel(desk.project / "wheels", name, "1.0")
    (desk.project / "pyproject.toml").write_text(
        "[project]\nname = 'shop'\ndependencies = ['tomato']\noptional-dependencies = { fine = ['salt'] }\n"
        "[dependency-groups]\ntest = ['basil']\n"
    )
    assert desk.call("sync", "--engine", engine) == ""
    assert version(desk, "tomato") == "1.0"
    desk.call("run", "python", "-c", "import basil", code=1)
    desk.call("sync", "--engine", engine, "--group", "test", "--extra", "fine")
    assert (version(desk, "basil"), version(desk, "salt")) == ("1.0", "1.0")


def test_a_lock_is_installed(desk: Desk, engine: str) -> None:
    digest = wheel(desk.project / "wheels", "tomato", "1.0")
    (desk.project / "pylock.toml").write_text(
        "lock-version = '1.0'\ncreated-by = 'test'\n[[packages]]\nname = 'tomato'\nversion = '1.0'\n"
        "[[packages.wheels]]\nname = 'tomato-1.0-py3-none-any.whl'\npath = 'wheels/tomato-1.0-py3-none-any.whl'\n"
        f"hashes = {{ sha256 = '{digest}' }}\n"
    )
    desk.call("sync", "--engine", engine)
    assert version(desk, "tomato") == "1.0"


def test_a_project_that_declares_nothing_is_told(desk: Desk, engine: str) -> None:
    assert "declares nothing" in desk.call("sync", "--engine", engine, code=2)


def test_without_uv_and_without_pip_nothing_can_be_installed(desk: Desk) -> None:
    desk.call("use", "--no-pip", MINOR)
    (desk.project / "requirements.txt").write_text("tomato\n")
    assert "pip is not there" in desk.call("sync", "--engine", "pip", code=8)

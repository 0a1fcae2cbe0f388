"""`envmgr sync` with both engines, from a directory of wheels."""

from __future__ import annotations

import platform
import shutil

import pytest
from sandbox import Sandbox
from wheels import wheel

MINOR = platform.python_version().rpartition(".")[0]


@pytest.fixture(params=["uv", "pip"])
def engine(request: pytest.FixtureRequest, sandbox: Sandbox) -> str:
    """Return the name of an engine; packages are only available from the directory `wheels`."""
    for name in [name for name in sandbox.environ if name.startswith(("PIP_", "UV_"))]:
        del sandbox.environ[name]
    sandbox.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "wheels"}
    (sandbox.project / "uv.toml").write_text("no-index = true\nfind-links = ['wheels']\n")
    (sandbox.project / ".python-version").write_text(f"{MINOR}\n")
    return str(request.param)


def version(sandbox: Sandbox, name: str) -> str:
    return sandbox.run("run", "python", "-c", f"import {name}; print({name}.VERSION)").strip()


def test_requirements_with_hashes_are_installed_once(sandbox: Sandbox, engine: str) -> None:
    """The first call creates the environment, the second does nothing; a changed file is installed again."""
    good = wheel(sandbox.project / "wheels", "tomato", "1.0")
    wheel(sandbox.project / "wheels", "tomato", "2.0")
    requirements = sandbox.project / "requirements.txt"
    requirements.write_text(f"tomato==1.0 --hash=sha256:{good}\n")
    assert f"with {engine}" in sandbox.messages("sync", "--engine", engine)
    assert version(sandbox, "tomato") == "1.0"
    assert sandbox.messages("sync", "--engine", engine) == "Nothing to do: requirements.txt unchanged\n"

    requirements.write_text(f"tomato==2.0 --hash=sha256:{good}\n")
    assert f"{engine} failed" in sandbox.run("sync", "--engine", engine, code=8)
    requirements.write_text("tomato==2.0\n")
    sandbox.run("sync", "--engine", engine)
    assert version(sandbox, "tomato") == "2.0"

    made = sandbox.environment(MINOR)
    for file in made.path.glob("lib/*/site-packages/tomato*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    assert f"with {engine}" in sandbox.messages("sync", "--engine", engine)


def test_pyproject_with_groups(sandbox: Sandbox, engine: str) -> None:
    for name in ("tomato", "basil", "salt"):
        wheel(sandbox.project / "wheels", name, "1.0")
    (sandbox.project / "pyproject.toml").write_text(
        "[project]\nname = 'shop'\ndependencies = ['tomato']\noptional-dependencies = { fine = ['salt'] }\n"
        "[dependency-groups]\ntest = ['basil']\n"
    )
    assert sandbox.run("sync", "--engine", engine) == ""
    assert version(sandbox, "tomato") == "1.0"
    sandbox.run("run", "python", "-c", "import basil", code=1)
    sandbox.run("sync", "--engine", engine, "--group", "test", "--extra", "fine")
    assert (version(sandbox, "basil"), version(sandbox, "salt")) == ("1.0", "1.0")


def test_a_lock_is_installed(sandbox: Sandbox, engine: str) -> None:
    digest = wheel(sandbox.project / "wheels", "tomato", "1.0")
    (sandbox.project / "pylock.toml").write_text(
        "lock-version = '1.0'\ncreated-by = 'test'\n[[packages]]\nname = 'tomato'\nversion = '1.0'\n"
        "[[packages.wheels]]\nname = 'tomato-1.0-py3-none-any.whl'\npath = 'wheels/tomato-1.0-py3-none-any.whl'\n"
        f"hashes = {{ sha256 = '{digest}' }}\n"
    )
    sandbox.run("sync", "--engine", engine)
    assert version(sandbox, "tomato") == "1.0"


def test_sync_without_requirements_is_an_error(sandbox: Sandbox, engine: str) -> None:
    assert "has no requirements" in sandbox.run("sync", "--engine", engine, code=2)


def test_sync_without_an_engine_is_an_error(sandbox: Sandbox) -> None:
    sandbox.run("use", "--no-pip", MINOR)
    (sandbox.project / "requirements.txt").write_text("tomato\n")
    assert "pip was not found" in sandbox.run("sync", "--engine", "pip", code=8)

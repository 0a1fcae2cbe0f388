"""`envmgr test` of projects that are configured for tox, hatch or nox, read by the real tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from python_archives import pythons
from sandbox import Sandbox

from envmgr.host.paths import Home
from envmgr.pythons.store import Interpreter


@pytest.fixture(scope="session")
def trio(tmp_path_factory: pytest.TempPathFactory, link: Callable[[Home, Path, str], Interpreter]) -> Home:
    """Return a store with two Pythons."""
    home = Home(tmp_path_factory.mktemp("trio") / "home")
    for version in ("3.11.7", "3.12.1"):
        link(home, pythons() / version, version)
    return home


@pytest.fixture
def project(sandbox: Sandbox, trio: Home) -> Sandbox:
    sandbox.home, sandbox.environ["ENVMGR_HOME"] = trio, str(trio.root)
    return sandbox


def test_the_environments_of_tox_ini(project: Sandbox) -> None:
    show = "import os, sys; print(os.environ['OWN'], sys.version_info[:2], os.getcwd(), *sys.argv[1:])"
    (project.project / "tox.ini").write_text(
        "[tox]\nenv_list = py3{11,12}\nno_package = true\n"
        "[testenv]\nset_env =\n  OWN = {env_name}\nchange_dir = {env_tmp_dir}\n"
        f'commands =\n  python -c "{show}" {{posargs:default}}\n'
        "[testenv:other]\ncommands = python -c 'raise SystemExit(3)'\n"
    )
    out = project.run("test", "--", "one", "two words")
    assert "py311 (3, 11) " in out
    assert "/tmp/py312 one two words\n" in out
    assert "passed: py311, py312\n" in project.messages("test")
    assert "failed: other\n" in project.run("test", "--cell", "other", code=1)
    assert not (project.project / ".tox").exists()
    assert [line.split() for line in project.run("test", "--list").splitlines()] == [
        ["py311", "3.11"],
        ["py312", "3.12"],
    ]


def test_the_matrix_of_hatch(project: Sandbox) -> None:
    (project.project / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1"\n[tool.hatch.envs.test]\nskip-install = true\n'
        "[tool.hatch.envs.test.scripts]\ntest = \"python -c 'import sys; print(sys.version_info[:2])'\"\n"
        '[[tool.hatch.envs.test.matrix]]\npython = ["3.11", "3.12"]\n'
    )
    out = project.run("test")
    assert "(3, 11)\n" in out
    assert "(3, 12)\n" in out
    assert "passed: test.py3.11, test.py3.12\n" in project.messages("test")


def test_nox_runs_on_our_pythons(project: Sandbox) -> None:
    (project.project / "noxfile.py").write_text(
        "import nox\n@nox.session(python=['3.11', '3.12'], venv_backend='uv')\n"
        "def tests(session):\n    session.run('python', '-c', 'import sys; print(sys.version_info[:2])')\n"
    )
    told = project.messages("test", "--from", "nox", "--", "--session", "tests-3.12")
    assert "(3, 12)" in told
    assert "(3, 11)" not in told

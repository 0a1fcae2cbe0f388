"""The configurations of tox and hatch, as these tools print them, translated into cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envmgr.testing import hatch, tox
from envmgr.testing.cell import Settings

PROJECT = Path("/p")
TOX: dict[str, Any] = {
    "base_python": ["py312"],
    "runner": "virtualenv",
    "package": "editable",
    "deps": ["-r req.txt", "django>=5.0,<5.1"],
    "constraints": ["cons.txt"],
    "extras": ["cli"],
    "dependency_groups": ["test"],
    "skip_install": False,
    "commands_pre": ["- echo /w/py312/log"],
    "commands": ["! python -c 'import sys; sys.exit(3)'", "pytest --basetemp=/w/py312/tmp 'two words'"],
    "commands_post": [],
    "set_env": {"TOX_ENV_DIR": "/w/py312", "TOX_WORK_DIR": "/w", "A": "b", "PYTHONHASHSEED": "7", "PIP_X": "1"},
    "pass_env": ["CI*"],
    "change_dir": "/p/sub",
    "depends": ["lint", "unknown"],
    "labels": ["ci"],
    "ignore_outcome": True,
    "platform": "linux|darwin",
    "env_dir": "/w/py312",
    "env_tmp_dir": "/w/py312/tmp",
    "env_log_dir": "/w/py312/log",
}
LINT: dict[str, Any] = {"base_python": ["/usr/bin/python3"], "package": "skip", "commands": ["ruff check"]}


def imported(**environments: dict[str, Any]) -> tox.Imported:
    return tox.translate({"py312": TOX, "lint": LINT, **environments}, {"env_list": ["py312"]}, PROJECT)


def test_a_tox_environment_is_a_cell() -> None:
    found = imported()
    cell, lint = found.cells
    assert (cell.name, cell.python, found.default) == ("py312", "3.12", ("py312",))
    assert cell.settings == Settings(
        groups=("test",),
        extras=("cli",),
        deps=("-r req.txt", "django>=5.0,<5.1"),
        constraints=("cons.txt",),
        env={"TOX_ENV_DIR": "{environment}", "A": "b"},
        pass_env=("CI*",),
        cwd="sub",
        commands=(
            ("!", "python", "-c", "import sys; sys.exit(3)"),
            ("pytest", "--basetemp={tmp}", "two words"),
        ),
        commands_before=(("-", "echo", "{tmp}/log"),),
        package="editable",
        allow_failure=True,
        labels=("ci",),
        depends=("lint",),
    )
    assert (lint.python, lint.settings.package, lint.settings.cwd) == ("3", "none", ".")


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("py312", "3.12"),
        ("py3.12", "3.12"),
        ("3.12", "3.12"),
        ("python3.12", "3.12"),
        ("pypy3.11", "pypy3.11"),
        ("pypy310", "pypy3.10"),
        ("py3.14t", "3.14t"),
        ("py314t", "3.14t"),
        ("py3", "3"),
        ("py", "3"),
        ("/usr/bin/python3.11", "3"),
    ],
)
def test_names_of_pythons(name: str, request_: str) -> None:
    found = imported(x={**LINT, "base_python": [name]})
    assert found.cells[-1].python == request_


@pytest.mark.parametrize(
    ("keys", "note"),
    [
        ({"package": "external"}, "package = external is not supported"),
        ({"platform": "win32"}, "for win32"),
        ({"commands": {"error": "Skip('no python')"}}, "tox cannot resolve commands: Skip"),
        ({"commands": []}, "has no commands"),
    ],
)
def test_an_environment_that_cannot_be_carried_over_is_named(keys: dict[str, Any], note: str) -> None:
    found = imported(odd={**LINT, **keys})
    assert "odd" not in {cell.name for cell in found.cells}
    assert any(each.startswith("odd: ") and note in each for each in found.notes)


def test_the_packaging_environments_of_tox_are_left_out() -> None:
    found = imported(**{".pkg": {"commands": []}})
    assert found.notes == ()


def test_a_lock_runner_takes_its_versions_from_the_lock() -> None:
    keys = {"runner": "uv-venv-lock-runner", "package": "wheel", "dependency_groups": ["tests"], "commands": ["pytest"]}
    cell = imported(locked=keys).cells[-1]
    assert (cell.settings.lock, cell.settings.groups, cell.settings.package) == (True, ("tests",), "wheel")


@pytest.mark.parametrize(
    ("keys", "package"),
    [
        ({"package": "sdist"}, "sdist"),
        ({"package": "deps-only"}, "deps-only"),
        ({"use_develop": True, "package": "sdist"}, "editable"),
        ({"skip_install": True, "package": "wheel"}, "none"),
    ],
)
def test_packages(keys: dict[str, Any], package: str) -> None:
    assert imported(x={"commands": ["x"], **keys}).cells[-1].settings.package == package


HATCH: dict[str, Any] = {
    "default": {"type": "virtual", "scripts": {"test": ["x"]}},
    "test.py3.12-5.0": {
        "type": "virtual",
        "python": "3.12",
        "features": ["cli"],
        "dependency-groups": ["lint"],
        "dependencies": ["pytest"],
        "extra-dependencies": ["mock"],
        "env-vars": {"BAR": "5.0"},
        "pre-install-commands": ["echo pre"],
        "scripts": {"test": ["pytest tests", "- coverage combine"]},
    },
    "docs.a": {"scripts": {"build": ["x"]}},
    "hatch-test.py3.12": {"python": "3.12", "dependencies": ["pytest"], "scripts": {"run": ["pytest"]}},
}


def test_a_hatch_matrix_is_cells() -> None:
    found = hatch.translate(HATCH, own_tests=False)
    (cell,) = found.cells
    assert (cell.name, cell.python) == ("test.py3.12-5.0", "3.12")
    assert cell.settings == Settings(
        groups=("lint",),
        extras=("cli",),
        deps=("pytest", "mock"),
        env={"BAR": "5.0"},
        pass_env=("*",),
        commands_before=(("sh", "-c", "echo pre"),),
        commands=(("sh", "-c", "pytest tests"), ("-", "sh", "-c", "coverage combine")),
        package="editable",
    )
    assert found.notes[0].startswith("docs.a: has no script")


def test_hatch_test_goes_first() -> None:
    (cell,) = hatch.translate(HATCH, own_tests=True).cells
    assert (cell.name, cell.settings.commands) == ("py3.12", (("sh", "-c", "pytest"),))

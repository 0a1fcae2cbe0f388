"""Test runs without a table."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from envmgr.errors import UsageError
from envmgr.host import config
from envmgr.testing import defaults
from envmgr.versions import release_cycle

TODAY = date(2026, 11, 21)
PROJECT = '[project]\nname = "x"\nrequires-python = ">=3.9"\n'


def project(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def choices(folder: Path, files: dict[str, str]) -> dict[str, tuple[tuple[object, ...], str]]:
    found = defaults.work_out(project(folder, files), TODAY)
    return {each.key: (each.value, each.reason) for each in found.choices}


def test_the_release_cycle_has_a_day_for_each_end() -> None:
    assert release_cycle.supported(TODAY) == ["3.11", "3.12", "3.13", "3.14", "3.15"]
    assert "3.10" in release_cycle.supported(date(2026, 10, 31))
    assert "3.15" not in release_cycle.supported(date(2026, 9, 30))


@pytest.mark.parametrize(
    ("metadata", "pythons", "reason"),
    [
        ("", "3.11 3.12 3.13 3.14 3.15", "no requires-python"),
        ("requires-python = '>=3.9,<3.14'\n", "3.11 3.12 3.13", "requires-python >=3.9,<3.14"),
        ("requires-python = '>=3.12.4'\n", "3.12 3.13 3.14 3.15", "requires-python"),
        (
            "classifiers = ['Programming Language :: Python :: 3.10', 'Programming Language :: Python :: 3.12']\n",
            "3.12",
            "without 3.10, at end of life",
        ),
    ],
)
def test_pythons(tmp_path: Path, metadata: str, pythons: str, reason: str) -> None:
    found = choices(tmp_path, {"pyproject.toml": f"[project]\nname = 'x'\n{metadata}", "conftest.py": ""})
    assert found["pythons"][0] == tuple(pythons.split())
    assert reason in found["pythons"][1]


@pytest.mark.parametrize(
    ("files", "key", "value"),
    [
        ({"pyproject.toml": PROJECT + "[dependency-groups]\ndev = []\ntests = ['pytest']\n"}, "groups", "tests"),
        ({"pyproject.toml": PROJECT + "[project.optional-dependencies]\ntest = ['pytest']\n"}, "extras", "test"),
        ({"requirements/dev.txt": "pytest\n"}, "requirements", "requirements/dev.txt"),
        ({"requirements-test.txt": "pytest\n", "dev-requirements.txt": ""}, "requirements", "requirements-test.txt"),
    ],
)
def test_requirements(tmp_path: Path, files: dict[str, str], key: str, value: str) -> None:
    found = choices(tmp_path, files | {"tests/test_x.py": "import pytest\n"})
    assert found[key][0] == (value,)
    assert "deps" not in found


@pytest.mark.parametrize(
    ("files", "command", "reason"),
    [
        ({"pytest.ini": ""}, "python -m pytest {args}", "file pytest.ini"),
        ({"setup.cfg": "[tool:pytest]\n"}, "python -m pytest {args}", "[tool:pytest] in setup.cfg"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "python -m pytest {args}", "[tool.pytest]"),
        (
            {"tests/a/test_x.py": "x = 1\nimport pytest\n"},
            "python -m pytest {args}",
            "tests/a/test_x.py imports pytest",
        ),
        ({"test_x.py": "import unittest\n"}, "python -m unittest discover {args}", "do not import pytest"),
        ({"tests/test_x.py": ""}, "python -m unittest discover -s tests {args}", ""),
        ({"tests/__init__.py": ""}, "python -m unittest discover -s tests -t . {args}", ""),
    ],
)
def test_commands(tmp_path: Path, files: dict[str, str], command: str, reason: str) -> None:
    (words,), why = choices(tmp_path, files)["commands"]
    assert " ".join(words) == command  # type: ignore[arg-type]  # words are strings
    assert reason in why


def test_pytest_is_installed_where_nothing_names_it(tmp_path: Path) -> None:
    assert choices(tmp_path, {"pytest.ini": "", "requirements-dev.txt": "idna\n"})["deps"][0] == ("pytest",)


def test_a_group_that_includes_pytest_by_another(tmp_path: Path) -> None:
    groups = (
        "[dependency-groups]\nall = [{include-group = 'base'}]\ntest = [{include-group = 'all'}]\nbase = ['pytest']\n"
    )
    found = choices(tmp_path, {"pyproject.toml": groups, "tests/test_x.py": ""})
    assert found["commands"][1] == "dependency group test has pytest"


def test_no_tests_and_no_supported_python_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no tests found"):
        defaults.work_out(tmp_path, TODAY)
    files = {"pyproject.toml": "[project]\nname = 'x'\nrequires-python = '<3.9'\n", "pytest.ini": ""}
    with pytest.raises(UsageError, match="allows no Python that is still supported"):
        defaults.work_out(project(tmp_path, files), TODAY)


def test_declarations_of_other_tools_are_named(tmp_path: Path) -> None:
    text = "[tool.poetry.group.dev.dependencies]\npytest = '*'\n[tool.pdm.dev-dependencies]\ntest = []\n"
    found = defaults.work_out(project(tmp_path, {"pyproject.toml": text, "pytest.ini": "", "Pipfile": ""}), TODAY)
    assert [note.split(" ")[0] for note in found.notes] == [
        "[tool.poetry.group]",
        "[tool.pdm.dev-dependencies]",
        "Pipfile",
    ]


def test_the_table_that_is_written_means_the_same(tmp_path: Path) -> None:
    folder = project(tmp_path, {"pyproject.toml": PROJECT + "[dependency-groups]\ntest = []\n", "pytest.ini": ""})
    found = defaults.work_out(folder, TODAY)
    tables = config.parse(defaults.as_toml(found), Path("x"))["tool"]["envmgr"]["test"]
    assert tables == {
        "pythons": ["3.11", "3.12", "3.13", "3.14", "3.15"],
        "groups": ["test"],
        "commands": [["python", "-m", "pytest", "{args}"]],
        "deps": ["pytest"],
    }

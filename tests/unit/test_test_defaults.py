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
        ({"test_x.py": "def test_x():\n    pass\n"}, "python -m pytest {args}", "test_x.py has test functions"),
        (
            {"test_x.py": "class X(unittest.TestCase):\n    def test_x(self): ...\n"},
            "python -m unittest discover {args}",
            "",
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


@pytest.mark.parametrize(
    ("files", "lock"),
    [
        ({"pyproject.toml": PROJECT + "[dependency-groups]\ntest = ['pytest']\n", "uv.lock": ""}, True),
        ({"pyproject.toml": PROJECT + "[project.optional-dependencies]\ntest = ['pytest']\n", "uv.lock": ""}, True),
        ({"pyproject.toml": PROJECT + "[dependency-groups]\ntest = ['pytest']\n"}, False),
        ({"requirements-test.txt": "pytest", "uv.lock": ""}, False),
        ({"uv.lock": ""}, False),
    ],
)
def test_the_lock_of_uv_is_used_for_groups_and_extras(tmp_path: Path, files: dict[str, str], *, lock: bool) -> None:
    found = defaults.work_out(project(tmp_path, files | {"pytest.ini": ""}), TODAY)
    assert found.table.settings.lock is lock
    assert [each.key for each in found.choices][1:2] == (["lock"] if lock else [found.choices[1].key])
    assert ("lock = true" in defaults.as_toml(found)) is lock
    assert found.table.source == tmp_path / "pyproject.toml"
    assert isinstance(found.notes, tuple)


@pytest.mark.parametrize("name", defaults.GROUPS)
@pytest.mark.parametrize(
    "form", ["requirements/{}.txt", "requirements-{}.txt", "requirements_{}.txt", "{}-requirements.txt"]
)
def test_requirements_files_have_the_usual_names(tmp_path: Path, name: str, form: str) -> None:
    file = form.format(name)
    assert choices(tmp_path, {file: "pytest\n", "pytest.ini": ""})["requirements"] == ((file,), f"file {file}")


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("src/deep/test_x.py", True), ("pkg/tests/x.py", True), ("x_test.py", True), ("test/x.py", True),
        ("tests/.hidden/test_x.py", False), ("src/x.py", False), ("tests/data.txt", False),
    ],
)  # fmt: skip
def test_test_files(tmp_path: Path, file: str, *, found: bool) -> None:
    project(tmp_path, {file: ""})
    (tmp_path / "tests/folder.py").mkdir(parents=True)
    assert list(defaults.test_files(tmp_path)) == ([tmp_path / file] if found else [])


def test_at_most_500_test_files_are_searched(tmp_path: Path) -> None:
    project(tmp_path, {f"tests/test_{number}.py": "" for number in range(501)})
    assert len(list(defaults.test_files(tmp_path))) == 500


def test_metadata_of_the_wrong_kind_is_ignored_and_a_bad_specifier_is_an_error(tmp_path: Path) -> None:
    text = "[project]\nname = 'x'\nclassifiers = [3, 'Topic :: Software', 'Programming Language :: Python :: 3.12']\n"
    assert choices(tmp_path, {"pyproject.toml": text, "pytest.ini": ""})["pythons"][0] == ("3.12",)
    number = choices(tmp_path, {"pyproject.toml": "[project]\nname = 'x'\nrequires-python = 3\n"})["pythons"][0]
    assert number == ("3.11", "3.12", "3.13", "3.14", "3.15")
    project(tmp_path, {"pyproject.toml": "[project]\nname = 'x'\nrequires-python = '3..'\n"})
    with pytest.raises(UsageError, match="requires-python"):
        defaults.work_out(tmp_path, TODAY)


def test_a_version_that_is_not_allowed_is_not_called_ended(tmp_path: Path) -> None:
    names = "".join(f"'Programming Language :: Python :: 3.{minor}'," for minor in (8, 10, 12))
    text = f"[project]\nname = 'x'\nrequires-python = '>=3.9'\nclassifiers = [{names}]\n"
    assert "without 3.10, at" in choices(tmp_path, {"pyproject.toml": text, "pytest.ini": ""})["pythons"][1]


def test_groups_that_include_each_other_end(tmp_path: Path) -> None:
    text = (
        "[dependency-groups]\ntest = [{include-group = 'b'}]\nb = [{include-group = 'test'}, {include-group = 'no'}]\n"
    )
    found = choices(tmp_path, {"pyproject.toml": text, "tests/test_x.py": "import unittest\n"})
    assert found["commands"][1] == "tests that do not import pytest"


def test_a_tool_table_of_the_wrong_kind_has_no_notes(tmp_path: Path) -> None:
    files = {"pyproject.toml": "tool = 3\n", "pytest.ini": "", "environment.yml": "", "environment.yaml": ""}
    found = defaults.work_out(project(tmp_path, files), TODAY)
    assert [note.split(" ")[0] for note in found.notes] == ["environment.yml", "environment.yaml"]

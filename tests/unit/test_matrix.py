from __future__ import annotations

from pathlib import Path

import pytest

from envmgr.errors import UsageError
from envmgr.testing import matrix, report
from envmgr.testing.runner import Result

TABLE = '[tool.envmgr.test]\npythons = ["3.11", "3.12"]\ngroups = ["test"]\ncommands = [["python", "-V"], ["pytest"]]\n'
GROUPS = '[dependency-groups]\ntest = ["pytest"]\n[project]\nname = "x"\ndependencies = ["idna"]\n'


def write(folder: Path, text: str) -> Path:
    file = folder / "pyproject.toml"
    file.write_text(text)
    return file


def test_the_table_is_read(tmp_path: Path) -> None:
    found = matrix.read(write(tmp_path, TABLE))
    assert [python.text for python in found.pythons] == ["3.11", "3.12"]
    assert found.commands == (("python", "-V"), ("pytest",))
    assert found.package == "none"
    assert matrix.read(write(tmp_path, TABLE + "[build-system]\n")).package == "wheel"


def test_the_nearest_pyproject_upwards_is_found(tmp_path: Path) -> None:
    file = write(tmp_path, TABLE)
    (tmp_path / "src" / "deep").mkdir(parents=True)
    assert matrix.find(tmp_path / "src" / "deep") == file


def test_classifiers_stand_in_for_pythons(tmp_path: Path) -> None:
    text = TABLE.replace('pythons = ["3.11", "3.12"]\n', "")
    classifiers = (
        '[project]\nclassifiers = ["Programming Language :: Python :: 3.9", "Programming Language :: Python :: 3"]\n'
    )
    assert [python.text for python in matrix.read(write(tmp_path, text + classifiers)).pythons] == ["3.9"]
    with pytest.raises(UsageError, match="names no pythons"):
        matrix.read(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no "),
        (TABLE + "python = '3.12'\n", "'python'"),
        (TABLE + "package = 'zip'\n", "'zip'"),
        (TABLE + "extras = 'one'\n", "extras"),
        (TABLE.replace('["pytest"]', '"pytest"'), "lists of words"),
        (TABLE.replace('["pytest"]', '["a\\u0000"]'), "lists of words"),
        ('[project]\nclassifiers = 1\n[tool.envmgr.test]\ncommands = [["x"]]\n', "names no pythons"),
        (TABLE.replace('"3.11"', '"../3.11"'), "not a version request"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        matrix.read(write(tmp_path, text))


def test_pythons_and_arguments_of_the_command_line(tmp_path: Path) -> None:
    found = matrix.read(write(tmp_path, TABLE)).chosen("3.13,3.14t").extended(["-x", "a b"])
    assert [python.text for python in found.pythons] == ["3.13", "3.14t"]
    assert found.commands == (("python", "-V"), ("pytest", "-x", "a b"))


def test_each_way_to_install_the_project(tmp_path: Path) -> None:
    wheel = tmp_path / "x-1-py3-none-any.whl"
    build = "[build-system]\nrequires = []\n"
    assert matrix.read(write(tmp_path, TABLE + GROUPS)).declared().arguments == ("idna", "pytest")
    built = matrix.read(write(tmp_path, TABLE + GROUPS + build)).declared(wheel)
    assert (built.arguments, built.wheels) == ((str(wheel), "pytest"), (wheel,))
    editable = matrix.read(write(tmp_path, TABLE + "package = 'editable'\n" + GROUPS + build))
    assert editable.declared().arguments == ("-e", ".", "pytest")


def result(python: str, state: str) -> Result:
    return Result(python, state, 1.25, "said")


@pytest.mark.parametrize(
    ("states", "code"),
    [("passed", 0), ("passed skipped", 0), ("skipped", 1), ("passed failed", 1), ("passed broken", 1), ("", 1)],
)
def test_only_what_was_tested_and_passed_is_a_success(states: str, code: int) -> None:
    assert report.exit_code([result("3.12", state) for state in states.split()]) == code


def test_the_summary_tells_states_apart() -> None:
    results = [result("3.10", "skipped"), result("3.11", "passed"), result("3.12", "failed"), result("3.13", "passed")]
    assert report.summary(results) == "passed: 3.11, 3.13; failed: 3.12; skipped: 3.10"
    assert report.block(results[1]) == "── 3.11: passed in 1.2 s ──\nsaid\n"
    assert report.live({"3.11": "running", "3.12": "preparing"}, 80) == "3.11 running  3.12 preparing"
    assert len(report.live({"3.11": "running", "3.12": "preparing"}, 20)) < 20

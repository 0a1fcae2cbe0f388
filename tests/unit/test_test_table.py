"""The tables of a test matrix, and the cells that they mean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envmgr.errors import EnvmgrError, UsageError
from envmgr.testing import matrix, table
from envmgr.testing.cell import Cell, Settings

HEAD = '[tool.envmgr.test]\npythons = ["3.11", "3.12"]\n'
TABLE = HEAD + 'groups = ["test"]\ncommands = [["python", "-V"], ["pytest"]]\n'


def read(folder: Path, text: str, name: str = "pyproject.toml") -> table.Table:
    file = folder / name
    file.write_text(text)
    found = table.read(file)
    assert found is not None
    return found


def cells(folder: Path, text: str) -> list[Cell]:
    return matrix.cells(read(folder, text))


def names(found: list[Cell]) -> list[str]:
    return [cell.name for cell in found]


def test_one_cell_for_each_python(tmp_path: Path) -> None:
    found = cells(tmp_path, TABLE)
    assert names(found) == ["3.11", "3.12"]
    assert found[0].settings == Settings(groups=("test",), commands=(("python", "-V"), ("pytest",)))


def test_envmgr_toml_is_read_and_goes_first(tmp_path: Path) -> None:
    read(tmp_path, TABLE)
    assert table.find(tmp_path) == tmp_path / "pyproject.toml"
    own = read(tmp_path, TABLE.replace("tool.envmgr.", ""), "envmgr.toml")
    assert own.settings.groups == ("test",)
    (tmp_path / "src" / "deep").mkdir(parents=True)
    assert table.find(tmp_path / "src" / "deep") == tmp_path / "envmgr.toml"


def test_no_table_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text("[project]\n")
    assert table.read(file) is None


def test_axes_exclude_include_and_conditions(tmp_path: Path) -> None:
    text = TABLE + (
        'axes = { django = ["4.2", "5.2"], resolution = ["highest", "lowest-direct"] }\n'
        'exclude = [{ python = "3.11", django = "5.2" }, { django = "5.*", resolution = "lowest-direct" }]\n'
        'include = [{ python = "3.13t", django = "5.2", labels = ["free-threaded"] }]\n'
        '[[tool.envmgr.test.when]]\nif = { python = [">=3.12"], django = "4.2" }\ndeps = ["old"]\n'
        '[[tool.envmgr.test.when]]\nif = { django = "5.2" }\ndeps = ["django~=5.2"]\nenv = { NEW = "1" }\n'
    )
    found = {cell.name: cell for cell in cells(tmp_path, text)}
    assert list(found) == [
        "3.11-django4.2-highest",
        "3.11-django4.2-lowest-direct",
        "3.12-django4.2-highest",
        "3.12-django4.2-lowest-direct",
        "3.12-django5.2-highest",
        "3.13t-django5.2",
    ]
    assert found["3.11-django4.2-highest"].settings.deps == ()
    assert found["3.12-django4.2-lowest-direct"].settings.deps == ("old",)
    assert found["3.12-django4.2-lowest-direct"].settings.resolution == "lowest-direct"
    assert found["3.12-django5.2-highest"].settings.env == {"NEW": "1"}
    assert found["3.13t-django5.2"].settings.labels == ("free-threaded",)
    assert found["3.13t-django5.2"].axes == {"django": "5.2"}


def test_named_cells_have_their_own_settings_only(tmp_path: Path) -> None:
    text = TABLE + (
        '[tool.envmgr.test.cells.lint]\npython = "3.12"\ncommands = [["ruff", "check"]]\ndepends = ["3.*"]\n'
        '[tool.envmgr.test.cells.types]\npythons = ["3.11", "3.12"]\ncommands = [["mypy"]]\npackage = "editable"\n'
    )
    found = {cell.name: cell for cell in cells(tmp_path, text)}
    assert list(found) == ["3.11", "3.12", "lint", "types-3.11", "types-3.12"]
    assert (found["lint"].settings.groups, found["lint"].settings.package) == ((), "none")
    assert found["types-3.12"].settings.package == "editable"
    assert names(matrix.order(list(reversed(found.values())))) == ["types-3.12", "types-3.11", "3.12", "3.11", "lint"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TABLE + "python = '3.12'\n", "no key 'python'"),
        (TABLE + "grups = ['x']\n", "no key 'grups'"),
        (TABLE + "package = 'zip'\n", "one of wheel, sdist, editable, deps-only, none"),
        (TABLE + "extras = 'one'\n", "extras must be a list of strings"),
        (TABLE + "timeout = 0\n", "above 0"),
        (TABLE + "retries = -1\n", "not negative"),
        (TABLE + "allow-failure = 1\n", "true or false"),
        (TABLE + "env = { A = [] }\n", "a table of strings"),
        (TABLE.replace('["pytest"]', '"pytest"'), "lists of words"),
        (TABLE.replace('["pytest"]', '["a\\u0000"]'), "lists of words"),
        (TABLE.replace('"3.11"', '"../3.11"'), "not a version request"),
        (TABLE.replace('"3.11", "3.12"', ""), "axis 'python' has no value"),
        (TABLE + "exclude = [{ djnago = '1' }]\n", "no key 'djnago'"),
        (TABLE + "include = [{ labels = ['x'] }]\n", "include needs a python"),
        (TABLE + "include = [{ python = '3.12' }]\n", "two cells are called 3.12"),
        (TABLE + "[[tool.envmgr.test.when]]\ndeps = ['x']\n", "has no condition"),
        (TABLE + "[[tool.envmgr.test.when]]\nif = { python = '>=x' }\n", "not a version specifier"),
        (TABLE + "depends = ['lint']\n", "which is no cell"),
        (TABLE + "[tool.envmgr.test.axes]\nresolution = ['newest']\n", "resolution 'newest'"),
        (TABLE + "[tool.envmgr.test.cells.lint]\ncommands = [['x']]\n", "needs either python or pythons"),
        (TABLE + "[tool.envmgr.test.cells.lint]\npython = '3.12'\n", "has no commands"),
        (TABLE + "[tool.envmgr.test.cells.'a/b']\npython = '3.12'\ncommands = [['x']]\n", "cannot name a cell"),
        (
            HEAD
            + "".join(
                f"[tool.envmgr.test.cells.{one}]\npython = '3.12'\ncommands = [['x']]\ndepends = ['{other}']\n"
                for one, other in ("ab", "ba")
            ),
            "in a circle: a, b",
        ),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cells(tmp_path, text)


def test_a_misspelt_key_has_the_nearest_as_hint(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as problem:
        cells(tmp_path, TABLE + "requirments = ['x']\n")
    assert problem.value.hint == "did you mean 'requirements'?"


def test_cells_are_selected(tmp_path: Path) -> None:
    text = TABLE + 'labels = ["tests"]\n[tool.envmgr.test.cells.lint]\npython = "3.12"\ncommands = [["x"]]\n'
    found = cells(tmp_path, text)
    assert names(matrix.select(found)) == ["3.11", "3.12", "lint"]
    assert names(matrix.select(found, pythons=["3.12"])) == ["3.12", "lint"]
    assert names(matrix.select(found, pythons=["3.13t"])) == ["3.13t"]
    assert names(matrix.select(found, patterns=["3.*"])) == ["3.11", "3.12"]
    assert names(matrix.select(found, labels=["tests"], patterns=["3.12"])) == ["3.12"]
    assert names(matrix.select(found, names={"lint"})) == ["lint"]
    with pytest.raises(UsageError, match="no cell is selected"):
        matrix.select(found, patterns=["4.*"])


def test_a_cell_is_written_as_json_and_read_back(tmp_path: Path) -> None:
    text = TABLE + "env = { A = 'b' }\ntimeout = 1.5\naxes = { x = ['y'] }\n"
    for cell in cells(tmp_path, text):
        assert Cell.from_json(json.loads(json.dumps(cell.to_json()))) == cell
    with pytest.raises(UsageError, match="not a cell"):
        Cell.from_json({"name": "x"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["3.12", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from([*table.MATRIX, *table.SETTINGS, "other"]), JSON, max_size=5))
def test_any_table_is_read_or_is_an_error(data: dict[str, object]) -> None:
    try:
        values = {
            name: table.checked(table.MATRIX[name], name, data[name], "x") for name in data if name in table.MATRIX
        }
        rest = {name: value for name, value in data.items() if name not in table.MATRIX}
        matrix.cells(table.Table(Path("x"), values, table.settings(rest, Settings(), "x")))
    except EnvmgrError:
        pass


SETTINGS = """
commands = [["a"]]
commands-before = [["b", "c"]]
commands-after = [["d"]]
groups = ["g"]
extras = ["e"]
requirements = ["r.txt"]
deps = ["idna"]
constraints = ["c.txt"]
package = "sdist"
lock = true
resolution = "lowest-direct"
env = { A = "1", B = 2 }
pass-env = ["C_*"]
cwd = "sub"
tree = "copy"
timeout = 2
retries = 3
allow-failure = true
labels = ["slow"]
depends = ["3.1*"]
"""


def test_every_setting_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, HEAD + SETTINGS + "jobs = 4\n")
    assert found.settings == Settings(
        groups=("g",), extras=("e",), requirements=("r.txt",), deps=("idna",), constraints=("c.txt",),
        env={"A": "1", "B": "2"}, pass_env=("C_*",), cwd="sub", commands=(("a",),), commands_before=(("b", "c"),),
        commands_after=(("d",),), package="sdist", lock=True, resolution="lowest-direct", tree="copy", timeout=2.0,
        retries=3, allow_failure=True, labels=("slow",), depends=("3.1*",),
    )  # fmt: skip
    assert isinstance(found.settings.timeout, float)
    assert (found.jobs, found.project) == (4, tmp_path)
    assert read(tmp_path, HEAD + "jobs = 0\nretries = 0\n").jobs is None


def test_lists_and_variables_are_added_to_and_other_settings_replaced() -> None:
    base = table.settings({key: ["a"] for key in LISTS} | {"env": {"A": "1"}, "commands": [["x"]]}, Settings(), "x")
    found = table.settings({key: ["b", "a"] for key in LISTS} | {"env": {"B": "2"}, "commands": [["y"]]}, base, "x")
    for key in LISTS:
        assert getattr(found, key.replace("-", "_")) == ("a", "b")
    assert (found.env, found.commands) == ({"A": "1", "B": "2"}, (("y",),))


LISTS = ("groups", "extras", "requirements", "deps", "constraints", "pass-env", "labels", "depends")


@pytest.mark.parametrize(
    "text",
    [
        "cwd = 1", 'cwd = "a\\u0000"', "commands = []", "commands = [[]]", "commands = 'x'", "commands = [[1]]",
        "extras = [1]", 'extras = ["a\\u0000"]', "env = 'x'", "timeout = inf", "timeout = true", "retries = true",
        "retries = 1.5", "lock = 'x'", "axes = ['x']", "exclude = ['x']", "exclude = 'x'", "cells = 'x'",
        "cells = { a = 1 }", "tree = 'x'", "jobs = -1",
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind_are_errors(tmp_path: Path, text: str) -> None:
    key = text.partition(" ")[0]
    with pytest.raises(UsageError, match=f"{key} must be "):
        read(tmp_path, f"[tool.envmgr.test]\n{text}\n")


def test_default_pythons_are_for_a_table_without_pythons(tmp_path: Path) -> None:
    found = read(tmp_path, '[tool.envmgr.test]\ncommands = [["x"]]\n')
    assert names(matrix.cells(found, ["3.13", "3.14"])) == ["3.13", "3.14"]
    with pytest.raises(UsageError, match=f"{tmp_path}/pyproject.toml: .*'python' has no value"):
        matrix.cells(found)
    assert names(matrix.cells(read(tmp_path, TABLE), ["3.14"])) == ["3.11", "3.12"]


def test_without_commands_there_are_named_cells_only(tmp_path: Path) -> None:
    text = HEAD + '[tool.envmgr.test.cells.lint]\npython = "3.12"\ncommands = [["x"]]\n'
    assert names(cells(tmp_path, text)) == ["lint"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('{ python = "==3.12" }', ["3.12"]),
        ('{ python = "!=3.12" }', ["3.11"]),
        ('{ python = "~=3.12" }', ["3.12"]),
        ('{ python = "<3.12" }', ["3.11"]),
        ('{ python = [">3.11.5", "3.11"] }', ["3.11", "3.12"]),
        ('{ other = "*" }', ["3.11", "3.12"]),
        ('{ other = "?*" }', []),
        ('{ other = ">=1" }', []),
    ],
)
def test_conditions(tmp_path: Path, condition: str, expected: list[str]) -> None:
    text = TABLE + f'[[tool.envmgr.test.when]]\nif = {condition}\nlabels = ["chosen"]\n'
    assert [cell.name for cell in cells(tmp_path, text) if cell.settings.labels] == expected


def test_a_selection_of_nothing_names_the_first_eight_cells(tmp_path: Path) -> None:
    for count in (8, 9):
        pythons = [f"3.{minor}" for minor in range(count)]
        found = cells(tmp_path, f'[tool.envmgr.test]\npythons = {json.dumps(pythons)}\ncommands = [["x"]]\n')
        with pytest.raises(UsageError) as problem:
            matrix.select(found, labels=["none"])
        ending = ", ".join(pythons[:8]) + (", ..." if count > 8 else "")
        assert str(problem.value.hint).endswith(f": {ending}")


def test_a_new_python_replaces_that_of_the_product_only(tmp_path: Path) -> None:
    text = TABLE + '[tool.envmgr.test.cells.lint]\npython = "3.11"\ncommands = [["x"]]\n'
    assert names(matrix.select(cells(tmp_path, text), pythons=["3.14"])) == ["3.14"]

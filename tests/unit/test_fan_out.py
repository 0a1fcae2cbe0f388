"""Cells for the matrix of a CI system."""

from __future__ import annotations

import json

import pytest

from envmgr.errors import UsageError
from envmgr.testing import fan_out
from envmgr.testing.cell import Cell, Settings

CELLS = [
    Cell("3.11-django4.2", "3.11", {"django": "4.2"}),
    Cell("3.13t", "3.13t", {}, Settings(allow_failure=True, commands=(("pytest",),))),
]


def test_github() -> None:
    assert json.loads(fan_out.as_github(CELLS)) == {
        "include": [
            {"cell": "3.11-django4.2", "python": "3.11", "django": "4.2", "experimental": False},
            {"cell": "3.13t", "python": "3.13t", "experimental": True},
        ]
    }


def test_gitlab_and_azure() -> None:
    job = json.loads(fan_out.as_gitlab(CELLS))["test"]
    assert job["parallel"]["matrix"][0] == {"CELL": "3.11-django4.2", "PYTHON": "3.11"}
    assert list(json.loads(fan_out.as_azure(CELLS))) == ["cell_3_11_django4_2", "cell_3_13t"]
    with pytest.raises(UsageError, match="job name"):
        fan_out.as_azure([Cell("a.b", "3"), Cell("a_b", "3")])


def test_cells_are_read_back_from_json() -> None:
    assert [Cell.from_json(each) for each in json.loads(fan_out.as_json(CELLS))] == CELLS


@pytest.mark.parametrize(("form", "most"), [("github", 256), ("gitlab", 200)])
def test_a_matrix_that_is_too_large_is_an_error(form: str, most: int) -> None:
    cells = [Cell(f"c{number}", "3.12") for number in range(most + 1)]
    assert fan_out.FORMATS[form](cells[:-1])
    with pytest.raises(UsageError, match=f"more than the {most} jobs"):
        fan_out.FORMATS[form](cells)


def test_disagreements_are_named() -> None:
    cells = [Cell(name, name) for name in ("3.9", "3.12", "3.13t")]
    assert fan_out.problems(cells, ["3.11", "3.12"], ">=3.10", ["3.11", "3.12", "3.13", "3.14"]) == [
        "3.9 is tested, but requires-python >=3.10 excludes it",
        "3.11 is a classifier, but is not tested",
        "3.9 is tested, but is no classifier",
        "3.13 is tested, but is no classifier",
        "3.14 is supported and allowed by requires-python, but is not tested",
    ]
    assert fan_out.problems([Cell("3.12", "3.12")], ["3.12"], "==3.12.*", ["3.12", "3.13"]) == []
    with pytest.raises(UsageError, match="requires-python"):
        fan_out.problems(cells, [], "newest", [])

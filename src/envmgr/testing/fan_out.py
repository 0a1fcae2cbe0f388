"""The cells of a project for the matrix of a CI system: one job for each cell, which runs `envmgr test --cell NAME`.

Facts: https://docs.github.com/en/actions/reference/limits (256 jobs),
https://docs.gitlab.com/ci/yaml/#parallelmatrix (200 jobs), https://learn.microsoft.com/azure/devops/pipelines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from envmgr.errors import UsageError
from envmgr.testing.cell import Cell


def as_json(cells: Sequence[Cell]) -> str:
    """Return the cells with all their settings; each can be read back by `Cell.from_json`."""
    return json.dumps([cell.to_json() for cell in cells])


def as_github(cells: Sequence[Cell]) -> str:
    """Return `{"include": [...]}`, for `matrix: ${{ fromJSON(...) }}`. Raises UsageError for more than 256 cells."""
    _ensure_at_most(cells, 256, "GitHub")
    return json.dumps({"include": [_row(cell) for cell in cells]})


def as_gitlab(cells: Sequence[Cell]) -> str:
    """Return the YAML of a child pipeline; JSON is YAML. Raises UsageError for more than 200 cells."""
    _ensure_at_most(cells, 200, "GitLab")
    variables = [{"CELL": cell.name, "PYTHON": cell.python} for cell in cells]
    return json.dumps({"test": {"parallel": {"matrix": variables}, "script": ['envmgr test --cell "$CELL"']}}, indent=1)


def as_azure(cells: Sequence[Cell]) -> str:
    """Return variables by job, for `matrix: $[ ... ]`; names of jobs are letters, digits and underscores."""
    jobs: dict[str, dict[str, str]] = {}
    for cell in cells:
        name = re.sub(r"\W", "_", f"cell_{cell.name}", flags=re.ASCII)[:100]
        if name in jobs:
            raise UsageError(f"two cells have the job name {name}", hint="rename one of them")
        jobs[name] = {"CELL": cell.name, "PYTHON": cell.python}
    return json.dumps(jobs)


def _row(cell: Cell) -> dict[str, Any]:
    return {"cell": cell.name, "python": cell.python, **cell.axes, "experimental": cell.settings.allow_failure}


def _ensure_at_most(cells: Sequence[Cell], most: int, system: str) -> None:
    if len(cells) > most:
        raise UsageError(
            f"{len(cells)} cells are more than the {most} jobs of a matrix on {system}", hint="select some"
        )


FORMATS: dict[str, Callable[[Sequence[Cell]], str]] = {
    "json": as_json,
    "github": as_github,
    "gitlab": as_gitlab,
    "azure": as_azure,
}


def problems(cells: Sequence[Cell], classifiers: Sequence[str], requires: str, supported: Sequence[str]) -> list[str]:
    """Return where the cells, the classifiers and requires-python of a project disagree, one line each.

    `supported` are the minor versions that are supported today. Raises UsageError for a malformed requires-python.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        allowed = SpecifierSet(requires)
    except InvalidSpecifier as error:
        raise UsageError(f"requires-python: {error}") from error
    tested = {found[0] for cell in cells if (found := re.match(r"\d+\.\d+", cell.python))}
    lines = [f"{each} is tested, but requires-python {requires} excludes it" for each in _sorted(tested)]
    lines = [line for line in lines if not allowed.contains(f"{line.split()[0]}.999")]
    lines += [f"{each} is a classifier, but is not tested" for each in classifiers if each not in tested]
    if classifiers:
        lines += [f"{each} is tested, but is no classifier" for each in _sorted(tested - set(classifiers))]
    lines += [
        f"{each} is supported and allowed by requires-python, but is not tested"
        for each in supported
        if each not in tested and each not in classifiers and allowed.contains(f"{each}.999")
    ]
    return lines


def _sorted(minors: set[str]) -> list[str]:
    return sorted(minors, key=lambda minor: [int(part) for part in minor.split(".")])

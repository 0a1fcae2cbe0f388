"""The matrix: a table, or the project's metadata where it has none, expanded into cells; and the selection of cells."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

from envmgr.errors import UsageError
from envmgr.testing import table
from envmgr.testing.cell import RESOLUTIONS, Cell, Settings
from envmgr.testing.table import Table
from envmgr.versions.request import VersionRequest

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)
PYTHON, RESOLUTION = "python", "resolution"


def cells(matrix: Table, default_pythons: Sequence[str] = ()) -> list[Cell]:
    """Return all cells of a table: the product of its axes, `include`, then the named cells, in the order written.

    Raises UsageError for a table that means no cell, two cells of one name, or a dependency that is none of them.
    """
    where = str(matrix.source)
    axes = {PYTHON: matrix.values.get("pythons") or tuple(default_pythons), **matrix.values.get("axes", {})}
    found: list[Cell] = []
    if matrix.settings.commands:
        if not all(axes.values()):
            empty = next(name for name, values in axes.items() if not values)
            raise UsageError(
                f"{where}: the axis {empty!a} has no value", hint='for example: pythons = ["3.12", "3.13"]'
            )
        found += _product(matrix, axes)
    found += _named(matrix)
    _check(found, where)
    return found


def _product(matrix: Table, axes: Mapping[str, Sequence[str]]) -> Iterator[Cell]:
    """Yield the cells of the axes and of `include`."""
    where = str(matrix.source)
    excluded = [_point(each, axes, f"{where}: exclude") for each in matrix.values.get("exclude", ())]
    for values in product(*axes.values()):
        point = dict(zip(axes, values, strict=True))
        if not any(_matches(condition, point) for condition in excluded):
            yield _cell(matrix, point, matrix.settings)
    for each in matrix.values.get("include", ()):
        point = {name: str(value) for name, value in each.items() if name in axes}
        if PYTHON not in point:
            raise UsageError(f"{where}: include needs a python: {each!a}")
        rest = {name: value for name, value in each.items() if name not in axes}
        yield _cell(matrix, point, table.settings(rest, matrix.settings, f"{where}: include"))


def _cell(matrix: Table, point: Mapping[str, str], settings: Settings) -> Cell:
    """Return the cell at one point of the axes, with the settings of the conditions that hold there."""
    for number, each in enumerate(matrix.values.get("when", ()), 1):
        where = f"{matrix.source}: when {number}"
        condition = each.get("if")
        if not isinstance(condition, dict):
            raise UsageError(f"{where} has no condition", hint='for example: if = { python = "3.13" }')
        if _matches(_point(condition, None, where), point):
            settings = table.settings({name: value for name, value in each.items() if name != "if"}, settings, where)
    if (resolution := point.get(RESOLUTION)) is not None:
        if resolution not in RESOLUTIONS:
            raise UsageError(f"{matrix.source}: resolution {resolution!a}", hint=f"one of {', '.join(RESOLUTIONS)}")
        settings = dataclasses.replace(settings, resolution=resolution)
    axes = {name: value for name, value in point.items() if name != PYTHON}
    return Cell(_name(point), point[PYTHON], axes, settings)


def _name(point: Mapping[str, str]) -> str:
    """Return the name of a cell: `3.12-django4.2-lowest-direct`; a value that is a number has its axis before it."""
    parts = [point[PYTHON]]
    parts += [f"{name}{value}" if value[:1].isdigit() else value for name, value in point.items() if name != PYTHON]
    return "-".join(re.sub(r"[^A-Za-z0-9._+-]+", "_", part).strip("_") for part in parts)


def _point(condition: Mapping[str, Any], axes: Collection[str] | None, where: str) -> dict[str, tuple[str, ...]]:
    """Return a condition, `{axis = value or values}`, with tuples only; raises UsageError for an unknown axis."""
    found = {}
    for name, value in condition.items():
        if axes is not None and name not in axes:
            raise table.unknown_key(name, where, axes)
        values = value if isinstance(value, list) else [value]
        found[name] = tuple(str(each) for each in values)
    return found


def _matches(condition: Mapping[str, Sequence[str]], point: Mapping[str, str]) -> bool:
    """Return whether a point has, on each axis of the condition, one of its values, patterns or ranges."""
    return all(any(_fits(each, point.get(name, "")) for each in values) for name, values in condition.items())


def _fits(pattern: str, value: str) -> bool:
    if not pattern.startswith(("<", ">", "=", "!", "~")):
        return fnmatchcase(value, pattern)
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    release = re.match(r"\d+(?:\.\d+)*", value)
    try:
        return bool(release) and SpecifierSet(pattern).contains(release[0] if release else "", prereleases=True)
    except InvalidSpecifier as error:
        raise UsageError(f"not a version specifier: {pattern!a}") from error


def _named(matrix: Table) -> Iterator[Cell]:
    """Yield the named cells; they have their own settings only, and do not install the project unless they say so."""
    for name, data in matrix.values.get("cells", {}).items():
        where = f"{matrix.source}: cell {name}"
        rest = dict(data)
        python, pythons = rest.pop("python", None), rest.pop("pythons", None)
        if (python is None) == (pythons is None):
            raise UsageError(f"{where} needs either python or pythons", hint='for example: python = "3.13"')
        words = pythons if isinstance(pythons, list) else [python]
        settings = table.settings(rest, Settings(package="none"), where)
        if not settings.commands:
            raise UsageError(f"{where} has no commands", hint='for example: commands = [["ruff", "check"]]')
        for word in words:
            yield Cell(name if python else f"{name}-{word}", str(word), {}, settings)


def _check(found: Sequence[Cell], where: str) -> None:
    """Raise UsageError for names that are taken twice or cannot name a directory, requests, and dependencies."""
    seen: set[str] = set()
    for cell in found:
        VersionRequest.parse(cell.python)
        if not _NAME.fullmatch(cell.name) or ".." in cell.name:
            raise UsageError(f"{where}: {cell.name!a} cannot name a cell", hint="use letters, digits and ._+-")
        if cell.name in seen:
            raise UsageError(f"{where}: two cells are called {cell.name}", hint="give them different values or names")
        seen.add(cell.name)
    for cell in found:
        for pattern in cell.settings.depends:
            if not any(fnmatchcase(name, pattern) for name in seen - {cell.name}):
                raise UsageError(f"{where}: {cell.name} depends on {pattern!a}, which is no cell")
    order(found)


def select(
    found: Sequence[Cell],
    *,
    pythons: Sequence[str] = (),
    patterns: Sequence[str] = (),
    labels: Sequence[str] = (),
    names: Collection[str] | None = None,
) -> list[Cell]:
    """Return the cells on one of `pythons`, matching one of `patterns`, with one of `labels`, and among `names`.

    What is empty (None for `names`) selects all. A Python that no cell has takes the place of those that the cells
    of the product have. Raises UsageError where nothing is left.
    """
    chosen = _on_pythons(found, pythons) if pythons else list(found)
    if patterns:
        chosen = [cell for cell in chosen if any(fnmatchcase(cell.name, pattern) for pattern in patterns)]
    if labels:
        chosen = [cell for cell in chosen if not set(labels).isdisjoint(cell.settings.labels)]
    if names is not None:
        chosen = [cell for cell in chosen if cell.name in names]
    if not chosen:
        raise UsageError("no cell is selected", hint="`envmgr test --list` shows all: " + _sample(found))
    return chosen


def _sample(found: Sequence[Cell]) -> str:
    names = [cell.name for cell in found[:8]]
    return ", ".join(names) + (", ..." if len(found) > len(names) else "")


def _on_pythons(found: Sequence[Cell], pythons: Sequence[str]) -> list[Cell]:
    chosen: list[Cell] = []
    for word in pythons:
        VersionRequest.parse(word)
        same = [cell for cell in found if cell.python == word]
        chosen += same or [
            dataclasses.replace(cell, name=cell.name.replace(cell.python, word, 1), python=word)
            for cell in found
            if cell.python == found[0].python and cell.name.startswith(cell.python)
        ]
    return chosen


def order(found: Sequence[Cell]) -> list[Cell]:
    """Return the cells with each behind those that it depends on; raises UsageError for a circle."""
    names = [cell.name for cell in found]
    waiting = {cell.name: depends(cell, names) for cell in found}
    done: list[Cell] = []
    while waiting:
        ready = [cell for cell in found if cell.name in waiting and not waiting[cell.name] & waiting.keys()]
        if not ready:
            raise UsageError(f"cells depend on each other in a circle: {', '.join(waiting)}")
        for cell in ready:
            del waiting[cell.name]
        done += ready
    return done


def depends(cell: Cell, names: Iterable[str]) -> set[str]:
    """Return those of `names` that `cell` depends on."""
    return {name for name in names if name != cell.name and any(fnmatchcase(name, p) for p in cell.settings.depends)}

"""The tables of a test matrix: `[tool.envmgr.test]` of pyproject.toml, or `[test]` of envmgr.toml.

Every key has one row in `KEYS`; `scripts/make_test_table_reference.py` prints the reference page from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envmgr.errors import UsageError
from envmgr.host import config
from envmgr.host.paths import upwards
from envmgr.testing.cell import PACKAGES, RESOLUTIONS, TREES, Settings

Check = Callable[[object], Any]  # returns the value in the form that Settings holds; raises ValueError


def _word(value: object) -> str:
    if isinstance(value, str) and "\0" not in value:
        return value
    raise ValueError("a string")


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(each, str) and "\0" not in each for each in value):
        return tuple(value)
    raise ValueError("a list of strings")


def _commands(value: object) -> tuple[tuple[str, ...], ...]:
    try:
        if isinstance(value, list) and value and all(each for each in value):
            return tuple(_words(each) for each in value)
    except ValueError:
        pass
    raise ValueError('lists of words, such as [["python", "-m", "pytest"]]')


def _variables(value: object) -> dict[str, str]:
    if isinstance(value, dict) and all(isinstance(each, str | int) for each in value.values()):
        return {name: str(each) for name, each in value.items()}
    raise ValueError("a table of strings")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("true or false")


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError("a whole number that is not negative")


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf"):
        return float(value)
    raise ValueError("a number of seconds above 0")


def _one_of(*choices: str) -> Check:
    def check(value: object) -> str:
        if value in choices:
            return str(value)
        raise ValueError(f"one of {', '.join(choices)}")

    return check


@dataclass(frozen=True)
class Key:
    """One key of the tables: how its value is checked, and its help for the reference page."""

    check: Check
    help: str


SETTINGS: dict[str, Key] = {
    "commands": Key(_commands, "commands to run, in order, up to the first that fails"),
    "commands-before": Key(_commands, "commands to run before `commands`"),
    "commands-after": Key(_commands, "commands to run after `commands`, also when one of them failed"),
    "groups": Key(_words, "dependency groups to install (PEP 735)"),
    "extras": Key(_words, "extras of the project to install"),
    "requirements": Key(_words, "requirements files to install"),
    "deps": Key(_words, "requirements to install, as pip takes them"),
    "constraints": Key(_words, "constraints files"),
    "package": Key(
        _one_of(*PACKAGES), "how the project itself is installed; `wheel` where it can be built, else `deps-only`"
    ),
    "lock": Key(_flag, "take the versions from the project's uv.lock (needs uv)"),
    "resolution": Key(_one_of(*RESOLUTIONS), "which versions are installed (needs uv unless it is `highest`)"),
    "env": Key(_variables, "variables to set"),
    "pass-env": Key(_words, "variables to pass beyond the default list; `*` stands for any text"),
    "cwd": Key(_word, "the directory in which the commands run"),
    "tree": Key(_one_of(*TREES), "`copy` runs the cell in a copy of the project, without ignored files"),
    "timeout": Key(_seconds, "seconds after which the cell is ended and has failed"),
    "retries": Key(_count, "how often a failed cell is run again"),
    "allow-failure": Key(_flag, "a failure of the cell does not fail the run"),
    "labels": Key(_words, "names for `--label`"),
    "depends": Key(_words, "cells (or patterns) that are run before this one"),
}
_MERGED = {"groups", "extras", "requirements", "deps", "constraints", "pass_env", "labels", "depends"}


def _axes(value: object) -> dict[str, tuple[str, ...]]:
    if isinstance(value, dict):
        return {name: _words(each) for name, each in value.items()}
    raise ValueError("a table of lists of strings")


def _points(value: object) -> tuple[Mapping[str, Any], ...]:
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return tuple(value)
    raise ValueError("a list of tables")


def _tables(value: object) -> dict[str, Any]:
    if isinstance(value, dict) and all(isinstance(each, dict) for each in value.values()):
        return value
    raise ValueError("a table of tables")


MATRIX: dict[str, Key] = {
    "pythons": Key(_words, "the axis `python`: version requests; by default the classifiers of the project"),
    "axes": Key(_axes, "further axes: a name and its values"),
    "exclude": Key(_points, "combinations to leave out: values by axis"),
    "include": Key(_points, "combinations to add: values by axis, and settings for them alone"),
    "when": Key(_points, "settings under a condition: `if` holds values by axis"),
    "cells": Key(_tables, "named cells, each a table of settings with a `python`, or `pythons`"),
    "jobs": Key(_count, "how many cells run at a time; as many as processors, by default"),
}


@dataclass(frozen=True)
class Table:
    """A test matrix as it is written: `values` of MATRIX's keys, and the settings for all cells of the product."""

    source: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)

    @property
    def project(self) -> Path:
        """The project's directory."""
        return self.source.parent

    @property
    def jobs(self) -> int | None:
        """The number of cells that run at a time, None where the table does not set it."""
        return self.values.get("jobs") or None


def find(directory: Path) -> Path | None:
    """Return the nearest envmgr.toml or pyproject.toml, `directory` upwards, or None; envmgr.toml goes first."""
    for folder in upwards(directory):
        for name in ("envmgr.toml", "pyproject.toml"):
            if (folder / name).is_file():
                return folder / name
    return None


def read(file: Path) -> Table | None:
    """Read the table of a test matrix; None where the file has none. Raises UsageError naming the key."""
    names = ("test",) if file.name == "envmgr.toml" else ("tool", "envmgr", "test")
    data = config.table(config.read(file), file, *names)
    if not data:
        return None
    where = f"{file}: [{'.'.join(names)}]"
    values = {name: checked(MATRIX[name], name, data[name], where) for name in data if name in MATRIX}
    rest = {name: value for name, value in data.items() if name not in MATRIX}
    return Table(file, values, settings(rest, Settings(), where, known=(*MATRIX, *SETTINGS)))


def settings(data: Mapping[str, Any], base: Settings, where: str, *, known: Iterable[str] = SETTINGS) -> Settings:
    """Return `base` changed by the keys of `data`: lists and variables are added to, everything else is replaced.

    Raises UsageError for an unknown key, with the nearest right one, and for a value of the wrong kind.
    """
    import dataclasses

    changed: dict[str, Any] = {}
    for key, value in data.items():
        if key not in SETTINGS:
            raise unknown_key(key, where, known)
        name, new = key.replace("-", "_"), checked(SETTINGS[key], key, value, where)
        if name in _MERGED:
            new = tuple(dict.fromkeys((*getattr(base, name), *new)))
        elif name == "env":
            new = {**base.env, **new}
        changed[name] = new
    return dataclasses.replace(base, **changed)


def checked(key: Key, name: str, value: object, where: str) -> Any:  # noqa: ANN401 - each key has its own kind
    """Return the value of one key; raises UsageError for one of the wrong kind."""
    try:
        return key.check(value)
    except ValueError as error:
        raise UsageError(f"{where} {name} must be {error}, not {value!a}") from error


def unknown_key(key: str, where: str, known: Iterable[str]) -> UsageError:
    """Return the error for an unknown key, with the nearest known one as its hint."""
    import difflib

    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!a}?" if near else f"the keys are {', '.join(sorted(known))}"
    return UsageError(f"{where} has no key {key!a}", hint=hint)

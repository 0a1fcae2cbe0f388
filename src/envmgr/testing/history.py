"""The results of earlier runs of a project: for `--failed`, `--cached`, and the comparison in reports.

`<cache>/tests/<project>/history.json` holds, for each cell, its last outcomes, newest first: state, key, seconds, time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envmgr.host import lock

_FILE = "history.json"
_KEPT = 10  # outcomes of each cell


@dataclass(frozen=True)
class Outcome:
    """The outcome of one run of a cell; `key` is the hash of its inputs, `at` the time in seconds since the epoch."""

    state: str
    key: str
    seconds: float
    at: float


def read(folder: Path) -> dict[str, list[Outcome]]:
    """Return the outcomes by cell; none where there is no history, or a damaged one: it is a cache."""
    try:
        data = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return {name: [Outcome(**each) for each in outcomes] for name, outcomes in data["cells"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def add(folder: Path, outcomes: dict[str, Outcome]) -> None:
    """Put the outcomes of a run before those of earlier runs. Raises EnvmgrError, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with lock.exclusive(folder / ".history.lock"):
        known = read(folder)
        for name, outcome in outcomes.items():
            known[name] = [outcome, *known.get(name, [])][:_KEPT]
        cells: dict[str, Any] = {name: [each.__dict__ for each in found] for name, found in known.items()}
        staged = folder / f".{_FILE}.new"
        staged.write_text(json.dumps({"schema": 1, "cells": cells}), encoding="utf-8")
        staged.replace(folder / _FILE)


def failed(folder: Path) -> set[str]:
    """Return the cells that did not pass the last time they ran."""
    return {name for name, found in read(folder).items() if found and found[0].state in ("failed", "broken")}


def passed(folder: Path, name: str, key: str) -> bool:
    """Return whether a cell passed the last time it ran with the inputs of `key`."""
    same = [each for each in read(folder).get(name, []) if each.key == key]
    return bool(same) and same[0].state == "passed"


def is_flaky(found: Sequence[Outcome]) -> bool:
    """Return whether a cell has both passed and failed with the same inputs."""
    states: dict[str, set[str]] = {}
    for each in found:
        states.setdefault(each.key, set()).add(each.state)
    return any({"passed", "failed"} <= each for key, each in states.items() if key)

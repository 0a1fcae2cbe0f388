"""The context of a test run: the store, the project, the interpreters, and where its files are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envmgr.environments import record
from envmgr.errors import EnvmgrError
from envmgr.host.paths import Environ, Home
from envmgr.pythons.store import Interpreter
from envmgr.testing.cell import Cell


@dataclass(frozen=True)
class RunContext:
    """The values that all cells of a run share. `interpreters` has an interpreter, or the error, for each request.

    `project` is a real path. `cached` reports a cell that passed with the same inputs instead of running it,
    `recreate` makes every environment anew, `interactive` gives the one cell that runs the terminal.
    """

    home: Home
    cache: Path
    project: Path
    environ: Environ
    interpreters: Mapping[str, Interpreter | EnvmgrError]
    arguments: tuple[str, ...] = ()
    engine: str | None = None
    skip_missing: bool = False
    recreate: bool = False
    cached: bool = False
    interactive: bool = False
    colors: bool = False
    junit: bool = False
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", folder(self.home, self.cache, self.project))

    def file(self, kind: str, cell: Cell, suffix: str = "") -> Path:
        """Return the path of one file, or directory, of a cell: `logs`, `tmp`, `trees`, `locks`, `junit`."""
        return self.folder / kind / f"{cell.name}{suffix}"


def folder(home: Home, cache: Path, project: Path) -> Path:
    """Return the directory in the cache that holds the logs, reports and history of a project's test runs."""
    return cache / "tests" / record.environments_folder(home, project).name


def environment_key(cell: Cell) -> str:
    """Return the key of a cell's environment among those of the project: `test-3.12-django4.2`."""
    return "test-" + re.sub(r"[^A-Za-z0-9._+-]", "_", cell.name)

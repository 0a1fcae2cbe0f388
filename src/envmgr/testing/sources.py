"""The sources of cells: the project's own table, the configuration of tox or hatch, else its metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from envmgr.environments.record import Environment
from envmgr.errors import UsageError
from envmgr.host import config
from envmgr.host.paths import Environ, Home, upwards
from envmgr.packages.tool import tool_environment
from envmgr.testing import context as contexts
from envmgr.testing import defaults, hatch, matrix, table, tox
from envmgr.testing.cell import Cell
from envmgr.testing.tox import Imported

TABLE, TOX, HATCH, NOX, DEFAULTS = "table", "tox", "hatch", "nox", "defaults"
NAMES = (TABLE, TOX, HATCH, NOX, DEFAULTS)
_TOOLS = {TOX: ("tox>=4.48", "tox-uv"), HATCH: ("hatch>=1.17",), NOX: ("nox[uv]>=2026.2",)}


@dataclass(frozen=True)
class Source:
    """All cells of a project, the names of those that run unless others are selected, and lines that say why.

    `has_arguments`: the arguments of the command line are in the commands already.
    """

    project: Path
    cells: tuple[Cell, ...]
    default: tuple[str, ...] | None = None
    jobs: int | None = None
    messages: tuple[str, ...] = ()
    skip_missing: bool = False
    has_arguments: bool = False


@dataclass(frozen=True)
class Finder:
    """Finds the source of cells for the directory `cwd`; tools are installed into environments in the cache."""

    home: Home
    cache: Path
    environ: Environ
    cwd: Path
    today: date

    def find(self, name: str | None, pythons: Sequence[str] = (), arguments: Sequence[str] = ()) -> Source:
        """Return the source called `name`, by default the first that the project has. Raises EnvmgrError."""
        file = table.find(self.cwd) or next(filter(None, map(tox.find, upwards(self.cwd))), None)
        project = file.parent if file else self.cwd
        if name in (None, TABLE) and (own := _own_table(file)):
            return self._from_table(own, pythons)
        if name == TABLE:
            raise UsageError(f"{project} has no table of test cells", hint="`envmgr test --init` prints one")
        if name == TOX or (name is None and tox.find(project)):
            return self._from_tox(project, arguments)
        if name == HATCH or (name is None and hatch.is_configured(project)):
            program = self.tool(HATCH).bin / "hatch"
            return _imported(project, hatch.read(project, program, self.environ), "[tool.hatch.envs] in pyproject.toml")
        return self._from_defaults(project, pythons)

    def tool(self, name: str) -> Environment:
        """Return the environment of tox, hatch or nox. Raises EnvmgrError."""
        return tool_environment(self.home, self.cache, self.environ, name, _TOOLS[name])

    def _from_table(self, own: table.Table, pythons: Sequence[str]) -> Source:
        file = own.project / "pyproject.toml"
        metadata = config.table(config.read(file), file, "project")
        cells = matrix.cells(own, pythons or defaults.classifiers(metadata))
        return Source(own.project, tuple(cells), jobs=own.jobs)

    def _from_tox(self, project: Path, arguments: Sequence[str]) -> Source:
        file = tox.find(project)
        if file is None:
            raise UsageError(f"{project} has no configuration of tox")
        program = self.tool(TOX).bin / "tox"
        work = contexts.folder(self.home, self.cache, project.resolve()) / "tox"
        found = tox.read(project, program, work, self.environ, arguments)
        return replace(_imported(project, found, str(file)), has_arguments=True)

    def _from_defaults(self, project: Path, pythons: Sequence[str]) -> Source:
        found = defaults.work_out(project, self.today)
        messages = [
            f"{choice.key}: {', '.join(map(_words, choice.value))} ({choice.reason})" for choice in found.choices
        ]
        cells = matrix.cells(found.table, pythons)
        return Source(project, tuple(cells), messages=(*messages, *(f"note: {note}" for note in found.notes)))


def _words(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _own_table(file: Path | None) -> table.Table | None:
    if file is None or file.name not in ("envmgr.toml", "pyproject.toml"):
        return None
    found = table.read(file)
    other = file.with_name("pyproject.toml")
    return found or (table.read(other) if file.name == "envmgr.toml" and other.is_file() else None)


def _imported(project: Path, found: Imported, file: str) -> Source:
    names = f"{len(found.default)} of {len(found.cells)} cells run by default"
    messages = (f"cells: {file} ({names})", *(f"note: {note}" for note in found.notes))
    return Source(project, found.cells, found.default, messages=messages, skip_missing=found.skip_missing)

"""Cells: one combination of the test matrix with all its settings, a value that can be written down as JSON.

A cell holds text only: it can be stored, sent to another machine and run there with the same result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from envmgr.errors import UsageError

Command = tuple[str, ...]
PACKAGES = ("wheel", "sdist", "editable", "deps-only", "none")
RESOLUTIONS = ("highest", "lowest-direct", "lowest")
TREES = ("project", "copy")


@dataclass(frozen=True)
class Settings:
    """The settings of one cell; the defaults apply where a table does not set a key.

    `timeout` is in seconds, for all commands of the cell together; None for no limit. `retries` is how often a failed
    cell is run again. `package` None means a wheel where the project can be built, else its dependencies. `lock`
    takes the versions from the project's uv.lock.
    """

    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    deps: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    pass_env: tuple[str, ...] = ()
    cwd: str = "."
    commands: tuple[Command, ...] = ()
    commands_before: tuple[Command, ...] = ()
    commands_after: tuple[Command, ...] = ()
    package: str | None = None
    lock: bool = False
    resolution: str = "highest"
    tree: str = "project"
    timeout: float | None = None
    retries: int = 0
    allow_failure: bool = False
    labels: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One cell: a `python` request, the values of the other axes, and the settings; `name` is unique in its matrix."""

    name: str
    python: str
    axes: Mapping[str, str] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)

    def to_json(self) -> dict[str, Any]:
        """Return the cell as JSON data; `from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cell:
        """Return the cell that `to_json` wrote; raises UsageError for anything else."""
        try:
            known = {each.name for each in fields(Settings)}
            settings = {name: _frozen(value) for name, value in data["settings"].items() if name in known}
            return cls(str(data["name"]), str(data["python"]), dict(data["axes"]), Settings(**settings))
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"not a cell of a test matrix: {error}") from error


def _frozen(value: Any) -> Any:  # noqa: ANN401 - JSON data
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value

"""TOML files: `config.toml` and `pyproject.toml`. The only module that imports tomllib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envmgr.errors import UsageError
from envmgr.host import files

Table = dict[str, Any]


def parse(text: str, source: Path) -> Table:
    """Return the tables of a TOML text; raises UsageError with `source` and the message of the parser."""
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a plain ValueError
        raise UsageError(f"{source}: not valid TOML: {error}") from error


def read(path: Path) -> Table:
    """Return the tables of the TOML file at `path`, empty where there is no file; raises UsageError."""
    try:
        return parse(files.read_text(path), path)
    except FileNotFoundError:
        return {}
    except files.NotRegularError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error


def table(tables: Table, source: Path, *names: str) -> Table:
    """Return the table `[names]` of `tables`, empty where it is missing; raises UsageError for another type."""
    found: Any = tables
    for depth, name in enumerate(names, 1):
        found = found.get(name, {})
        if not isinstance(found, dict):
            raise UsageError(f"{source}: {'.'.join(names[:depth])} must be a table")
    return dict(found)

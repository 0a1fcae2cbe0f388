"""`requires-python` of pyproject.toml: what a project asks for that has no version file."""

from __future__ import annotations

from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import config
from envmgr.host.paths import upwards
from envmgr.versions.request import VersionRequest

FILE_NAME = "pyproject.toml"


def from_pyproject(directory: Path) -> VersionRequest | None:
    """Return what the nearest pyproject.toml, `directory` upwards, requires; None where none says so.

    Raises UsageError, naming the file, for one that cannot be understood.
    """
    for folder in upwards(directory):
        file = folder / FILE_NAME
        if file.is_file():
            text = config.table(config.read(file), file, "project").get("requires-python")
            return _request(text, file) if text is not None else None
    return None


def _request(text: object, file: Path) -> VersionRequest:
    """Read specifiers as PEP 440 has them, with blanks anywhere; a bare `3.12` is not one, but is meant by some."""
    words = "".join(text.split()) if isinstance(text, str) else ""
    try:
        return VersionRequest.parse(words.removesuffix(","))
    except UsageError as error:
        raise UsageError(f"{file}: requires-python: {error.message}", hint=error.hint) from error

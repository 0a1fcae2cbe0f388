"""`requires-python` in pyproject.toml: the request of a project without a version file."""

from __future__ import annotations

from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import config
from envmgr.host.paths import upwards
from envmgr.versions.request import VersionRequest

FILE_NAME = "pyproject.toml"


def from_pyproject(directory: Path) -> VersionRequest | None:
    """Return `requires-python` of the nearest pyproject.toml in `directory` or above, else None.

    Raises UsageError naming the file for an invalid one.
    """
    for folder in upwards(directory):
        file = folder / FILE_NAME
        if file.is_file():
            text = config.table(config.read(file), file, "project").get("requires-python")
            return _request(text, file) if text is not None else None
    return None


def _request(text: object, file: Path) -> VersionRequest:
    """Return the request for specifiers of PEP 440, which allow blanks; a bare `3.12` is accepted too."""
    words = "".join(text.split()) if isinstance(text, str) else ""
    try:
        return VersionRequest.parse(words.removesuffix(","))
    except UsageError as error:
        raise UsageError(f"{file}: requires-python: {error.message}", hint=error.hint) from error

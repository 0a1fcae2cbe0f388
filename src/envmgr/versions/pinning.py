"""Writing version files. Reading them is `pins`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from envmgr.errors import EnvmgrError
from envmgr.versions import pins


def write(path: Path, words: Sequence[str]) -> None:
    """Make the version file at `path` ask for `words`, one per line; lines that are only comments stay where they were.

    Published by one rename, which replaces a link instead of following it. Raises EnvmgrError.
    """
    staged = path.with_name(f".{path.name.lstrip('.')}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text("".join(_lines(_text(path), words)), encoding="utf-8")
        staged.replace(path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise EnvmgrError(f"{path}: cannot be written: {error.strerror}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig") if path.is_file() and pins.read(path) else ""
    except (EnvmgrError, ValueError):  # not a version file; there is nothing in it to keep
        return ""


def _lines(text: str, words: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the new file: `words` in the place of the first line that held any."""
    pending = [f"{word}\n" for word in words]
    for line in text.splitlines():
        if line.partition("#")[0].strip():
            yield from pending
            pending = []
        else:
            yield f"{line}\n"
    yield from pending

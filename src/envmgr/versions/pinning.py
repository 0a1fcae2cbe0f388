"""Writing version files. Reading them is `pins`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from envmgr.errors import EnvmgrError
from envmgr.host import files
from envmgr.versions import pins


def write(path: Path, words: Sequence[str]) -> None:
    """Make the version file at `path` ask for `words`, one per line; lines that are only comments stay where they were.

    Published by one rename, which replaces a link instead of following it. A file that asks for them already is left
    alone: it may be read-only. Raises EnvmgrError.
    """
    before = _text(path)
    text = "".join(_lines(before, words))
    if before == text:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(path, text)
    except OSError as error:
        raise EnvmgrError(f"{path}: cannot be written: {error.strerror}") from error


def _text(path: Path) -> str:
    try:
        pins.read(path)
        return files.read_text(path).removeprefix("\ufeff")
    except (EnvmgrError, OSError, ValueError):  # not a version file; there is nothing in it to keep
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

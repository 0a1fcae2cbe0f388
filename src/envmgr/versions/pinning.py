"""Writing version files. Reading them is `pins`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from envmgr.errors import EnvmgrError
from envmgr.versions import pins


def write(path: Path, words: Sequence[str]) -> None:
    """Make the version file at `path` ask for `words`, one per line; lines that are only comments stay where they were.

    Published by one rename, which replaces a link instead of following it. Raises EnvmgrError.
    """
    sweep(path)
    staged = path.with_name(f"{_stem(path)}{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text("".join(_lines(_text(path), words)), encoding="utf-8")
        staged.replace(path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise EnvmgrError(f"{path}: cannot be written: {error.strerror}") from error


def sweep(path: Path) -> None:
    """Remove what a run that was killed between writing and renaming left beside the version file at `path`."""
    for left in path.parent.glob(f"{_stem(path)}*[0-9]"):
        if not _runs(left.name.removeprefix(_stem(path))):
            with suppress(OSError):
                left.unlink()


def _stem(path: Path) -> str:
    """Return what the names of staged files begin with; the number of the process that writes them follows."""
    return f".{path.name.lstrip('.')}."


def _runs(number: str) -> bool:
    """Whether a process has that number, or whether it is none of ours to judge."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", number):
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    return True


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

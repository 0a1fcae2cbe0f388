"""Writing of version files; `pins` reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from envmgr.errors import EnvmgrError
from envmgr.host import files
from envmgr.versions import pins


def write(path: Path, words: Sequence[str]) -> None:
    """Write the requests `words` to the version file at `path`, one per line; comment lines are kept.

    The write is atomic and replaces a link instead of following it. A file with the same requests is not written, since
    it may be read-only. Raises EnvmgrError.
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
    """Return the text of a valid version file, else an empty one."""
    try:
        pins.read(path)
        return files.read_text(path).removeprefix("\ufeff")
    except (EnvmgrError, OSError, ValueError):  # not a version file, so it has no comments to keep
        return ""


def _lines(text: str, words: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the new file: `words` replace the lines with requests, at the first of these."""
    pending = [f"{word}\n" for word in words]
    for line in text.splitlines():
        if line.partition("#")[0].strip():
            yield from pending
            pending = []
        else:
            yield f"{line}\n"
    yield from pending

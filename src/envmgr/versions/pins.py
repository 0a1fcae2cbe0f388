"""Version files: `.python-version` text -> Pin, and the walk to the one that rules a directory.

A version file is data. Its words are separated by white space, `#` starts a comment, order is priority. This reads all
that pyenv and uv read; a line that cannot be understood is an error that names file and line, never a silent fallback.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from envmgr.errors import UsageError
from envmgr.host import variables
from envmgr.host.paths import upwards
from envmgr.versions.request import VersionRequest

FILE_NAME = ".python-version"
VARIABLE = variables.VERSION
_LIMIT = 8 * 1024  # bytes; a larger file is no version file, and a prompt must not read it
_BLANKS = re.compile(r"[ \t\r]+")  # what the shim's IFS holds, and no more
_WORDS_LIMIT = 200  # characters; the words name a record file, and file systems end names at 255 bytes


@dataclass(frozen=True)
class Pin:
    """What a version file asks for, or a variable or an option.

    `words` is the text that shims and hooks compute with shell builtins: the words joined by one blank. `source` is the
    file, None where `said` is the variable or option; `lines` are the line numbers of the requests, counted from 1.
    """

    requests: tuple[VersionRequest, ...]
    words: str
    source: Path | None
    lines: tuple[int, ...]
    variable: str = VARIABLE

    @property
    def project(self) -> Path | None:
        """The directory that the version file makes a project."""
        return self.source.parent if self.source else None

    @property
    def location(self) -> str:
        """Where the first request stands, for messages: `/p/.python-version:1`."""
        return f"{self.source}:{self.lines[0]}" if self.source else self.variable


def parse(text: str, *, source: Path | None = None, said: str = VARIABLE) -> Pin | None:
    """Read the text of a version file, or what the variable or option `said` holds; None when it names no version.

    Raises UsageError with file and line, or with `said`.
    """
    requests: list[VersionRequest] = []
    lines: list[int] = []
    words: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        found = [word for word in _BLANKS.split(line.partition("#")[0]) if word]
        words += found
        for word in _joined(found):
            try:
                requests.append(VersionRequest.parse(word))
            except UsageError as error:
                place = f"{source}:{number}" if source else said
                raise UsageError(f"{place}: {error.message}", hint=error.hint) from None
            lines.append(number)
    joined = " ".join(words)
    if len(joined) > _WORDS_LIMIT:
        raise UsageError(
            f"{source or said}: too many versions",
            hint=f"keep them under {_WORDS_LIMIT} characters",
        )
    return Pin(tuple(requests), joined, source, tuple(lines), said) if requests else None


def _joined(words: list[str]) -> Iterator[str]:
    """Put `>=3.11, <3.13` back together: a trailing comma goes on in the next word."""
    whole = ""
    for word in words:
        whole += word
        if not whole.endswith(","):
            yield whole
            whole = ""
    if whole:
        yield whole


def read(path: Path) -> Pin | None:
    """Read the version file at `path`; None when there is none, or it is not a regular file, or it names no version.

    Only regular files are opened: a FIFO must not hang a prompt. Root leaves the files of other users alone. Raises
    UsageError for a file that cannot be read or understood.
    """
    data = _content(path)
    if data is None:
        return None
    if len(data) > _LIMIT:
        raise UsageError(f"{path}: larger than a version file can be", hint="write it anew with `envmgr use`")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8 text", hint="write it anew with `envmgr use`") from None
    return parse(text, source=path)


def _content(path: Path) -> bytes | None:
    """Return the bytes of a regular file, at most one more than a version file may have; None for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if not os.path.isfile(path):  # noqa: PTH113 - a directory without access, a loop, a path too long, a socket
            return None
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}", hint="mend its permissions, or remove it"
        ) from error
    try:
        status = os.fstat(descriptor)
        ours = os.geteuid() != 0 or status.st_uid == 0
        return os.read(descriptor, _LIMIT + 1) if stat.S_ISREG(status.st_mode) and ours else None
    finally:
        os.close(descriptor)


def nearest_pin(directory: Path, ceilings: Collection[Path] = ()) -> Pin | None:
    """Return the pin of the nearest version file, `directory` upwards and below `ceilings`, or None.

    Raises UsageError as `read` does.
    """
    return next((pin for folder in upwards(directory, ceilings) if (pin := read(folder / FILE_NAME))), None)


def nearest_project(directory: Path, ceilings: Collection[Path] = ()) -> Path | None:
    """Return the directory whose version file rules `directory`, also where its text cannot be understood, or None."""
    for folder in upwards(directory, ceilings):
        try:
            if read(folder / FILE_NAME):
                return folder
        except UsageError:
            return folder
    return None

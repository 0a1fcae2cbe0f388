"""Version files: parsing `.python-version`, and the search upwards for the nearest one.

A version file is data. Its words are separated by white space, `#` starts a comment, and the order is the priority.
Every file that pyenv or uv accepts is accepted; an invalid line is an error that names file and line, never ignored.
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
_MAX_SIZE = 8 * 1024  # bytes; a larger file is no version file, and reading it would delay a prompt
_BLANKS = re.compile(r"[ \t\r]+")  # exactly the characters of the shim's IFS
_MAX_WORDS = 200  # characters; the words are the name of a record file, and file systems allow 255 bytes


@dataclass(frozen=True)
class Pin:
    """The requests of a version file, a variable or an option.

    `words` is the text joined by single blanks, as shims and hooks compute it with shell builtins. `source` is the
    version file; where it is None, `variable` names the variable or option. `lines` are the line numbers of the
    requests, counted from 1.
    """

    requests: tuple[VersionRequest, ...]
    words: str
    source: Path | None
    lines: tuple[int, ...]
    variable: str = VARIABLE

    @property
    def project(self) -> Path | None:
        """The directory of the version file, None for a variable or an option."""
        return self.source.parent if self.source else None

    @property
    def location(self) -> str:
        """The place of the first request, for messages: `/p/.python-version:1` or `ENVMGR_VERSION`."""
        return f"{self.source}:{self.lines[0]}" if self.source else self.variable


def parse(text: str, *, source: Path | None = None, variable: str = VARIABLE) -> Pin | None:
    """Return the pin in the text of the version file `source`, or of the variable or option `variable`.

    Returns None where the text contains no request. Raises UsageError naming file and line, or `variable`.
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
                location = f"{source}:{number}" if source else variable
                raise UsageError(f"{location}: {error.message}", hint=error.hint) from None
            lines.append(number)
    joined = " ".join(words)
    if len(joined) > _MAX_WORDS:
        raise UsageError(
            f"{source or variable}: too many versions",
            hint=f"write at most {_MAX_WORDS} characters",
        )
    return Pin(tuple(requests), joined, source, tuple(lines), variable) if requests else None


def _joined(words: list[str]) -> Iterator[str]:
    """Join the words of one request, `>=3.11, <3.13`: a word that ends with a comma continues in the next."""
    request = ""
    for word in words:
        request += word
        if not request.endswith(","):
            yield request
            request = ""
    if request:
        yield request


def read(path: Path) -> Pin | None:
    """Return the pin of the version file at `path`, None where there is no regular file or it contains no request.

    A FIFO or device is not read, since it could block a prompt. Root ignores the files of other users. Raises
    UsageError for a file that is unreadable, too large or invalid.
    """
    data = _content(path)
    if data is None:
        return None
    if len(data) > _MAX_SIZE:
        raise UsageError(f"{path}: larger than a version file can be", hint="write a new one with `envmgr use`")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8 text", hint="write a new one with `envmgr use`") from None
    return parse(text, source=path)


def _content(path: Path) -> bytes | None:
    """Return the first bytes of a regular file, one more than a version file may have; None for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if not os.path.isfile(path):  # noqa: PTH113 - a directory without access, a loop, a path too long, a socket
            return None
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}", hint="change its permissions, or remove it"
        ) from error
    try:
        status = os.fstat(descriptor)
        allowed = os.geteuid() != 0 or status.st_uid == 0
        return os.read(descriptor, _MAX_SIZE + 1) if stat.S_ISREG(status.st_mode) and allowed else None
    finally:
        os.close(descriptor)


def nearest_pin(directory: Path, ceilings: Collection[Path] = ()) -> Pin | None:
    """Return the pin of the nearest version file in `directory` or above it, but below `ceilings`, or None.

    Raises UsageError as `read` does.
    """
    return next((pin for folder in upwards(directory, ceilings) if (pin := read(folder / FILE_NAME))), None)


def nearest_project(directory: Path, ceilings: Collection[Path] = ()) -> Path | None:
    """Return the directory of the nearest version file, even an invalid one; else None. See `nearest_pin`."""
    for folder in upwards(directory, ceilings):
        try:
            if read(folder / FILE_NAME):
                return folder
        except UsageError:
            return folder
    return None

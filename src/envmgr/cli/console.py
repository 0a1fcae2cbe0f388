"""Print data to stdout, messages and errors to stderr. Nothing else prints; colour never carries meaning alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

from envmgr.errors import EnvmgrError


def printable(text: object) -> str:
    """Return `text` with control characters escaped, so that the name of a directory cannot control the terminal."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogateescape").decode("ascii", "replace")
        for c in str(text)
    )


def data(text: object) -> None:
    """Print data to stdout: unchanged to a pipe or file, with control characters escaped to a terminal."""
    lines = str(text)
    if sys.stdout.isatty():
        lines = "\n".join(printable(line) for line in lines.split("\n"))
    _write(_bytes(lines) + b"\n")


def say(text: object) -> None:
    """Print one line to stderr."""
    _write_message(printable(text) + "\n")


def raw(text: str) -> None:
    """Print the output of another program to stdout, unchanged."""
    _write(_bytes(text))


def copy(pieces: Iterable[bytes]) -> None:
    """Print the output of another program to stdout, unchanged, piece by piece."""
    for piece in pieces:
        _write(piece)


def live(text: str) -> None:
    """Replace the current line of the terminal by `text`; without a terminal, print nothing."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        _write_message(f"\r\x1b[K{printable(text)}")


def error(problem: EnvmgrError) -> None:
    """Print an error and its hint to stderr."""
    red, reset = ("\x1b[31m", "\x1b[0m") if _colours() else ("", "")
    lines = [printable(line) for line in problem.message.splitlines()] or [""]
    lines += [printable(line) for line in (problem.hint or "").splitlines()]
    _write_message(f"{red}envmgr: error:{reset} " + "\n  ".join(lines) + "\n")


def table(rows: Iterable[Sequence[object]]) -> None:
    """Print rows of cells to stdout, in aligned columns."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        data("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _write(content: bytes) -> None:
    """Write to stdout without buffering; raises OSError, BrokenPipeError where the reader closed the pipe."""
    sys.stdout.buffer.write(content)
    sys.stdout.flush()


def _write_message(text: str) -> None:
    """Write to stderr; where that fails (a full disk, a reader that went away), drop this and all later messages.

    The command goes on: its work and exit code count without messages, too. Python would end with 120 for text that is
    still buffered at exit.
    """
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _bytes(text: str) -> bytes:
    """Return `text` in the encoding of file names; in UTF-8 where that encoding is ASCII and cannot represent it."""
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        return text.encode(errors="surrogateescape")


def _colours() -> bool:
    """Return whether stderr is a terminal that may show colours (https://no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

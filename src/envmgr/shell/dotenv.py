r"""Parse dotenv text into names and values. Nothing is expanded, substituted or run.

One `NAME=value` per line; `export` before it is ignored; `#` starts a comment at a line's start or after a blank. A
value in single quotes is literal; in double quotes `\n`, `\t`, `\r`, `\"`, `\\` and `\$` are escapes; both may span
lines. `$` has no meaning of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

from envmgr.errors import UsageError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_START = re.compile(r"[ \t]*(?:export[ \t]+)?([^\s=#'\"]+)[ \t]*=[ \t]*", re.ASCII)
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r"(?:[^\s#]|(?<=\S)#|[ \t]+(?=[^\s#]))*")
_REST = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}


def parse(text: str, source: Path) -> dict[str, str]:
    """Return the variables of a dotenv file in order; the last of equal names wins.

    Raises UsageError, which names `source` and the line, for a line that is not `NAME=value`, a name that is not an
    identifier, an open quote, or a NUL.
    """
    found: dict[str, str] = {}
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    at = 0
    while at < len(text):
        if blank := _REST.match(text, at):
            at = blank.end()
            continue
        start = _START.match(text, at)
        if not start or not NAME.fullmatch(start[1]):
            raise _error(source, text, at, "not NAME=value")
        value, at = _value(text, start.end(), source)
        rest = _REST.match(text, at)
        if not rest or "\0" in value:
            raise _error(source, text, at, "unexpected text after the value" if not rest else "a NUL in the value")
        found[start[1]], at = value, rest.end()
    return found


def _value(text: str, at: int, source: Path) -> tuple[str, int]:
    """Return the value at position `at`, and the position of its end."""
    if single := _SINGLE.match(text, at):
        return single[1], single.end()
    if double := _DOUBLE.match(text, at):
        return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), double[1]), double.end()
    if text[at : at + 1] in ("'", '"'):
        raise _error(source, text, at, "the quote is never closed")
    bare = _BARE.match(text, at)
    return (bare[0], bare.end()) if bare else ("", at)


def _error(source: Path, text: str, at: int, what: str) -> UsageError:
    """Return the error `what` for position `at` of `source`."""
    line = text.count("\n", 0, at) + 1
    return UsageError(f"{source}:{line}: {what}", hint="a dotenv file holds lines such as NAME=value or NAME='a value'")

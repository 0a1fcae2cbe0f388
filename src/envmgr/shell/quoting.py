"""Quote a value, of any bytes, as one line of shell code; one function per shell.

`shlex.quote` is not enough: its result may span lines, and fish, tcsh and others treat backslashes differently. Bytes
that are not UTF-8 are surrogate escapes (PEP 383), before and after.
"""

from __future__ import annotations

import os
import re

from envmgr.errors import UsageError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def posix(text: str) -> str:
    """Quote for bash, zsh, ksh and mksh; control characters need `$'...'`, with `'` in octal for sh."""
    if not _CONTROL.search(text):
        return "'" + text.replace("'", r"'\''") + "'"
    return "$'" + re.sub(r"[\x00-\x1f\x7f'\\]", lambda found: f"\\{ord(found[0]):03o}", text) + "'"


def fish(text: str) -> str:
    r"""Quote for fish, whose single quotes have the escapes `\\` and `\'`; `\xHH` works only outside of quotes."""
    escaped = text.replace("\\", r"\\").replace("'", r"\'")
    return "'" + _CONTROL.sub(lambda found: f"'\\x{ord(found[0]):02x}'", escaped) + "'"


def tcsh(text: str) -> str:
    """Quote for tcsh, which expands `!` in single quotes, too; raises UsageError for control characters."""
    if _CONTROL.search(text):
        raise UsageError(
            f"tcsh cannot represent this path: {text!a}", hint="set ENVMGR_HOME to a path without such characters"
        )
    return "'" + text.replace("'", r"'\''").replace("!", r"\!") + "'"


def elvish(text: str) -> str:
    """Quote for elvish, whose double quotes have backslash escapes only."""
    raw = "".join(c if c.isprintable() and c not in '\\"' else _escaped(c) for c in text)
    return f'"{raw}"'


def _escaped(character: str) -> str:
    """Return the escape of one character for elvish."""
    if character in '\\"':
        return "\\" + character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))


def nu(text: str) -> str:
    """Quote for nushell, whose strings are UTF-8; raises UsageError for other bytes."""
    if any("\udc80" <= character <= "\udcff" for character in text):
        raise UsageError(
            f"nushell cannot represent this path: {text!a}", hint="set ENVMGR_HOME to a path without such characters"
        )
    return '"' + re.sub(r'[\x00-\x1f\x7f"\\]', lambda found: f"\\u{{{ord(found[0]):x}}}", text) + '"'


def powershell(text: str) -> str:
    """Quote for PowerShell, which treats curly quotes as quotes; raises UsageError for control characters."""
    if _CONTROL.search(text):
        raise UsageError(
            f"PowerShell cannot represent this path: {text!a}", hint="set ENVMGR_HOME to a path without such characters"
        )
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", text) + "'"

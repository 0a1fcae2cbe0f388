"""A value -> one line of text that a shell reads as that value, whatever its bytes; one function a shell.

`shlex.quote` is not enough: its text may span lines, and fish, tcsh and the rest read backslashes differently.
Bytes that are no text come as surrogates (PEP 383), and go out as they came.
"""

from __future__ import annotations

import os
import re

from envmgr.errors import UsageError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def posix(text: str) -> str:
    """Quote for bash, zsh, ksh and mksh; a control character needs their `$'...'`, in which no `'` may stand for sh."""
    if not _CONTROL.search(text):
        return "'" + text.replace("'", r"'\''") + "'"
    return "$'" + re.sub(r"[\x00-\x1f\x7f'\\]", lambda found: f"\\{ord(found[0]):03o}", text) + "'"


def fish(text: str) -> str:
    r"""Quote for fish, whose single quotes know `\\` and `\'`, and whose `\xHH` stands outside of quotes."""
    plain = text.replace("\\", r"\\").replace("'", r"\'")
    return "'" + _CONTROL.sub(lambda found: f"'\\x{ord(found[0]):02x}'", plain) + "'"


def tcsh(text: str) -> str:
    """Quote for tcsh, where history expands between single quotes, too; raises UsageError for control characters."""
    if _CONTROL.search(text):
        raise UsageError(f"tcsh cannot name this path: {text!a}", hint="set ENVMGR_HOME to a plainer one")
    return "'" + text.replace("'", r"'\''").replace("!", r"\!") + "'"


def elvish(text: str) -> str:
    """Quote for elvish: in its double quotes only the backslash is special."""
    raw = "".join(c if c.isprintable() and c not in '\\"' else _escaped(c) for c in text)
    return f'"{raw}"'


def _escaped(character: str) -> str:
    if character in '\\"':
        return "\\" + character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))


def nu(text: str) -> str:
    """Quote for nushell, whose strings are text; raises UsageError for bytes that are none."""
    if any("\udc80" <= character <= "\udcff" for character in text):
        raise UsageError(f"nushell cannot name this path: {text!a}", hint="set ENVMGR_HOME to a plainer one")
    return '"' + re.sub(r'[\x00-\x1f\x7f"\\]', lambda found: f"\\u{{{ord(found[0]):x}}}", text) + '"'


def powershell(text: str) -> str:
    """Quote for PowerShell, for which curly quotes are quotes; raises UsageError for control characters."""
    if _CONTROL.search(text):
        raise UsageError(f"PowerShell cannot name this path: {text!a}", hint="set ENVMGR_HOME to a plainer one")
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", text) + "'"

"""Shebangs: the first lines of scripts that Python runs (execve(2))."""

from __future__ import annotations

import os
import re
from pathlib import Path

_LONGEST = 127  # bytes; Linux before 5.1 cut the first line of a script there
_PLAIN = re.compile(r"[^\s\\]*")
# For sh, a command that runs the program beside the script; for Python, a string literal of three lines. It contains no
# absolute path, so nothing needs quotes.
_RELATIVE = """#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/{program}" "$0" "$@"
' '''
"""


def relative(program: str) -> bytes:
    """Return a shebang that finds `program` in the script's own directory at run time."""
    return _RELATIVE.format(program=program).encode()


def absolute(program: Path) -> bytes:
    """Return a shebang with the path of `program`, or a relative one where the kernel cannot read that path."""
    return b"#!" + os.fsencode(program) + b"\n" if fits(program) else relative(program.name)


def fits(program: Path) -> bool:
    """Return whether the kernel can read the path of `program` from the first line of a script."""
    return len(os.fsencode(program)) + 3 <= _LONGEST and _PLAIN.fullmatch(str(program)) is not None


def body(script: bytes) -> bytes:
    """Return `script` without its shebang: one line, or the three of `relative`."""
    lines = 3 if script.startswith(b"#!/bin/sh\n'''exec'") else 1
    return script.split(b"\n", lines)[lines]

"""The first lines of scripts that Python runs (execve(2))."""

from __future__ import annotations

import os
import re
from pathlib import Path

_LONGEST = 127  # bytes; Linux before 5.1 cut the first line of a script there
_PLAIN = re.compile(r"[^\s\\]*")
# For sh, a command that finds the program beside the script; for Python, a string of three lines. No path needs quotes.
_RELATIVE = """#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/{program}" "$0" "$@"
' '''
"""


def relative(program: str) -> bytes:
    """Return the head of a script for the `program` in the script's own directory, wherever that is."""
    return _RELATIVE.format(program=program).encode()


def absolute(program: Path) -> bytes:
    """Return the head of a script in the directory of `program`: one line where the kernel can read that."""
    return b"#!" + os.fsencode(program) + b"\n" if fits(program) else relative(program.name)


def fits(program: Path) -> bool:
    """Whether the kernel can read the path of `program` from the first line of a script."""
    return len(os.fsencode(program)) + 3 <= _LONGEST and _PLAIN.fullmatch(str(program)) is not None


def after(script: bytes) -> bytes:
    """Return what follows the head of `script`: its first line, or three that are for sh."""
    lines = 3 if script.startswith(b"#!/bin/sh\n'''exec'") else 1
    return script.split(b"\n", lines)[lines]

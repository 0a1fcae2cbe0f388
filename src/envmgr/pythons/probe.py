"""Asking a Python what it is: one script text, for every Python from 2.7 on, and PyPy.

It runs isolated, without site-packages, and looks for modules nowhere but in its own standard library. What it may say
and how long it may take are bounded, and what it leaves behind is killed.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from envmgr.errors import BrokenInterpreterError, CommandNotFoundError
from envmgr.host import process
from envmgr.host.paths import Environ

_PATIENCE = 20.0  # seconds
_MARK = b"envmgr-probe "
_SCRIPT = """
import sys
sys.path[:] = [entry for entry in sys.path if entry]  # Python 2 has no -I, and would look for modules here first
import json, os
for name in sys.argv[1:]:
    __import__(name)
version = sys.version_info
stage = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(version[3])
library = getattr(os, "__file__", "")
pypy = "__pypy__" in sys.builtin_module_names
said = json.dumps({
    "implementation": "pypy" if pypy else getattr(getattr(sys, "implementation", None), "name", "cpython"),
    "version": "%d.%d.%d" % tuple(version[:3]) + ("%s%d" % (stage, version[4]) if stage else ""),
    "flags": "t" * ("t" in getattr(sys, "abiflags", "")) + "d" * hasattr(sys, "gettotalrefcount"),
    "prefix": getattr(sys, "base_prefix", sys.prefix),
    "library": library,
})
sys.stdout.write("\\nenvmgr-probe " + said + "\\n")
sys.stdout.flush()
"""


@dataclass(frozen=True)
class Description:
    """What a Python says of itself: `version` such as 3.13.0rc1, `flags` "", "t", "d" or "td".

    `prefix` is that of the installation, also in an environment; `library` the file that its module `os` comes from.
    """

    implementation: str
    version: str
    flags: str
    prefix: Path
    library: Path


def probe(
    program: Path,
    environ: Environ,
    *,
    name: str | None = None,
    imports: Collection[str] = (),
    patience: float = _PATIENCE,
) -> Description:
    """Start `program` and return what it says that it is, after it has imported `imports`.

    `name` is what messages call it, else its path; `patience` is in seconds. Raises BrokenInterpreterError.
    """
    name = name or str(program)
    for isolated in (["-I"], ["-E", "-s"]):  # Python 2 has no -I
        argv: list[str | Path] = [program, *isolated, "-B", "-S", "-c", _SCRIPT, *imports]
        try:
            said = process.run_until(
                argv, environ=process.without_python_variables(environ), mark=_MARK, timeout=patience
            )
        except CommandNotFoundError as error:
            hint = "its dynamic loader is missing: it is made for another C library" if program.exists() else None
            raise BrokenInterpreterError(f"{name}: does not start: {error.message}", hint=hint) from error
        if "nknown option: -I" not in said.text:
            break
    return _described(name, said, patience)


def _described(name: str, said: process.Outcome, patience: float) -> Description:
    """Read the answer; raises BrokenInterpreterError."""
    before, mark, line = said.text.partition(_MARK.decode())
    last = (before.strip().splitlines() or [f"exit code {said.code}"])[-1][:200]
    if not mark:
        if said.code == process.TIMED_OUT:
            raise BrokenInterpreterError(f"{name}: does not start: it says nothing within {patience:g} s")
        if said.code:
            raise BrokenInterpreterError(f"{name}: does not start: {last}", hint=_reason(said))
        raise BrokenInterpreterError(f"{name}: not a Python that envmgr knows: {last}")
    try:
        fields = json.loads(line.partition("\n")[0])
        texts = [fields[key] for key in ("implementation", "version", "flags", "prefix", "library")]
        implementation, version, flags, prefix, library = [text for text in texts if isinstance(text, str)]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise BrokenInterpreterError(f"{name}: not a Python that envmgr knows: {line[:200]}") from error
    source = library.removesuffix("c")  # Python 2 may name the byte code
    return Description(implementation, version, flags, Path(prefix), Path(source))


def _reason(said: process.Outcome) -> str | None:
    if "GLIBC_" in said.text:
        return "this machine's C library is older than what the build needs"
    if "cannot open shared object file" in said.text:
        return "install the system's package with the missing library"
    if said.code == 128 + signal.SIGILL:
        return "it was built for a newer processor"
    return None

"""Start a Python with a script that prints its version and prefix; the script runs on CPython 2.7 and later and PyPy.

The Python runs isolated, without site-packages, and imports modules only from its standard library. Its output and its
time are limited, and the processes that it leaves behind are killed.
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

_TIMEOUT = 20.0  # seconds
_MARK = b"envmgr-probe "
_SCRIPT = """
import sys
sys.path[:] = [entry for entry in sys.path if entry]  # Python 2 has no -I, and would import from the current directory
import json, os
for name in sys.argv[1:]:
    __import__(name)
version = sys.version_info
stage = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(version[3])
library = getattr(os, "__file__", "")
pypy = "__pypy__" in sys.builtin_module_names
description = json.dumps({
    "implementation": "pypy" if pypy else getattr(getattr(sys, "implementation", None), "name", "cpython"),
    "version": "%d.%d.%d" % tuple(version[:3]) + ("%s%d" % (stage, version[4]) if stage else ""),
    "flags": "t" * ("t" in getattr(sys, "abiflags", "")) + "d" * hasattr(sys, "gettotalrefcount"),
    "prefix": getattr(sys, "base_prefix", sys.prefix),
    "library": library,
})
sys.stdout.write("\\nenvmgr-probe " + description + "\\n")
sys.stdout.flush()
"""


@dataclass(frozen=True)
class Description:
    """The description of a Python: `version` such as 3.13.0rc1, `flags` "", "t", "d" or "td".

    `prefix` is that of the installation, also for an environment; `library` is the file of its module `os`.
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
    timeout: float = _TIMEOUT,
) -> Description:
    """Start `program`, import the modules `imports` in it, and return its description.

    `name` replaces the path in messages; `timeout` is the time limit in seconds. Raises BrokenInterpreterError.
    """
    name = name or str(program)
    for isolated in (["-I"], ["-E", "-s"]):  # Python 2 has no -I
        argv: list[str | Path] = [program, *isolated, "-B", "-S", "-c", _SCRIPT, *imports]
        try:
            outcome = process.run_until(
                argv, environ=process.without_python_variables(environ), mark=_MARK, timeout=timeout
            )
        except CommandNotFoundError as error:
            hint = "its dynamic loader is missing: it was built for another C library" if program.exists() else None
            raise BrokenInterpreterError(f"{name}: does not start: {error.message}", hint=hint) from error
        if "nknown option: -I" not in outcome.text:
            break
    return _parse(name, outcome, timeout)


def _parse(name: str, outcome: process.Outcome, timeout: float) -> Description:
    """Return the description in the output of the script; raise BrokenInterpreterError."""
    before, mark, line = outcome.text.partition(_MARK.decode())
    last = (before.strip().splitlines() or [f"exit code {outcome.code}"])[-1][:200]
    if not mark:
        if outcome.code == process.TIMED_OUT:
            raise BrokenInterpreterError(f"{name}: does not start: no output within {timeout:g} s")
        if outcome.code:
            raise BrokenInterpreterError(f"{name}: does not start: {last}", hint=_likely_cause(outcome))
        raise BrokenInterpreterError(f"{name}: not a Python that envmgr knows: {last}")
    try:
        fields = json.loads(line.partition("\n")[0])
        texts = [fields[key] for key in ("implementation", "version", "flags", "prefix", "library")]
        implementation, version, flags, prefix, library = [text for text in texts if isinstance(text, str)]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise BrokenInterpreterError(f"{name}: not a Python that envmgr knows: {line[:200]}") from error
    source = library.removesuffix("c")  # Python 2 may name the byte code
    return Description(implementation, version, flags, Path(prefix), Path(source))


def _likely_cause(outcome: process.Outcome) -> str | None:
    """Return a hint for a Python that failed to start; None if the cause is unknown."""
    if "GLIBC_" in outcome.text:
        return "this machine's C library is older than the build requires"
    if "cannot open shared object file" in outcome.text:
        return "install the system package that has the missing library"
    if outcome.code == 128 + signal.SIGILL:
        return "it was built for a newer processor"
    return None

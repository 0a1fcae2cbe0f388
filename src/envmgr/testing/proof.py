"""The proof of a cell: which Python its commands get, asked of the `python` on their PATH, with their variables.

A cell whose Python is not the one of its environment has failed, whatever its commands say.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from envmgr.versions.version import Build

# Imports nothing but `sys`, so that no module of the project takes part. Understood by 2.7 and everything newer.
PROBE = """import sys
i = getattr(sys, "implementation", None)
g = getattr(sys, "_is_gil_enabled", lambda: True)
w = getattr(sys.stdout, "buffer", sys.stdout)
v = sys.version_info
w.write("\\n".join([
    "envmgr-proof", getattr(i, "name", "pypy" if hasattr(sys, "pypy_version_info") else "cpython"),
    "%d.%d.%d" % tuple(v[:3]), v[3][0] if v[3] != "candidate" else "rc", str(v[4]),
    "debug" if hasattr(sys, "gettotalrefcount") else "release", "gil" if g() else "no gil", sys.prefix, ""
]).encode("utf-8", "surrogateescape" if v[0] > 2 else "strict"))
"""


@dataclass(frozen=True)
class Proof:
    """One answer: implementation, version, whether a debug build, whether the GIL is on, and `sys.prefix`."""

    implementation: str
    version: str
    debug: bool
    gil: bool
    prefix: str

    def to_json(self) -> dict[str, Any]:
        """Return the proof as JSON data."""
        return asdict(self)

    def __str__(self) -> str:
        words = [self.implementation, self.version]
        words += ["debug"] if self.debug else []
        words += [] if self.gil else ["without the GIL"]
        return f"{' '.join(words)} in {self.prefix}"


def parse(output: bytes) -> Proof | None:
    """Return the proof in what the probe printed, None where there is none; start-up code may print before it."""
    lines = output.rpartition(b"envmgr-proof\n")[2].decode(errors="surrogateescape").split("\n")
    if b"envmgr-proof\n" not in output or len(lines) < 7:  # noqa: PLR2004 - the lines of the probe
        return None
    implementation, release, stage, number, kind, gil, prefix = lines[:7]
    version = release if stage == "f" else f"{release}{stage}{number}"
    return Proof(implementation, version, kind == "debug", gil == "gil", prefix)


def problem(found: Proof | None, build: Build, environment: Path, variables: Mapping[str, str]) -> str | None:
    """Return why `found` does not prove that `build` ran in `environment`, None where it does.

    The GIL of a free-threaded build may be on where PYTHON_GIL says so, or an extension that was imported needs it.
    """
    if found is None:
        return "the Python of the cell's commands does not start"
    expected = str(build.version) if build.implementation == "cpython" else None
    checks = (
        (found.implementation == build.implementation, build.implementation),
        (expected in (None, found.version), f"version {expected}"),
        (os.path.realpath(found.prefix) == os.path.realpath(environment), f"the environment {environment}"),
        (found.debug == ("d" in build.variant), "a debug build" if "d" in build.variant else "a release build"),
        ("t" in build.variant or found.gil, "a build with the GIL"),
        ("t" not in build.variant or not found.gil or "PYTHON_GIL" in variables, "a build without the GIL"),
    )
    wrong = [wanted for right, wanted in checks if not right]
    return f"the commands' Python is {found}; it should be {', '.join(wanted for wanted in wrong)}" if wrong else None

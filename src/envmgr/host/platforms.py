"""The platform of this machine, in the words that archive names use.

Triples are those of python-build-standalone; the short form `linux-x86_64-gnu` is the one that uv made common.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from envmgr.errors import UsageError

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "i386": "i686", "i586": "i686", "armv7l": "armv7"}


@dataclass(frozen=True, order=True)
class Platform:
    """An operating system, an architecture (or level, `x86_64_v3`) and a C library (`none` if implied)."""

    os: str
    arch: str
    libc: str

    def __str__(self) -> str:
        return f"{self.os}-{self.arch}-{self.libc}"

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read `os-arch-libc`; raises UsageError for anything else."""
        parts = text.split("-")
        if len(parts) != 3 or not all(parts):  # noqa: PLR2004 - os, arch, libc
            raise UsageError(f"not a platform: {text!r}", hint="platforms look like linux-x86_64-gnu")
        return cls(*parts)


def this_platform() -> Platform:
    """Return the platform that this process runs on; raises UsageError where envmgr is not supported."""
    machine = platform.machine().lower()
    arch = _MACHINES.get(machine, machine)
    if sys.platform == "darwin":
        return Platform("macos", arch, "none")
    if sys.platform.startswith("linux"):
        if arch == "armv7":
            return Platform("linux", arch, "gnueabihf")
        return Platform("linux", arch, "musl" if _is_musl() else "gnu")
    raise UsageError(
        f"envmgr supports Linux and macOS, not {platform.system()}",
        hint="on Windows, use it inside WSL" if os.name == "nt" else None,
    )


def _is_musl() -> bool:
    """Tell musl from glibc the way PEP 656 does it, without starting a program: by what our own process has loaded."""
    try:
        return "ld-musl-" in Path("/proc/self/maps").read_text(errors="replace")
    except OSError:
        return platform.libc_ver()[0] != "glibc"

"""Platforms: names, target triples and processor levels.

Triples are those of python-build-standalone; the short form `linux-x86_64-gnu` is that of uv.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from envmgr.errors import UsageError

# features that each level of x86-64 adds (System V psABI), named as in /proc/cpuinfo
_LEVELS = {
    "x86_64_v2": "cx16 lahf_lm pni popcnt sse4_1 sse4_2 ssse3",
    "x86_64_v3": "abm avx avx2 bmi1 bmi2 f16c fma movbe xsave",
    "x86_64_v4": "avx512bw avx512cd avx512dq avx512f avx512vl",
}
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "i386": "i686", "i586": "i686", "armv7l": "armv7"}


@dataclass(frozen=True, order=True)
class Platform:
    """An operating system, an architecture (or level, `x86_64_v3`) and a C library (`none` outside of Linux)."""

    os: str
    arch: str
    libc: str

    def __str__(self) -> str:
        return f"{self.os}-{self.arch}-{self.libc}"

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Return the platform `os-arch-libc`; raises UsageError for another form."""
        parts = text.split("-")
        if len(parts) != 3 or not all(parts):  # noqa: PLR2004 - os, arch, libc
            raise UsageError(f"not a platform: {text!r}", hint="platforms look like linux-x86_64-gnu")
        return cls(*parts)


def ensure_supported(system: str) -> None:
    """Raise UsageError for an unsupported `system`, a value of `os.name` (docs/adr/0006-posix-only.md)."""
    if system != "posix":
        raise UsageError("envmgr supports Linux and macOS", hint="on Windows, use it inside WSL")


def this_platform() -> Platform:
    """Return the platform of this process; raises UsageError for an unsupported one."""
    import platform

    machine = platform.machine().lower()
    arch = _MACHINES.get(machine, machine)
    if sys.platform == "darwin":
        return Platform("macos", arch, "none")
    if sys.platform.startswith("linux"):
        if arch == "armv7":
            return Platform("linux", arch, "gnueabihf")
        return Platform("linux", arch, "musl" if _is_musl() else "gnu")
    raise UsageError(f"envmgr supports Linux and macOS, not {platform.system()}")


def triple(platform: Platform) -> str:
    """Return the target triple in the archive names of python-build-standalone."""
    if platform.os == "linux":
        return f"{platform.arch}-unknown-linux-{platform.libc}"
    return f"{platform.arch}-{'apple-darwin' if platform.os == 'macos' else 'pc-windows-msvc'}"


def missing_features(arch: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> list[str]:
    """Return the features that a processor of this machine lacks for `arch`, a level of x86-64; else an empty list.

    `cpuinfo` is the file of the kernel with the flags of each processor. Builds with levels exist for Linux only.
    """
    if arch not in _LEVELS:
        return []
    names = list(_LEVELS)
    needed = {word for name in names[: names.index(arch) + 1] for word in _LEVELS[name].split()}
    return sorted(needed - _features(cpuinfo))


def _features(cpuinfo: Path) -> set[str]:
    """Return the features that all processors have."""
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return set()
    flags = [set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")]
    return set.intersection(*flags) if flags else set()


def _is_musl() -> bool:
    """Return whether this process has loaded musl; unlike PEP 656's method, this starts no program."""
    try:
        return "ld-musl-" in Path("/proc/self/maps").read_text(errors="replace")
    except OSError:
        import platform

        return platform.libc_ver()[0] != "glibc"

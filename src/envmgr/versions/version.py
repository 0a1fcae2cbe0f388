"""Exact versions and builds; `request` has the requests that match them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

from envmgr.errors import UsageError
from envmgr.host.platforms import Platform

_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:(a|b|rc)(\d{1,4}))?", re.ASCII)
_BUILD = re.compile(r"([a-z]+)-([0-9a-z.]+?)(t?d?)\+([A-Za-z0-9][A-Za-z0-9._-]*)-([a-z]+-[a-z0-9_]+-[a-z]+)", re.ASCII)
_FINAL = ("~", 0)  # sorts after a, b and rc


@dataclass(frozen=True)
@total_ordering
class Version:
    """A version in the subset of PEP 440 that CPython uses: 3.12.7, 3.13.0rc1."""

    major: int
    minor: int
    patch: int
    pre: tuple[str, int] | None = None

    @classmethod
    def parse(cls, text: str) -> Version:
        """Return the version `X.Y.Z[aN|bN|rcN]`; raises UsageError."""
        if not (found := _VERSION.fullmatch(text)):
            raise UsageError(f"not a Python version: {text!r}", hint="versions look like 3.12.7 or 3.13.0rc1")
        major, minor, patch, stage, number = found.groups()
        return cls(int(major), int(minor), int(patch), (stage, int(number)) if stage else None)

    @property
    def release(self) -> tuple[int, int, int]:
        """Major, minor and patch number."""
        return self.major, self.minor, self.patch

    @property
    def minor_text(self) -> str:
        """Major and minor number: `3.12`."""
        return f"{self.major}.{self.minor}"

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}" + (f"{self.pre[0]}{self.pre[1]}" if self.pre else "")

    def __lt__(self, other: Version) -> bool:
        return (self.release, self.pre or _FINAL) < (other.release, other.pre or _FINAL)


@dataclass(frozen=True)
@total_ordering
class Build:
    """A build of a version: the identity of a candidate or an interpreter.

    `variant` is "", "t" (free-threaded), "d" (debug) or "td". `tag` is the release tag of the archive (20241016), the
    PyPy release, or for a linked interpreter its name or origin (pyenv). `str()` returns the name of its directory,
    such as `cpython-3.13.1t+20241016-linux-x86_64-gnu`.
    """

    implementation: str
    version: Version
    variant: str
    tag: str
    platform: Platform

    @classmethod
    def parse(cls, text: str) -> Build:
        """Return the build with the name `text`; raises UsageError."""
        if not (found := _BUILD.fullmatch(text)):
            raise UsageError(f"not the name of a Python build: {text!r}")
        implementation, version, variant, tag, platform = found.groups()
        return cls(implementation, Version.parse(version), variant, tag, Platform.parse(platform))

    @property
    def order(self) -> tuple[Version, tuple[int, ...], str]:
        """Sort key: by version, then by tag; a numeric tag (release) sorts after a name (linked interpreter)."""
        numbers = tuple(int(n) for n in self.tag.split(".") if n) if self.tag.replace(".", "").isdigit() else ()
        return self.version, numbers, self.tag

    @property
    def rank(self) -> tuple[bool, tuple[int, ...], bool, Build]:
        """Sort key for selection among matching builds: CPython, then the minor version, then the newest build.

        In a minor version, installed builds rank above linked ones, so that linking an interpreter does not replace
        the Python of an environment (docs/adr/0051-installed-before-linked.md).
        """
        installed = self.tag.replace(".", "").isdigit()
        return not self.prefix, self.version.release[:2], installed, self

    @property
    def prefix(self) -> str:
        """The prefix of aliases: empty for CPython, else the name of the implementation."""
        return "" if self.implementation == "cpython" else self.implementation

    @property
    def minor_alias(self) -> str:
        """The alias for the minor version: `3.12`, `3.13t`, `pypy3.10`."""
        return f"{self.prefix}{self.version.minor_text}{self.variant}"

    @property
    def patch_alias(self) -> str:
        """The alias for the patch release: `3.12.7`, `3.13.0rc1t`, `pypy3.10.14`."""
        return f"{self.prefix}{self.version}{self.variant}"

    @property
    def build_alias(self) -> str:
        """`3.12.7+20241016`, which names exactly this build."""
        return f"{self.patch_alias}+{self.tag}"

    def __str__(self) -> str:
        return f"{self.implementation}-{self.version}{self.variant}+{self.tag}-{self.platform}"

    def __lt__(self, other: Build) -> bool:
        return (not self.prefix, self.implementation, self.order, self.variant, self.platform) < (
            not other.prefix,
            other.implementation,
            other.order,
            other.variant,
            other.platform,
        )

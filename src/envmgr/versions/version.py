"""Exact versions and builds: what an interpreter *is*, as opposed to what somebody asks for."""

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
    """A CPython version, PEP 440's subset that CPython uses: 3.12.7, 3.13.0rc1."""

    major: int
    minor: int
    patch: int
    pre: tuple[str, int] | None = None

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read `X.Y.Z[aN|bN|rcN]`; raises UsageError."""
        if not (found := _VERSION.fullmatch(text)):
            raise UsageError(f"not a Python version: {text!r}", hint="versions look like 3.12.7 or 3.13.0rc1")
        major, minor, patch, stage, number = found.groups()
        return cls(int(major), int(minor), int(patch), (stage, int(number)) if stage else None)

    @property
    def release(self) -> tuple[int, int, int]:
        """The three numbers."""
        return self.major, self.minor, self.patch

    @property
    def minor_text(self) -> str:
        """`3.12`."""
        return f"{self.major}.{self.minor}"

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}" + (f"{self.pre[0]}{self.pre[1]}" if self.pre else "")

    def __lt__(self, other: Version) -> bool:
        return (self.release, self.pre or _FINAL) < (other.release, other.pre or _FINAL)


@dataclass(frozen=True)
@total_ordering
class Build:
    """One build of one version: the identity of candidates and interpreters alike.

    `variant` is "", "t" (free-threaded), "d" (debug) or "td". `tag` is the release tag of the archive (20241016), the
    PyPy release, or, for a linked interpreter, the name of where it came from (pyenv). Its text, such as
    `cpython-3.13.1t+20241016-linux-x86_64-gnu`, is the name of its directory.
    """

    implementation: str
    version: Version
    variant: str
    tag: str
    platform: Platform

    @classmethod
    def parse(cls, text: str) -> Build:
        """Read the text form; raises UsageError."""
        if not (found := _BUILD.fullmatch(text)):
            raise UsageError(f"not the name of a Python build: {text!r}")
        implementation, version, variant, tag, platform = found.groups()
        return cls(implementation, Version.parse(version), variant, tag, Platform.parse(platform))

    @property
    def order(self) -> tuple[Version, tuple[int, ...], str]:
        """Newest last: by version, then by tag; a release, which has numbers, beats a linked interpreter, without."""
        numbers = tuple(int(n) for n in self.tag.split(".") if n) if self.tag.replace(".", "").isdigit() else ()
        return self.version, numbers, self.tag

    @property
    def rank(self) -> tuple[bool, tuple[int, ...], bool, Build]:
        """What decides among builds that a request matches: CPython, the newest minor version, in it the newest build.

        Builds that were installed go before linked ones of the same minor version, so that linking an interpreter
        never takes away what environments run on (docs/adr/0051-installed-before-linked.md).
        """
        installed = self.tag.replace(".", "").isdigit()
        return not self.prefix, self.version.release[:2], installed, self

    @property
    def prefix(self) -> str:
        """What stands before the numbers in an alias: nothing for CPython, else the implementation's name."""
        return "" if self.implementation == "cpython" else self.implementation

    @property
    def minor_alias(self) -> str:
        """`3.12`, `3.13t`, `pypy3.10`."""
        return f"{self.prefix}{self.version.minor_text}{self.variant}"

    @property
    def patch_alias(self) -> str:
        """`3.12.7`, `3.13.0rc1t`, `pypy3.10.14`."""
        return f"{self.prefix}{self.version}{self.variant}"

    @property
    def build_alias(self) -> str:
        """`3.12.7+20241016`: this build and no other."""
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

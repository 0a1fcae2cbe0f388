"""Requests: what people write when they ask for a Python, in the grammars of pyenv and uv together.

`3`, `3.12`, `3.12.7`, `312`, `3.13.0rc1`, `3.13t`, `3.14+freethreaded`, `3.13d`, `3.12-dev`, `3.x`, `latest`,
`>=3.11,<3.13`, `~=3.11`, `python3.12`, `python-3.12`, `cpython@3.12`, `pypy3.10`, `pypy3.10-7.3.17`, `3.12+20241016`,
`cpython-3.12.3-linux-x86_64-gnu` (parts may be left out or `any`), `system`, and the name of a linked interpreter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from envmgr.errors import UsageError
from envmgr.versions.version import Build

HINT = "write a version such as 3.12, 3.12.7, 3.13t, >=3.11 or pypy3.10"
_LONGEST = 100  # characters
_ALLOWED = re.compile(r"[A-Za-z0-9<>=!~][A-Za-z0-9._+<>=!~,*@-]*", re.ASCII)
_NAMES = {
    "cpython": "cpython",
    "python": "cpython",
    "cp": "cpython",
    "pypy": "pypy",
    "pp": "pypy",
    "graalpy": "graalpy",
    "gp": "graalpy",
}
_IMPLEMENTATION = re.compile(
    rf"({'|'.join(sorted(_NAMES, key=len, reverse=True))}|any)(?=$|[-@\d<>=!~])[-@]?", re.ASCII
)
_SPECIFIER = re.compile(r"(?:~=|==|!=|<=|>=|<|>)[0-9][0-9a-z.*+]*", re.ASCII)
_VERSION = re.compile(
    r"(?P<release>\d{1,4}(?:\.\d{1,4}){0,2})(?:\.?(?P<stage>a|b|rc)(?P<number>\d{1,4}))?(?P<wild>\.[xX*])?"
    r"(?P<variant>td|t|d)?(?P<dev>-dev)?(?P<extras>(?:\+[A-Za-z0-9._]+)*)(?:-(?P<rest>[a-z0-9._-]+))?",
    re.ASCII,
)
_VARIANTS = {"freethreaded": "t", "debug": "d", "gil": ""}
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*", re.ASCII)
_PART = re.compile(r"[a-z0-9_]+", re.ASCII)


@dataclass(frozen=True)
class VersionRequest:
    """What somebody asked for; matches any number of builds.

    `implementation` is None for any. `release` holds one to three numbers, none for any version. `variant`
    None means the ordinary build. `platform` holds (os, arch, libc), each None where it was not said.
    """

    text: str
    implementation: str | None = "cpython"
    release: tuple[int, ...] = ()
    pre: tuple[str, int] | None = None
    dev: bool = False
    variant: str | None = None
    tag: str | None = None
    specifier: str | None = None
    platform: tuple[str | None, str | None, str | None] = (None, None, None)
    name: str | None = None
    system: bool = False

    @classmethod
    def parse(cls, text: str) -> VersionRequest:
        """Read one request; raises UsageError, whose message shows control characters escaped."""
        if len(text) > _LONGEST or not _ALLOWED.fullmatch(text) or ".." in text:
            raise UsageError(f"not a version request: {text[:_LONGEST]!a}", hint=HINT)
        if text == "system":
            return cls(text, implementation=None, system=True)
        if text in {"latest", "default"}:
            return cls(text)
        if text == "any":
            return cls(text, implementation=None)
        implementation: str | None = "cpython"
        rest = text
        if found := _IMPLEMENTATION.match(text):
            implementation, rest = _NAMES.get(found[1]), text[found.end() :]
            if not rest:
                return cls(text, implementation)
        if rest[0] in "<>=!~":
            return cls(text, implementation, specifier=_specifier(rest, text))
        return _versioned(text, implementation, rest) or _named(text)

    @property
    def exact(self) -> bool:
        """Whether this names one patch release, so that it never floats."""
        return len(self.release) == 3  # noqa: PLR2004 - major, minor, patch

    @property
    def stable_only(self) -> bool:
        """Whether pre-releases are left out as long as something else fits."""
        return not (self.pre or self.dev or self.name)

    def matches(self, build: Build) -> bool:
        """Whether `build` answers this request."""
        if self.system or (self.name is not None and build.tag != self.name):
            return False
        if self.name is not None:
            return True
        wanted = zip(self.platform, (build.platform.os, build.platform.arch, build.platform.libc), strict=True)
        return (
            self.implementation in (None, build.implementation)
            and build.version.release[: len(self.release)] == self.release
            and (self.pre is None or build.version.pre == self.pre)
            and not (self.exact and self.pre is None and build.version.pre)
            and (self.variant or "") == build.variant
            and self.tag in (None, build.tag)
            and all(want in (None, have) for want, have in wanted)
            and self._specified(build)
        )

    def _specified(self, build: Build) -> bool:
        if self.specifier is None:
            return True
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(self.specifier).contains(str(build.version), prereleases=True)

    def best(self, builds: Iterable[Build]) -> Build | None:
        """Return the newest of `builds` that matches, a pre-release only if it was asked for or nothing else fits."""
        found = [build for build in builds if self.matches(build)]
        stable = [build for build in found if build.version.pre is None] if self.stable_only else []
        return max(stable or found, default=None)

    def __str__(self) -> str:
        return self.text


def _specifier(rest: str, text: str) -> str:
    parts = rest.split(",")
    if not all(_SPECIFIER.fullmatch(part) for part in parts):
        raise UsageError(f"not a version specifier: {text!a}", hint="specifiers look like >=3.11,<3.13 (PEP 440)")
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        SpecifierSet(rest)
    except InvalidSpecifier as error:
        raise UsageError(
            f"not a version specifier: {text!a}", hint="specifiers look like >=3.11,<3.13 (PEP 440)"
        ) from error
    return rest


def _versioned(text: str, implementation: str | None, rest: str) -> VersionRequest | None:
    """Read what follows the implementation: a version with its suffixes, then perhaps a tag and a platform."""
    if rest.startswith("any"):
        any_version = "-".join(rest.split("-")[1:])
        return (
            VersionRequest(text, implementation, platform=_platform(any_version, text))
            if rest[3:4] in ("", "-")
            else None
        )
    if not (found := _VERSION.fullmatch(rest)):
        return None
    release = _release(found["release"])
    variant, tag = found["variant"], None
    for extra in found["extras"].split("+")[1:]:
        if extra in _VARIANTS:
            variant = (variant or "") + _VARIANTS[extra]
        else:
            tag = extra
    trailing = found["rest"] or ""
    if implementation not in (None, "cpython") and trailing[:1].isdigit():  # pypy3.10-7.3.17
        tag, _, trailing = trailing.partition("-")
    elif trailing[:1].isdigit():
        raise UsageError(f"not a version request: {text!a}", hint=HINT)
    pre = (found["stage"], int(found["number"])) if found["stage"] else None
    if pre and len(release) == 2:  # noqa: PLR2004 - 3.13rc1 is 3.13.0rc1
        release = (*release, 0)
    return VersionRequest(
        text,
        implementation,
        release,
        pre,
        bool(found["dev"]),
        variant,
        tag,
        platform=_platform(trailing, text),
    )


def _release(text: str) -> tuple[int, ...]:
    """Read `3.12`; and `312`, the way wheel tags write it."""
    if text.isdigit() and len(text) > 1:
        return int(text[0]), int(text[1:])
    return tuple(int(number) for number in text.split("."))


def _platform(text: str, whole: str) -> tuple[str | None, str | None, str | None]:
    """Read `linux-x86_64-gnu` with parts left out from the right, or `any`."""
    parts = [part for part in text.split("-") if text]
    if len(parts) > 3 or not all(_PART.fullmatch(part) for part in parts):  # noqa: PLR2004 - os, arch, libc
        raise UsageError(
            f"not a version request: {whole!a}", hint="a full name looks like cpython-3.12.3-linux-x86_64-gnu"
        )
    os, arch, libc = ([None if part == "any" else part for part in parts] + [None] * 3)[:3]
    return os, arch, libc


def _named(text: str) -> VersionRequest:
    """Read the name of a linked interpreter."""
    if not _PLAIN_NAME.fullmatch(text):
        raise UsageError(f"not a version request: {text!a}", hint=HINT)
    return VersionRequest(text, implementation=None, name=text)

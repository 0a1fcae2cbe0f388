"""Requests: what people write when they ask for a Python, in the grammars of pyenv and uv together.

`3`, `3.12`, `3.12.7`, `312`, `3.13.0rc1`, `3.13t`, `3.14+freethreaded`, `3.13d`, `3.12-dev`, `3.x`, `latest`,
`>=3.11,<3.13`, `~=3.11`, `python3.12`, `python-3.12`, `cpython@3.12`, `pypy3.10`, `pypy3.10-7.3.17`, `3.12+20241016`,
`cpython-3.12.3-linux-x86_64-gnu` (parts may be left out or `any`), `system`, and the name of a linked interpreter.
docs/reference/requests.md says what each means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from envmgr.errors import UsageError
from envmgr.versions.version import Build

HINT = "write a version such as 3.12, 3.12.7, 3.13t, >=3.11 or pypy3.10"
_LONGEST = 100  # characters
_ALLOWED = re.compile(r"[A-Za-z0-9<>=!~][A-Za-z0-9._+<>=!~,*@-]*", re.ASCII)
_IMPLEMENTATIONS = {
    "cpython": "cpython",
    "python": "cpython",
    "cp": "cpython",
    "pypy": "pypy",
    "pp": "pypy",
    "graalpy": "graalpy",
    "gp": "graalpy",
    "any": None,
}
_IMPLEMENTATION = re.compile(rf"({'|'.join(_IMPLEMENTATIONS)})(?=$|[-@\d<>=!~])[-@]?", re.ASCII)
_SPECIFIER = re.compile(r"(?:~=|==|!=|<=|>=|<|>)\d[0-9a-z.*]*", re.ASCII)
_VERSION = re.compile(
    r"(?P<release>\d{1,4}(?:\.\d{1,4}){0,2})(?:\.?(?P<stage>a|b|rc)(?P<number>\d{1,4})|(?P<wild>\.[xX*]))?"
    r"(?P<variant>td?|d)?(?P<dev>-dev)?(?P<extras>(?:\+[A-Za-z0-9._-]+)*)(?:-v?(?P<pypy>\d+(?:\.\d+)+))?",
    re.ASCII,
)
_NEWEST = {"latest", "default"}
_ANY_VERSION = {"", "any", "latest", "x"}
_VARIANTS = {"freethreaded": "t", "debug": "d", "gil": ""}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*", re.ASCII)
_OS = {"linux": "linux", "macos": "macos", "darwin": "macos", "windows": "windows"}
_LEVELS = ("x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4")
_ARCH = {name: name for name in (*_LEVELS, "aarch64", "armv7", "i686", "ppc64le", "s390x", "riscv64")}
_ARCH |= {"amd64": "x86_64", "arm64": "aarch64", "x86": "i686", "powerpc64le": "ppc64le"}
_LIBC = {name: name for name in ("gnu", "musl", "gnueabi", "gnueabihf", "none")}
_LATER = 9999  # a patch that is yet to come

_Place = tuple[str | None, str | None, str | None]


@dataclass(frozen=True)
class VersionRequest:
    """What somebody asked for; matches any number of builds.

    `implementation` is None for any. `release` holds one to three numbers, none for any version. `variant`
    None means the ordinary build. `platform` holds (os, arch, libc), each None where it was not said. `name` is that of
    a linked interpreter.
    """

    text: str
    implementation: str | None = "cpython"
    release: tuple[int, ...] = ()
    pre: tuple[str, int] | None = None
    dev: bool = False
    variant: str | None = None
    tag: str | None = None
    specifier: str | None = None
    platform: _Place = (None, None, None)
    name: str | None = None
    system: bool = False

    @classmethod
    def parse(cls, text: str) -> VersionRequest:
        """Read one request; raises UsageError, whose message shows control characters escaped."""
        if len(text) > _LONGEST or not _ALLOWED.fullmatch(text) or ".." in text:
            raise _refusal(text)
        if text == "system":
            return cls(text, implementation=None, system=True)
        if text in {*_NEWEST, "any"}:
            return cls(text, None if text == "any" else "cpython")
        found = _IMPLEMENTATION.match(text)
        implementation, rest = (_IMPLEMENTATIONS[found[1]], text[found.end() :]) if found else ("cpython", text)
        if rest[:1] in "<>=!~" and rest:
            return _ranged(cls(text, implementation), rest)
        version, platform = _split_platform(rest)
        if version in _ANY_VERSION and found:
            return cls(text, implementation, platform=platform)
        return _versioned(cls(text, implementation, platform=platform), version) or _named(text)

    @property
    def exact(self) -> bool:
        """Whether this names one patch release, so that it never floats."""
        return len(self.release) == 3  # noqa: PLR2004 - major, minor, patch

    @property
    def stable_only(self) -> bool:
        """Whether pre-releases are left out as long as something else fits."""
        return not (self.pre or self.dev or self.name)

    def floats(self, build: Build) -> bool:
        """Whether the patches to come of the minor version of `build` would answer this request as well."""
        later = replace(build, version=replace(build.version, patch=_LATER, pre=None))
        return self.name is None and self.matches(later)

    def matches(self, build: Build) -> bool:
        """Whether `build` answers this request."""
        if self.system:
            return False
        if self.name is not None:
            return build.tag == self.name
        return (
            self.implementation in (None, build.implementation)
            and build.version.release[: len(self.release)] == self.release
            and self.pre in ((build.version.pre,) if self.exact else (None, build.version.pre))
            and (self.variant or "") == build.variant
            and self.tag in (None, build.tag)
            and self._fits(build)
            and self._specified(build)
        )

    def _fits(self, build: Build) -> bool:
        has = build.platform
        return all(want in (None, have) for want, have in zip(self.platform, (has.os, has.arch, has.libc), strict=True))

    def _specified(self, build: Build) -> bool:
        """Compare with the specifiers; a pre-release counts as its release unless they name one."""
        if self.specifier is None:
            return True
        version = build.version if re.search("[a-z]", self.specifier) else replace(build.version, pre=None)
        return _specified(self.specifier)(str(version))

    def select_all(self, builds: Iterable[Build]) -> list[Build]:
        """Return all of `builds` that match; `latest` means one, the newest."""
        found = [build for build in builds if self.matches(build)]
        newest = self.select(found) if self.text in _NEWEST else None
        return [newest] if newest else found

    def select(self, builds: Iterable[Build]) -> Build | None:
        """Return the newest of `builds` that matches, a pre-release only if it was asked for or nothing else fits."""
        found = [build for build in builds if self.matches(build)]
        stable = [build for build in found if build.version.pre is None] if self.stable_only else []
        return max(stable or found, key=lambda build: build.rank, default=None)

    def __str__(self) -> str:
        return self.text


def _refusal(text: str) -> UsageError:
    return UsageError(f"not a version request: {text[:_LONGEST]!a}", hint=HINT)


@lru_cache(maxsize=8)
def _specified(text: str) -> Callable[[str], bool]:
    """Return the test whether a version fits a specifier set; raises packaging's InvalidSpecifier."""
    from packaging.specifiers import SpecifierSet

    return partial(SpecifierSet(text).contains, prereleases=True)


def _ranged(request: VersionRequest, text: str) -> VersionRequest:
    """Read a specifier set of PEP 440; `==3.12.7` is the exact version."""
    refusal = UsageError(
        f"not a version specifier: {request.text!a}", hint="specifiers look like >=3.11,<3.13 (PEP 440)"
    )
    if not all(map(_SPECIFIER.fullmatch, text.split(","))):
        raise refusal
    from packaging.specifiers import InvalidSpecifier

    try:
        _specified(text)
    except InvalidSpecifier as error:
        raise refusal from error
    same = _versioned(request, text.removeprefix("==")) if text.startswith("==") else None
    return same if same and same.exact else replace(request, specifier=text)


def _split_platform(text: str) -> tuple[str, _Place]:
    """Take `linux-x86_64-gnu`, whatever part of it is there, from the end; the rest is the version."""
    rest, place = text.split("-"), list[str | None]([None, None, None])
    while rest and (rest[-1] == "any" or any(rest[-1] in words for words in (_OS, _ARCH, _LIBC))):
        part = rest.pop()
        for number, words in enumerate((_OS, _ARCH, _LIBC)):
            place[number] = words.get(part, place[number])
    return "-".join(rest), (place[0], place[1], place[2])


def _versioned(request: VersionRequest, text: str) -> VersionRequest | None:
    """Read a version with its suffixes into `request`; None for what is no version."""
    if not (found := _VERSION.fullmatch(text)):
        return None
    variant, tag = found["variant"], None
    for extra in found["extras"].split("+")[1:]:
        if extra in _VARIANTS:
            variant = (variant or "") + _VARIANTS[extra]
        elif tag is None:
            tag = extra
        else:
            raise _refusal(request.text)
    if found["pypy"] and (tag or request.implementation == "cpython"):
        raise _refusal(request.text)
    release = _release(found["release"])
    pre = (found["stage"], int(found["number"])) if found["stage"] else None
    if pre and len(release) == 2:  # noqa: PLR2004 - 3.13rc1 is 3.13.0rc1
        release = (*release, 0)
    if (pre and len(release) == 1) or (found["wild"] and len(release) == 3):  # noqa: PLR2004 - 3rc1, 3.12.7.x
        raise _refusal(request.text)
    tag = tag or found["pypy"]
    return replace(request, release=release, pre=pre, dev=bool(found["dev"]), variant=variant, tag=tag)


def _release(text: str) -> tuple[int, ...]:
    """Read `3.12`; and `312`, the way wheel tags write it."""
    if text.isdigit() and len(text) > 1:
        return int(text[0]), int(text[1:])
    return tuple(int(number) for number in text.split("."))


def _named(text: str) -> VersionRequest:
    """Read the name of a linked interpreter."""
    if not _NAME.fullmatch(text):
        raise _refusal(text)
    return VersionRequest(text, implementation=None, name=text)

"""Version requests: parsing and matching, in the grammars of pyenv and uv.

`3`, `3.12`, `3.12.7`, `312`, `3.13.0rc1`, `3.13t`, `3.14+freethreaded`, `3.13d`, `3.12-dev`, `3.x`, `latest`,
`>=3.11,<3.13`, `~=3.11`, `python3.12`, `python-3.12`, `cpython@3.12`, `pypy3.10`, `pypy3.10-7.3.17`, `3.12+20241016`,
`cpython-3.12.3-linux-x86_64-gnu` (parts may be left out or `any`), `system`, and the name of a linked interpreter.
See docs/reference/requests.md for their meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from envmgr.errors import UsageError
from envmgr.versions.version import Build

HINT = "write a version such as 3.12, 3.12.7, 3.13t, >=3.11 or pypy3.10"
_MAX_LENGTH = 100  # characters
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
_FUTURE_PATCH = 9999  # larger than any patch number

_PlatformParts = tuple[str | None, str | None, str | None]


@dataclass(frozen=True)
class VersionRequest:
    """A request for a Python, which matches any number of builds.

    `implementation` is None for any. `release` has up to three numbers, none for any version. `variant` is None for
    the default build. `platform` is (os, arch, libc), each None where the request leaves it out. `name` is the name of
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
    platform: _PlatformParts = (None, None, None)
    name: str | None = None
    system: bool = False

    @classmethod
    def parse(cls, text: str) -> VersionRequest:
        """Return the request in `text`; raises UsageError, whose message has control characters escaped."""
        if len(text) > _MAX_LENGTH or not _ALLOWED.fullmatch(text) or ".." in text:
            raise _invalid(text)
        if text == "system":
            return cls(text, implementation=None, system=True)
        if text in {*_NEWEST, "any"}:
            return cls(text, None if text == "any" else "cpython")
        found = _IMPLEMENTATION.match(text)
        implementation, rest = (_IMPLEMENTATIONS[found[1]], text[found.end() :]) if found else ("cpython", text)
        if rest[:1] in "<>=!~" and rest:
            return _with_specifier(cls(text, implementation), rest)
        version, platform = _split_platform(rest)
        if version in _ANY_VERSION and found:
            return cls(text, implementation, platform=platform)
        return _with_version(cls(text, implementation, platform=platform), version) or _linked(text)

    @property
    def exact(self) -> bool:
        """True for a request with a patch number, which matches only that patch release."""
        return len(self.release) == 3  # noqa: PLR2004 - major, minor, patch

    @property
    def stable_only(self) -> bool:
        """True where pre-releases are selected only if no other build matches."""
        return not (self.pre or self.dev or self.name)

    def floats(self, build: Build) -> bool:
        """Return whether later patches of the minor version of `build` match this request too."""
        later = replace(build, version=replace(build.version, patch=_FUTURE_PATCH, pre=None))
        return self.name is None and self.matches(later)

    def matches(self, build: Build) -> bool:
        """Return whether `build` matches this request."""
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
            and self._matches_platform(build)
            and self._matches_specifier(build)
        )

    def _matches_platform(self, build: Build) -> bool:
        """Return whether the platform of `build` has the parts that the request names."""
        parts = (build.platform.os, build.platform.arch, build.platform.libc)
        return all(wanted in (None, part) for wanted, part in zip(self.platform, parts, strict=True))

    def _matches_specifier(self, build: Build) -> bool:
        """Return whether `build` matches the specifiers; unless they name a pre-release, one counts as its release."""
        if self.specifier is None:
            return True
        version = build.version if re.search("[a-z]", self.specifier) else replace(build.version, pre=None)
        return _specifier_test(self.specifier)(str(version))

    def select_all(self, builds: Iterable[Build]) -> list[Build]:
        """Return all of `builds` that match; for `latest` and `default` only the newest."""
        found = [build for build in builds if self.matches(build)]
        newest = self.select(found) if self.text in _NEWEST else None
        return [newest] if newest else found

    def select(self, builds: Iterable[Build]) -> Build | None:
        """Return the build with the highest rank that matches, else None; see `stable_only` for pre-releases."""
        found = [build for build in builds if self.matches(build)]
        stable = [build for build in found if build.version.pre is None] if self.stable_only else []
        return max(stable or found, key=lambda build: build.rank, default=None)

    def __str__(self) -> str:
        return self.text


def _invalid(text: str) -> UsageError:
    """Return the error for a text that is no request."""
    return UsageError(f"not a version request: {text[:_MAX_LENGTH]!a}", hint=HINT)


@lru_cache(maxsize=8)
def _specifier_test(text: str) -> Callable[[str], bool]:
    """Return a function that tests a version against a specifier set; raises packaging's InvalidSpecifier."""
    from packaging.specifiers import SpecifierSet

    return partial(SpecifierSet(text).contains, prereleases=True)


def _with_specifier(request: VersionRequest, text: str) -> VersionRequest:
    """Return `request` with the specifier set `text` (PEP 440); `==3.12.7` becomes the exact version."""
    invalid = UsageError(
        f"not a version specifier: {request.text!a}", hint="specifiers look like >=3.11,<3.13 (PEP 440)"
    )
    if not all(map(_SPECIFIER.fullmatch, text.split(","))):
        raise invalid
    from packaging.specifiers import InvalidSpecifier

    try:
        _specifier_test(text)
    except InvalidSpecifier as error:
        raise invalid from error
    same = _with_version(request, text.removeprefix("==")) if text.startswith("==") else None
    return same if same and same.exact else replace(request, specifier=text)


def _split_platform(text: str) -> tuple[str, _PlatformParts]:
    """Split a text into the version and the parts of a platform at its end, such as `linux-x86_64-gnu`."""
    rest, parts = text.split("-"), list[str | None]([None, None, None])
    while rest and (rest[-1] == "any" or any(rest[-1] in words for words in (_OS, _ARCH, _LIBC))):
        word = rest.pop()
        for number, words in enumerate((_OS, _ARCH, _LIBC)):
            parts[number] = words.get(word, parts[number])
    return "-".join(rest), (parts[0], parts[1], parts[2])


def _with_version(request: VersionRequest, text: str) -> VersionRequest | None:
    """Return `request` with the version and suffixes in `text`, None where it is no version."""
    if not (found := _VERSION.fullmatch(text)):
        return None
    variant, tag = found["variant"], None
    for extra in found["extras"].split("+")[1:]:
        if extra in _VARIANTS:
            variant = (variant or "") + _VARIANTS[extra]
        elif tag is None:
            tag = extra
        else:
            raise _invalid(request.text)
    if found["pypy"] and (tag or request.implementation == "cpython"):
        raise _invalid(request.text)
    release = _release(found["release"])
    pre = (found["stage"], int(found["number"])) if found["stage"] else None
    if pre and len(release) == 2:  # noqa: PLR2004 - 3.13rc1 is 3.13.0rc1
        release = (*release, 0)
    if (pre and len(release) == 1) or (found["wild"] and len(release) == 3):  # noqa: PLR2004 - 3rc1, 3.12.7.x
        raise _invalid(request.text)
    tag = tag or found["pypy"]
    return replace(request, release=release, pre=pre, dev=bool(found["dev"]), variant=variant, tag=tag)


def _release(text: str) -> tuple[int, ...]:
    """Return the numbers of `3.12`, or of `312` as in wheel tags."""
    if text.isdigit() and len(text) > 1:
        return int(text[0]), int(text[1:])
    return tuple(int(number) for number in text.split("."))


def _linked(text: str) -> VersionRequest:
    """Return the request for the linked interpreter with the name `text`; raises UsageError."""
    if not _NAME.fullmatch(text):
        raise _invalid(text)
    return VersionRequest(text, implementation=None, name=text)

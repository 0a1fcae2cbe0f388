"""Candidates: archives that can be downloaded, and the grammar of their file names.

python-build-standalone has named its archives in three ways since 2018: `cpython-3.12.7+20241016-x86_64-unknown-linux-
gnu-install_only_stripped.tar.gz` now; earlier without `+tag` and with a date at the end; at first without a target
triple.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from envmgr.host.platforms import Platform
from envmgr.versions.version import Build, Version

HOSTS = (
    "https://releases.astral.sh/github/python-build-standalone/releases/download",
    "https://github.com/astral-sh/python-build-standalone/releases/download",
)
_NAME = re.compile(
    r"cpython-(?P<version>\d{1,4}\.\d{1,4}\.\d{1,4}(?:(?:a|b|rc)\d{1,4})?)(?:\+(?P<tag>\d{8}))?-(?P<target>"
    r"(?P<arch>[a-z0-9_]+)-(?:unknown-linux-(?P<libc>gnu|musl|gnueabi|gnueabihf)|apple-(?P<mac>darwin)|pc-windows-msvc)"
    r"|linux64-musl|linux64|macos|windows-amd64|windows-x86)"
    r"(?P<options>(?:-[a-z_+]+)*)(?:-(?P<date>\d{8})T\d{4})?\.tar\.(?:gz|zst)",
    re.ASCII,
)
_FIRST_NAMES = {  # targets in names until 2020, before triples were used
    "linux64": Platform("linux", "x86_64", "gnu"),
    "linux64-musl": Platform("linux", "x86_64", "musl"),
    "macos": Platform("macos", "x86_64", "none"),
    "windows-amd64": Platform("windows", "x86_64", "none"),
    "windows-x86": Platform("windows", "i686", "none"),
}
_FLAVORS = ("install_only_stripped", "install_only", "full")  # preferred first
_OPTIMIZED = ("pgo+lto", "pgo", "lto", "noopt", "")  # of `full` archives, fastest first
_OPTIONS = {*_FLAVORS, "freethreaded", "debug", "pgo", "lto", "noopt", "static", "shared"}
_RELEASE = re.compile(
    r"https://(?:github\.com/(?:astral-sh|indygreg)|releases\.astral\.sh/github)/python-build-standalone/releases/download/"
)
_TAG = re.compile(r"\d{8}", re.ASCII)
# The grammar of index entries. A build is the name of a directory in the store, a file name one in caches and mirrors.
_BUILD = re.compile(
    r"[a-z]{1,20}-\d{1,4}\.\d{1,4}\.\d{1,4}(?:(?:a|b|rc)\d{1,4})?t?d?"
    r"\+\d{1,8}(?:\.\d{1,8}){0,3}-[a-z]{1,20}-[a-z0-9_]{1,20}-[a-z]{1,20}",
    re.ASCII,
)
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}", re.ASCII)
_PATH = re.compile(r"\d[\d.]*/[^/]+|(?:https?|file)://[!-~]+", re.ASCII)
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


@dataclass(frozen=True)
class Candidate:
    """An archive that holds `build`.

    `path` is `{tag}/{file}` under upstream's release URLs, with an unescaped `+`; or a full URL of another host.
    `flavor` is `install_only_stripped`, `install_only` (in both the one top directory is the prefix) or `full` (the
    prefix is `python/install/`).
    """

    build: Build
    path: str
    sha256: str
    flavor: str = "install_only_stripped"

    def __post_init__(self) -> None:
        """Check every field against the grammar above, for each index format; raise ValueError."""
        if not _BUILD.fullmatch(str(self.build)):
            raise ValueError(f"not the name of a Python build: {str(self.build)!a}")
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"not a sha256 for {self.path!a}: {self.sha256!a}")
        if not (_PATH.fullmatch(self.path) and _FILE.fullmatch(self.file_name)):
            raise ValueError(f"not the name of an archive: {self.path!a}")
        if self.flavor not in _FLAVORS:
            raise ValueError(f"not a flavor of archives: {self.flavor!a}")

    @property
    def file_name(self) -> str:
        """The archive's file name, with an unescaped `+`."""
        return unquote(self.path.rpartition("/")[2])

    def urls(self, mirror: str | None = None) -> tuple[str, ...]:
        """Return the URLs to try, in order; `mirror`, a directory URL with files `{tag}/{file}`, replaces all hosts.

        A mirror that was filled with curl may have `%2B` in file names instead of `+`, so both are tried.
        """
        if mirror:
            folder, name = f"{mirror.rstrip('/')}/{quote(self.build.tag)}", quote(self.file_name)
            return tuple(f"{folder}/{each}" for each in dict.fromkeys((name, quote(name))))
        if "://" in self.path:
            return (self.path,)
        return tuple(f"{host}/{quote(self.path)}" for host in HOSTS)


def from_file_name(path: str, sha256: str) -> Candidate | None:
    """Return the candidate for a path or URL `.../{tag}/{file}`; None if the file is not a CPython archive.

    A URL at another host than upstream's is kept as it is. Raises ValueError for a malformed `sha256`.
    """
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"not a sha256 for {path!a}: {sha256!a}")
    folder, _, name = path.replace("%2B", "+").replace("%2b", "+").rpartition("/")
    if not (found := _NAME.fullmatch(name)):
        return None
    options = set(re.split(r"[-+]", found["options"])) - {""}
    folder_tag = _TAG.fullmatch(folder.rpartition("/")[2])
    tag = found["tag"] or (folder_tag[0] if folder_tag else found["date"])
    if not tag or not options <= _OPTIONS:
        return None
    variant = "t" * ("freethreaded" in options) + "d" * ("debug" in options)
    build = Build("cpython", Version.parse(found["version"]), variant, tag, _platform(found))
    elsewhere = "://" in path and not _RELEASE.match(path)
    released = f"{folder_tag[0] if folder_tag else tag}/{name}"
    return Candidate(build, path if elsewhere else released, sha256.lower(), flavor(name))


def flavor(path: str) -> str:
    """Return the flavor of an archive, which its name contains."""
    if not path.rpartition("/")[2].startswith("cpython-"):
        return "install_only"
    return next((flavor for flavor in _FLAVORS if flavor in path), "full")


def _platform(found: re.Match[str]) -> Platform:
    """Return the platform of a file name that `_NAME` matched."""
    if first := _FIRST_NAMES.get(found["target"]):
        return first
    if found["libc"]:
        return Platform("linux", found["arch"], found["libc"])
    return Platform("macos" if found["mac"] else "windows", found["arch"], "none")


def select_per_build(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return one candidate for each build, sorted: CPython before other implementations, then newest first.

    Of several archives of a build, the flavor decides, then the optimisation, then dynamic before static linking.
    """
    selected: dict[Build, Candidate] = {}
    for candidate in candidates:
        known = selected.get(candidate.build)
        if known is None or _rank(candidate) < _rank(known):
            selected[candidate.build] = candidate
    return sorted(selected.values(), key=lambda candidate: candidate.build, reverse=True)


def _rank(candidate: Candidate) -> tuple[int, int, bool]:
    """Return a sort key that puts the preferred archive of a build first."""
    name = candidate.file_name
    optimized = next(index for index, option in enumerate(_OPTIMIZED) if option in name)
    return _FLAVORS.index(candidate.flavor), optimized, "static" in name

"""The output of `envmgr list --available` without heavy imports: `selection.newest_per_minor` on strings only.

The ordinary code loads click, dataclasses and re and takes 155 ms; this module takes 25 ms and a bare interpreter 15
(medians of 20 interleaved runs on two cores). Import only `os`, `sys` and `time` here: even `collections.abc` adds a
tenth of an interpreter's start. Anything unusual (a mirror, an index of the user, a cache that is due for a refresh, an
uncommon platform) is left to the ordinary code.
"""

from __future__ import annotations

import os
import sys
import time

from envmgr.host import variables

_DAY = 86400  # seconds
_DIGITS = "0123456789"
_FINAL = "~"  # sorts after a, b and rc
_UNUSUAL = (variables.PYTHON_MIRROR, variables.INDEX_URL)


def available_text(environ: dict[str, str]) -> str | None:
    """Return the text to print, or None if the ordinary code has to make it."""
    platform, folders = _platform(), _folders(environ)
    if platform is None or folders is None or any(environ.get(name) for name in _UNUSUAL):
        return None
    home, cache = folders
    cached = f"{cache}/index/{platform}.txt"
    try:
        if environ.get(variables.OFFLINE) != "1" and time.time() - os.stat(cached).st_mtime > _DAY:  # noqa: PTH116
            return None
        builds = _builds(cached) if os.access(cached, os.R_OK) else []
        builds += _builds(f"{os.path.dirname(__file__)}/snapshot/{platform}.txt")  # noqa: PTH120
        return _page(_newest(builds), _file_names(f"{home}/versions"))
    except (OSError, ValueError):
        return None


def _platform() -> str | None:
    """Return this machine's platform as `Platform` prints it; None if it is an uncommon one."""
    machine = {"arm64": "aarch64"}.get(os.uname().machine, os.uname().machine)
    if machine not in ("x86_64", "aarch64"):
        return None
    if sys.platform == "darwin":
        return f"macos-{machine}-none"
    try:
        return f"linux-{machine}-gnu" if os.confstr("CS_GNU_LIBC_VERSION") else None
    except (OSError, ValueError):
        return None


def _folders(environ: dict[str, str]) -> tuple[str, str] | None:
    """Return the directories of store and cache, as `host.paths` defines them; None if one is not absolute."""
    user = environ.get("HOME", "")
    data, cache = f"{user}/.local/share", f"{user}/.cache"
    if sys.platform == "darwin":
        data, cache = f"{user}/Library/Application Support", f"{user}/Library/Caches"
    else:
        data, cache = environ.get("XDG_DATA_HOME") or data, environ.get("XDG_CACHE_HOME") or cache
    home = environ.get(variables.HOME) or f"{data}/envmgr"
    cache = environ.get(variables.CACHE_DIR) or f"{cache}/envmgr"
    return (home, cache) if home.startswith("/") and cache.startswith("/") else None


def _builds(path: str) -> list[str]:
    """Return the builds of an index file that may be the newest of their minor version.

    The file lists the newest first, so that it is the first build of each minor version, release stage and variant.
    """
    first: dict[tuple[str, str], str] = {}
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not light
        for line in file:
            if not line.startswith("#"):
                build = line.partition(" ")[0]
                minor, _, last = build.partition("+")[0].rpartition(".")
                first.setdefault((minor, last.strip(_DIGITS)), build)
    return [*first.values()]


def _file_names(folder: str) -> set[str]:
    """Return the names in a directory; none if it cannot be read."""
    try:
        return set(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return set()


def _newest(builds: list[str]) -> list[str]:
    """Return the newest build of each minor version, a stable one if there is one, without debug builds."""
    first: dict[object, str] = {}
    for cpython, release, stage, *_, variant, build in sorted(map(_sort_key, builds), reverse=True):
        if "d" not in variant:
            minor = cpython, release[:2], variant
            if minor not in first or (stage == _FINAL and _sort_key(first[minor])[2] != _FINAL):
                first[minor] = build
    return [*first.values()]


def _sort_key(build: str) -> tuple[bool, tuple[int, ...], str, int, tuple[int, ...], str, str]:
    """Return the parts of `cpython-3.14.0a1t+20241016-linux-x86_64-gnu`, in the sort order of `Build`."""
    implementation, rest = build.split("-", 1)
    version, rest = rest.split("+", 1)
    major, minor, last = version.split(".")
    suffix = last.lstrip(_DIGITS)
    variant = suffix.lstrip(f"abrc{_DIGITS}")
    pre = suffix[: len(suffix) - len(variant)]
    stage = pre.rstrip(_DIGITS)
    release = int(major), int(minor), int(last[: len(last) - len(suffix)])
    tag = tuple(map(int, rest.partition("-")[0].split(".")))
    return implementation == "cpython", release, stage or _FINAL, int(pre[len(stage) :] or 0), tag, variant, build


def _page(builds: list[str], installed: set[str]) -> str:
    """Return the lines in the layout of `envmgr.cli.list_`."""
    cells = [(_alias(build), "installed" if build in installed else "") for build in builds]
    width = max(len(alias) for alias, _ in cells)
    return "".join(f"{alias.ljust(width)}  {note}".rstrip() + "\n" for alias, note in cells)


def _alias(build: str) -> str:
    """Return the build alias: `3.14.0a1t+20241016`."""
    version, _, rest = build.removeprefix("cpython-").replace("pypy-", "pypy").partition("+")
    return f"{version}+{rest.partition('-')[0]}"

"""Time the installation of 1 and 4 versions from a local http mirror with empty caches: envmgr compared with uv.

The archives are packed from the Pythons of this machine in upstream's layout: once as they are, about 11 MB, and once
with added libraries, to have the size of upstream's archives with their shared libraries: about 35 MB, unpacked 100.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import measure
from measure import Case

from envmgr.host import archive
from envmgr.host.download import digest
from envmgr.pythons import index
from envmgr.pythons import mirror as mirrors
from envmgr.pythons.candidate import HOSTS, Candidate

_TAG = "20240107"
_CACHE = Path(__file__).parents[1] / ".cache" / "benchmarks"
_FULL = 100_000_000  # bytes of an unpacked CPython of upstream


def main() -> None:
    """Print the tables."""
    packed = _packed()
    for mirror, size in ((packed, "small"), (_filled(packed), "of upstream's size")):
        candidates = _candidates(mirror)
        minors = list(dict.fromkeys(one.build.minor_alias for one in candidates))
        with measure.scratch() as root, _served(mirror) as url:
            table = root / "uv.json"
            table.write_text(json.dumps(dict(_entry(one) for one in candidates)))
            for wanted in (minors[:1], minors[:4]):
                cases = [*_uv(root, url, table, wanted), _envmgr(root, url, wanted)]
                title = f"install {len(wanted)} {size} from a local mirror"
                measure.compare(title, cases, base="uv python install", rounds=9)


def _envmgr(root: Path, url: str, wanted: list[str]) -> Case:
    home = root / "envmgr"
    environ = measure.environ(home, ENVMGR_PYTHON_MIRROR=url)
    program = Path(sys.executable).with_name("envmgr")
    budget = (
        1.4 if len(wanted) == 1 else 1.1
    )  # envmgr verifies an archive before it unpacks it, and starts the installed Python
    return Case(
        "envmgr install", measure.command(program, "install", *wanted, env=environ), _empty_home(home), budget=budget
    )


def _uv(root: Path, url: str, table: Path, wanted: list[str]) -> list[Case]:
    uv = measure.program("uv")
    if uv is None:
        return []
    home = root / "uv"
    environ = measure.environ(
        home,
        UV_PYTHON_INSTALL_MIRROR=url,
        UV_PYTHON_DOWNLOADS_JSON_URL=table.as_uri(),
        UV_PYTHON_INSTALL_DIR=str(home / "pythons"),
        UV_CACHE_DIR=str(home / "cache"),
    )
    words = (uv, "python", "install", "--no-bin", "--no-config", *wanted)
    return [Case("uv python install", measure.command(*words, env=environ), _empty_home(home))]


def _entry(candidate: Candidate) -> tuple[str, dict[str, object]]:
    """Return an entry of the JSON table that uv reads; uv replaces the host by its mirror."""
    build = candidate.build
    arch, libc = build.platform.arch, build.platform.libc
    major, minor, patch = build.version.release
    entry = {
        "name": "cpython",
        "arch": {"family": arch, "variant": None},
        "os": build.platform.os,
        "libc": libc,
        "major": major,
        "minor": minor,
        "patch": patch,
        "prerelease": "",
        "url": f"{HOSTS[1]}/{candidate.path.replace('+', '%2B')}",
        "sha256": candidate.sha256,
        "variant": None,
        "build": build.tag,
    }
    return f"cpython-{build.version}-{build.platform.os}-{arch}-{libc}", entry


def _empty_home(home: Path) -> Callable[[], object]:
    """Return a function that replaces `home` by an empty directory.

    The old directory is renamed, not removed: ext4 skips inodes that were freed shortly before, which would slow down
    all cases after a removal.
    """

    def run() -> None:
        if home.exists():
            home.rename(home.with_name(f"{home.name}-{time.monotonic_ns()}"))
        home.mkdir()

    return run


def _candidates(mirror: Path) -> list[Candidate]:
    return sorted(index.sums((mirror / "SHA256SUMS").read_text()), key=lambda one: one.build, reverse=True)


def _packed() -> Path:
    """Pack the newest four Pythons of pyenv once; raise FileNotFoundError if there are none."""
    mirror = _CACHE / "mirror"
    if not (mirror / "SHA256SUMS").exists():
        versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
        named = Path(os.environ.get("ENVMGR_TEST_PYTHONS") or versions)
        found = sorted((path for path in named.glob("3.*") if (path / "bin/python3").exists()), key=_order)
        for prefix in found[-4:]:
            mirrors.pack(prefix, mirror, _TAG, environ=os.environ)
    return mirror


def _filled(packed: Path) -> Path:
    """Pack them again with libraries of this machine in `lib`, large ones first."""
    mirror = _CACHE / "filled"
    if not (mirror / "SHA256SUMS").exists():
        libraries = [path for path in Path("/usr/lib").glob("*/lib*.so*") if path.stat().st_size < _FULL // 4]
        for small in sorted(packed.glob("*/*.tar.gz")):
            full = mirror / small.relative_to(packed)
            full.parent.mkdir(parents=True, exist_ok=True)
            with measure.scratch() as root:
                archive.unpack(small, root, os.environ)
                _fill(root / "python", libraries)
                archive.write(root / "python", full, level=6)
            mirrors.add_to_sums(mirror, full, digest(full))
    return mirror


def _fill(root: Path, libraries: list[Path]) -> None:
    """Copy libraries into a prefix until it has the size of upstream's."""
    left = _FULL - sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    for library in sorted(set(map(Path.resolve, libraries)), key=lambda path: (-path.stat().st_size, path.name)):
        if (size := library.stat().st_size) < left:
            shutil.copyfile(library, root / "lib" / f"filler-{library.name}")
            left -= size


def _order(prefix: Path) -> list[int]:
    return [int(number) for number in prefix.name.split(".") if number.isdigit()]


@contextmanager
def _served(mirror: Path) -> Iterator[str]:
    argv = [sys.executable, "-m", "envmgr", "mirror", "serve", str(mirror), "--port", "0"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


if __name__ == "__main__":
    main()

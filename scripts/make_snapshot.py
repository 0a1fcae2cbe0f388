#!/usr/bin/env python3
"""Update the bundled index of Pythons: `python scripts/make_snapshot.py`.

The sources are two wheels on PyPI, downloaded with pip: `pbs-installer`, which has a table of URLs and sha256 sums, and
`uv`, whose program embeds its download metadata in a zstd frame that starts with `{"cpython-`. Only facts are copied:
version, build, platform, URL, sha256; an entry without a sha256 is dropped. Of several archives of one build,
`install_only_stripped` is selected, else `install_only`, else `full`. Entries of earlier runs are kept, because old
builds remain downloadable.

Output: `src/envmgr/pythons/snapshot/<os>-<arch>-<libc>.txt`, newest first, in the format of
`envmgr.pythons.index.lines`. Needs pip, the program zstd, and envmgr's source beside it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from envmgr.pythons import index
from envmgr.pythons.candidate import Candidate, from_file_name, select_per_build

_ZSTD = b"\x28\xb5\x2f\xfd"
_FRAME = 8_000_000  # bytes; more than the compressed table has


def main() -> None:
    """Write the index files and print the number of builds in each."""
    with tempfile.TemporaryDirectory() as scratch:
        wheels = fetch(Path(scratch), "pbs-installer", "uv")
        found = select_per_build(chain(known(), pbs_installer(wheels["pbs_installer"]), uv(wheels["uv"])))
    index.SNAPSHOT.mkdir(exist_ok=True)
    for platform in sorted({candidate.build.platform for candidate in found}):
        rows = [candidate for candidate in found if candidate.build.platform == platform]
        (index.SNAPSHOT / f"{platform}.txt").write_text(index.dump(rows), encoding="ascii")
        print(f"{platform}: {len(rows)} builds, newest {rows[0].build}")


def fetch(folder: Path, *names: str) -> dict[str, Path]:
    """Download the newest wheels of `names`; return them by their normalised names."""
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, "--dest", folder, *names], check=True)
    for wheel in folder.glob("*.whl"):
        print(wheel.name)
    return {wheel.name.partition("-")[0]: wheel for wheel in folder.glob("*.whl")}


def known() -> Iterator[Candidate]:
    """Yield the candidates of the present index files."""
    for file in sorted(index.SNAPSHOT.glob("*.txt")):
        yield from index.lines(file.read_text(encoding="ascii"))


def pbs_installer(wheel: Path) -> Iterator[Candidate]:
    """Yield the CPythons of pbs-installer's table."""
    with zipfile.ZipFile(wheel) as archive:
        table = json.loads(archive.read("pbs_installer/versions.json"))
    for file in chain.from_iterable(version["files"] for version in table):
        if file["sha256"] and (candidate := from_file_name(file["url"], file["sha256"])):
            yield candidate


def uv(wheel: Path) -> Iterator[Candidate]:
    """Yield the Pythons of uv's table."""
    with zipfile.ZipFile(wheel) as archive:
        program = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        return index.table(embedded(archive.read(program)))


def embedded(program: bytes) -> str:
    """Return the table that uv's program embeds: the zstd frame that holds a JSON object keyed by CPythons."""
    place = program.find(_ZSTD)
    while place >= 0:
        frame = program[place : place + _FRAME]  # other data follows the frame, so the exit code has no meaning
        text = subprocess.run(["zstd", "-dcq"], input=frame, capture_output=True, check=False).stdout
        if text.startswith(b'{"cpython-'):
            return text.decode()
        place = program.find(_ZSTD, place + 1)
    raise SystemExit("the wheel of uv has no table that this script can find")


if __name__ == "__main__":
    main()

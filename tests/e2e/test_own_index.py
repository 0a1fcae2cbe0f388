"""Installation with an index of the user, in each format; without a mirror, from the URLs in the index."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from python_archives import NEWER_TAG, TAG
from sandbox import Sandbox

from envmgr.host.paths import Home
from envmgr.host.platforms import this_platform
from envmgr.pythons import index
from envmgr.pythons.candidate import Candidate


def uv(found: list[Candidate], base: str) -> str:
    """Write uv's table: as `uv python install` reads it from UV_PYTHON_DOWNLOADS_JSON_URL."""
    return json.dumps(
        {
            str(candidate.build): {
                "name": "cpython",
                "url": candidate.urls(base)[0],
                "sha256": candidate.sha256,
                "build": candidate.build.tag,
            }
            for candidate in found
        }
    )


def upstream(found: list[Candidate], base: str) -> str:
    """Write upstream's list, the newest first."""
    lines = (
        {
            "version": f"{candidate.build.version}+{candidate.build.tag}",
            "artifacts": [{"url": candidate.urls(base)[0], "sha256": candidate.sha256}],
        }
        for candidate in reversed(found)
    )
    return "".join(json.dumps(line) + "\n" for line in lines)


def ours(found: list[Candidate], base: str) -> str:
    return "".join(f"{candidate.build} {candidate.sha256} {candidate.urls(base)[0]}\n" for candidate in reversed(found))


@pytest.mark.parametrize("write", [uv, upstream, ours])
def test_index_has_versions_and_urls(
    write: Callable[[list[Candidate], str], str], home: Home, environ: dict[str, str], archives: Path, tmp_path: Path
) -> None:
    found = list(index.sums((archives / "SHA256SUMS").read_text()))
    (tmp_path / "index").write_text(write(found, archives.as_uri()))
    sandbox = Sandbox(home, tmp_path, environ | {"ENVMGR_INDEX_URL": (tmp_path / "index").as_uri()})
    listed = [row["version"] for row in json.loads(sandbox.run("list", "--available", "--json"))]
    assert listed == ["3.13.0", "3.12.1", "3.11.7", "3.10.13"]
    sandbox.run("install", "3.12")
    assert [path.name for path in home.versions.iterdir()] == [f"cpython-3.12.1+{NEWER_TAG}-{this_platform()}"]


def test_the_sums_of_a_folder_are_an_index_and_the_mirror_has_the_archives(
    home: Home, environ: dict[str, str], archives: Path, tmp_path: Path
) -> None:
    (tmp_path / "sums").mkdir()
    lines = (archives / "SHA256SUMS").read_text().splitlines(keepends=True)
    (tmp_path / "sums/SHA256SUMS").write_text("".join(line for line in lines if f"  {TAG}/" in line))
    urls = {"ENVMGR_INDEX_URL": (tmp_path / "sums").as_uri(), "ENVMGR_PYTHON_MIRROR": archives.as_uri()}
    Sandbox(home, tmp_path, environ | urls).run("install", "3.12")
    assert [path.name for path in home.versions.iterdir()] == [f"cpython-3.12.1+{TAG}-{this_platform()}"]


def test_index_cannot_name_a_build_outside_the_store(home: Home, environ: dict[str, str], tmp_path: Path) -> None:
    kept = home.versions / f"cpython-3.13.0+{TAG}-{this_platform()}/lib/kept"
    kept.parent.mkdir(parents=True)
    kept.touch()
    here = this_platform()
    pypy = {
        "name": "pypy",
        "arch": {"family": here.arch},
        "os": here.os,
        "libc": here.libc,
        "major": 3,
        "minor": 12,
        "patch": 1,
        "prerelease": "",
        "build": f"../../../versions/cpython-3.13.0+{TAG}",
        "url": "file:///nowhere/pypy.tar.gz",
        "sha256": "a" * 64,
    }
    (tmp_path / "index").write_text(json.dumps({"one": pypy}))
    sandbox = Sandbox(home, tmp_path, environ | {"ENVMGR_INDEX_URL": (tmp_path / "index").as_uri()})
    assert "not the name of a Python build" in sandbox.run("install", "pypy3.12", code=5)
    assert kept.exists()

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest
from python_archives import NEWER_TAG, TAG, pythons

from envmgr.errors import BrokenInterpreterError, UsageError
from envmgr.host import archive, process
from envmgr.pythons import mirror, packing
from envmgr.pythons.index_sources import SUMS
from envmgr.pythons.packing import Source

NAME = "cpython-3.12.1+{tag}-{triple}-install_only_stripped.tar.gz"


@pytest.fixture
def unpacked(archives: Path, environ: dict[str, str], tmp_path: Path) -> Path:
    (packed,) = archives.glob(f"{TAG}/cpython-3.12.1+*")
    into = tmp_path / "unpacked"
    into.mkdir()
    archive.unpack(packed, into, environ)
    return into / "python"


def test_the_sums_of_tag_and_mirror_say_what_is_there(archives: Path) -> None:
    lines = (archives / SUMS).read_text().splitlines()
    files = {str(path.relative_to(archives)) for path in archives.glob("*/*.tar.gz")}
    assert {line.split("  ")[1] for line in lines} == files
    assert len(files) == 5
    for line in lines:
        sha256, name = line.split("  ")
        assert hashlib.sha256((archives / name).read_bytes()).hexdigest() == sha256
        assert f"{sha256}  {name.partition('/')[2]}\n" in (archives / name).with_name(SUMS).read_text()


def test_a_packed_python_runs_anywhere(unpacked: Path, environ: dict[str, str]) -> None:
    moved = unpacked.rename(unpacked.parent / "el se where")
    code = "import ctypes, lzma, sqlite3, ssl, sys, venv, zlib; print(sys.prefix, *sys.version_info[:3])"
    outcome = process.run([moved / "bin/python3", "-I", "-c", code], environ=environ)
    assert outcome == process.Outcome(0, f"{moved} 3 12 1\n")
    assert process.run([moved / "bin/pip", "--version"], environ=environ).text.startswith("pip ")


def test_packed_archive_has_the_layout_of_upstream(archives: Path) -> None:
    (packed,) = archives.glob(f"{TAG}/cpython-3.12.1+*")
    with tarfile.open(packed) as tar:
        members = tar.getmembers()
    assert all(member.isfile() or member.issym() for member in members)
    assert {member.name.partition("/")[0] for member in members} == {"python"}
    names = {member.name for member in members}
    assert {"python/bin/python3.12", "python/include/python3.12/Python.h"} <= names
    assert not [name for name in names if name.endswith((".pyc", ".a")) or "/test/" in name]
    packages = {name.split("/")[5] for name in names if "/site-packages/" in name and name.count("/") > 4}
    assert all(name.startswith("pip") for name in {n.split("/")[4] for n in names if "/site-packages/" in n}), packages


def test_a_packed_python_was_built_for_install(unpacked: Path) -> None:
    (sysconfig,) = unpacked.glob("lib/python3.12/_sysconfigdata_*.py")
    assert "'prefix': '/install'" in sysconfig.read_text()
    assert (unpacked / "bin/pip").read_bytes().startswith(b"#!/bin/sh\n")
    assert (unpacked / "bin/python").readlink() == Path("python3.12")
    for compiled in (unpacked / "bin/python3.12", *unpacked.glob("lib/libpython3.12.so.*")):
        assert bytes(pythons()) not in compiled.read_bytes()


def test_a_rebuild_is_another_archive_of_the_same_patch(archives: Path) -> None:
    assert len(list(archives.glob("*/cpython-3.12.1+*"))) == 2
    assert list(archives.glob(f"{NEWER_TAG}/cpython-3.12.1+{NEWER_TAG}-*"))


def test_what_cannot_be_packed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a build tag"):
        mirror.pack(tmp_path, tmp_path / "mirror", "../x")
    with pytest.raises(BrokenInterpreterError, match="no Python in bin/python3"):
        mirror.pack(tmp_path, tmp_path / "mirror", TAG)
    assert not (tmp_path / "mirror" / SUMS).exists()


def test_what_a_distribution_keeps_elsewhere_is_brought_or_left(tmp_path: Path, environ: dict[str, str]) -> None:
    """The layout of Debian: sitecustomize.py in /etc, pip in dist-packages, and a text in share/doc."""
    prefix, root = tmp_path / "usr", tmp_path / "copy"
    stdlib = prefix / "lib/python3.12"
    for folder in (prefix / "bin", stdlib, tmp_path / "etc", prefix / "share/doc"):
        folder.mkdir(parents=True)
    for file in (prefix / "bin/pip3.12", stdlib / "os.py", tmp_path / "etc/site.py", prefix / "share/doc/LICENSE"):
        file.write_text(file.name)
    links: dict[str, Path | str] = {
        "sitecustomize.py": tmp_path / "etc/site.py",
        "LICENSE.txt": "../../share/doc/LICENSE",
        "posix.py": "os.py",
        "gone.py": tmp_path / "etc/gone.py",
        "folder": tmp_path / "etc",
    }
    for name, target in links.items():
        (stdlib / name).symlink_to(target)
    packing.copy_relocatable(Source(prefix, "3.12.1", ""), root, environ)
    made = root / "lib/python3.12"
    assert (made / "sitecustomize.py").read_text() == "site.py"
    assert (made / "LICENSE.txt").read_text() == "LICENSE"
    assert [path.name for path in made.iterdir() if path.is_symlink()] == ["posix.py"]
    assert {path.name for path in made.iterdir()} == {"os.py", "posix.py", "sitecustomize.py", "LICENSE.txt"}
    assert not (root / "bin/pip3.12").exists()

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from envmgr.errors import DownloadError, EnvmgrError
from envmgr.host import archive

ENVIRON = {"PATH": os.environ["PATH"]}


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of a tar file; `fields` are those of TarInfo."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=kind, linkname=target)


def tar(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=form) as written:
        for info, data in members:
            written.addfile(info, io.BytesIO(data))
    return raw.getvalue()


@pytest.fixture(params=["isal.igzip", "gzip"])
def unpack(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Pack members (or take bytes), unpack them with either library, and return the directory."""
    if request.param == "gzip":
        monkeypatch.setitem(sys.modules, "isal.igzip", None)  # as if it were not installed
    else:
        assert find_spec(request.param)

    def run(*members: tuple[tarfile.TarInfo, bytes], packed: bytes | None = None, **limits: int) -> Path:
        file, into = tmp_path / "a.tar.gz", tmp_path / "out"
        file.write_bytes(gzip.compress(tar(*members)) if packed is None else packed)
        into.mkdir()
        archive.unpack(file, into, ENVIRON, **limits)
        return into

    return run


def test_files_links_and_directories_are_unpacked(unpack: Callable[..., Path]) -> None:
    long = "d/" + "x" * 150
    out = unpack(
        member("./p", type=tarfile.DIRTYPE, mode=0o755),
        member("p/bin/run", b"#!", mode=0o755),
        member(f"p/{long}", b"long"),
        link("p/bin/also", "run"),
        link("p/lib/up", "../bin/run"),
        link("p/first", "p/bin/run", tarfile.LNKTYPE),
    )
    assert (out / "p/bin/run").stat().st_mode & 0o777 & ~0o022 == 0o755
    assert (out / f"p/{long}").read_bytes() == b"long"
    assert (out / "p/lib/up").read_bytes() == b"#!"
    assert (out / "p/first").samefile(out / "p/bin/run")


def test_a_hard_link_may_come_before_its_target(unpack: Callable[..., Path]) -> None:
    out = unpack(link("p/b", "p/a", tarfile.LNKTYPE), member("p/a", b"1"))
    assert (out / "p/b").samefile(out / "p/a")


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_each_tar_format_is_read(form: int, unpack: Callable[..., Path]) -> None:
    name = "p/" + "y" * 60 + "/" + "z" * 60
    out = unpack(packed=gzip.compress(tar(member(name, b"data"), form=form)))
    assert (out / name).read_bytes() == b"data"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([member("/etc/x")], "name points out of"),
        ([member("p/../../x")], "name points out of"),
        ([member("../x")], "name points out of"),
        ([link("p/x", "/etc/passwd")], "link points out of"),
        ([link("p/x", "../../etc")], "link points out of"),
        ([link("p/x", "..")], "link points out of"),
        ([link("x", "..")], "link points out of"),
        ([link("p/q/r/a", ".."), link("p/q/r/x", "a/../..")], "link points out of"),
        ([link("p/x", "")], "link points out of"),
        ([link("p/x", "../etc", tarfile.LNKTYPE)], "name points out of"),
        ([link("p/x", "/etc/passwd", tarfile.LNKTYPE)], "name points out of"),
        ([link("p/x", "p/none", tarfile.LNKTYPE)], "hard link to a target that is not"),
        ([link("p/l", "d"), link("p/x", "p/l", tarfile.LNKTYPE)], "hard link to a target that is not"),
        ([link("p/l", "d"), member("p/l/x")], "through a link"),
        ([link("p/L", "d"), member("p/l/x")], "through a link"),
        ([member("p/f"), member("p/f/x")], "through a link or file"),
        ([member("p/x"), member("p/x")], "duplicate name"),
        ([member("p/x"), member("p/./x")], "duplicate name"),
        ([member("p/x"), link("p/x", "y")], "duplicate name"),
        ([member("p/d/x"), link("p/d", "y")], "duplicate name"),
        ([member("p/x", type=tarfile.CHRTYPE)], "neither file"),
        ([member("p/x", type=tarfile.BLKTYPE)], "neither file"),
        ([member("p/x", type=tarfile.FIFOTYPE)], "neither file"),
        ([member("p/x", mode=0o4755)], "setuid"),
        ([member("p/x", mode=0o2755)], "setuid"),
        ([member("p", type=tarfile.DIRTYPE, mode=0o1777)], "sticky"),
    ],
)
def test_a_malicious_member_is_refused(
    members: list[tuple[tarfile.TarInfo, bytes]], message: str, unpack: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(DownloadError, match=f"a.tar.gz: refused: .*{message}"):
        unpack(*members)
    assert {path.name for path in tmp_path.iterdir()} == {"a.tar.gz", "out"}


def test_bombs_are_refused(unpack: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="unpacks to more than"):
        unpack(member("p/x", bytes(10_000_000)), max_bytes=1_000_000)
    shutil.rmtree(tmp_path / "out")
    with pytest.raises(DownloadError, match="more than 9 members"):
        unpack(*[member(f"p/{n}") for n in range(100)], max_members=9)
    shutil.rmtree(tmp_path / "out")
    header = member("x", bytes(5_000_000), type=tarfile.GNUTYPE_LONGNAME)
    with pytest.raises(DownloadError, match="headers of one member have more than"):
        unpack(header, member("p/x"))


def test_directories_count_as_members(unpack: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="more than 9 members"):
        unpack(*[member(f"p/{n}", type=tarfile.DIRTYPE, mode=0o755) for n in range(100)], max_members=9)
    shutil.rmtree(tmp_path / "out")
    with pytest.raises(DownloadError, match="more than 9 members"):
        unpack(member("/".join("abcdefghijkl")), max_members=9)


@pytest.mark.parametrize("name", ["d/" * 1500 + "x", "d/" * 65 + "x", "x" * 2000])
def test_names_too_deep_or_long_are_refused(name: str, unpack: Callable[..., Path]) -> None:
    with pytest.raises(DownloadError, match="too long or too deep"):
        unpack(member(name))


@pytest.mark.parametrize(
    "headers",
    [
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "p/y", "GNU.sparse.realsize": "x"},
        {"GNU.sparse.map": "1,x", "GNU.sparse.size": "9"},
        {"GNU.sparse.map": ""},
        {"GNU.sparse.size": "9" * 5000},
        {"size": "-1"},
        {"size": "9" * 5000},
        {"path": ""},
    ],
    ids=str,
)
def test_malformed_extended_headers_are_refused_or_ignored(
    headers: dict[str, str], unpack: Callable[..., Path]
) -> None:
    packed = gzip.compress(tar(member("p/x", b"5\n1\n" * 200, pax_headers=headers), form=tarfile.PAX_FORMAT))
    with suppress(DownloadError):
        unpack(packed=packed)


def test_an_endless_map_of_a_sparse_file_is_refused(unpack: Callable[..., Path]) -> None:
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "p/x", "GNU.sparse.realsize": "1"}
    numbers = b"99999999\n" + b"1\n" * 3_000_000
    with pytest.raises(DownloadError, match="headers of one member have more than"):
        unpack(packed=gzip.compress(tar(member("p/x", numbers, pax_headers=headers), form=tarfile.PAX_FORMAT)))


def test_nested_headers_are_refused(unpack: Callable[..., Path]) -> None:
    block = tar(member("x", b"6 a=b\n", type=tarfile.XHDTYPE))[:1024]
    with pytest.raises(DownloadError, match="damaged"):
        unpack(packed=gzip.compress(block * 2000))


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"<html>hello</html>",
        gzip.compress(b"no tar at all" * 100),
        gzip.compress(tar(member("p/x", bytes(100_000))))[:-200],
        gzip.compress(tar(member("p/x", os.urandom(100_000))))[:50_000],
        gzip.compress(tar(member("p/x", bytes(100_000)))[:50_000]),
    ],
    ids=["empty", "html", "no tar", "tail cut off", "half", "inner half"],
)
def test_damaged_archives_are_refused(packed: bytes, unpack: Callable[..., Path]) -> None:
    with pytest.raises(DownloadError, match="damaged"):
        unpack(packed=packed)


def test_a_size_below_zero_is_refused(unpack: Callable[..., Path]) -> None:
    info, _ = member("p/x")
    info.pax_headers = {"size": "-2048"}
    with suppress(DownloadError):  # tarfile with the fix of CVE-2025-8194 takes such a header for the end
        assert not list(unpack(packed=gzip.compress(tar((info, b""), form=tarfile.PAX_FORMAT))).iterdir())


def test_other_compressions_are_read(tmp_path: Path) -> None:
    raw = tar(member("p/x", b"data" * 1000))
    (tmp_path / "plain").write_bytes(raw)
    zstd = ["zstd", "-q", "--ultra", "--long=31", str(tmp_path / "plain"), "-o", str(tmp_path / "a.tar.zst")]
    subprocess.run(zstd, check=True)
    (tmp_path / "a.tar.bz2").write_bytes(bz2.compress(raw))
    (tmp_path / "a.tar.xz").write_bytes(lzma.compress(raw))
    for suffix in ("zst", "bz2", "xz"):
        (tmp_path / suffix).mkdir()
        archive.unpack(tmp_path / f"a.tar.{suffix}", tmp_path / suffix, ENVIRON)
        assert (tmp_path / suffix / "p/x").read_bytes() == b"data" * 1000


def test_a_missing_zstd_reader_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.tar.zst").write_bytes(b"")
    readable = sys.version_info >= (3, 14) or find_spec("zstandard") or find_spec("backports")
    with pytest.raises(EnvmgrError, match="damaged" if readable else "no reader for zstd"):
        archive.unpack(tmp_path / "a.tar.zst", tmp_path, {"PATH": ""})


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="unsupported archive format"):
        archive.unpack(tmp_path / "a.zip", tmp_path, ENVIRON)


def test_a_failed_write_is_not_a_download_error(tmp_path: Path) -> None:
    file = tmp_path / "a.tar.gz"
    file.write_bytes(gzip.compress(tar(member("p/x"))))
    with pytest.raises(EnvmgrError, match="cannot be written") as caught:
        archive.unpack(file, Path("/proc/self"), ENVIRON)
    assert not isinstance(caught.value, DownloadError)


def test_written_archives_are_reproducible(tmp_path: Path) -> None:
    (tmp_path / "p/d").mkdir(parents=True)
    (tmp_path / "p/d/x").write_text("data")
    (tmp_path / "p/l").symlink_to("d/x")
    for name in ("a", "b"):
        archive.write(tmp_path / "p", tmp_path / name, level=1)
        os.utime(tmp_path / "p/d/x", (1, 1))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_written_archive_has_files_and_links_in_order_without_metadata(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    for name in ("b/empty", "b/full"):
        (root / name).mkdir(parents=True)
    for name in ("c", "b/full/x", "a"):
        (root / name).write_text(name)
    (root / "b/link").symlink_to("full")
    archive.write(root, tmp_path / "a.tar.gz", level=1)
    with tarfile.open(tmp_path / "a.tar.gz") as written:
        members = written.getmembers()
    assert [found.name for found in members] == ["tree/a", "tree/b/full/x", "tree/b/link", "tree/c"]
    assert {(found.uid, found.gid, found.uname, found.gname, found.mtime) for found in members} == {
        (0, 0, "", "", 1704067200)
    }
    assert members[2].issym()


def test_a_file_of_many_chunks_is_whole_and_no_descriptor_stays_open(unpack: Callable[..., Path]) -> None:
    data = os.urandom(1 << 20) * 7 + b"end"
    before = os.dup(0)
    os.close(before)
    into = unpack(member("t/large", data), member("t/small", b"x"))
    after = os.dup(0)
    os.close(after)
    assert (into / "t/large").read_bytes() == data
    assert (into / "t/small").read_bytes() == b"x"
    assert after == before


def test_limits_may_be_reached(unpack: Callable[..., Path]) -> None:
    deepest = "d/" * 63 + "x"
    into = unpack(member(deepest, b"1"), member("y", b"2"), max_members=65)
    assert (into / deepest).read_bytes() == b"1"


def test_dots_and_empty_components_of_names_are_ignored(unpack: Callable[..., Path]) -> None:
    into = unpack(member("./t//./x", b"1"))
    assert (into / "t/x").read_bytes() == b"1"


def test_only_the_owner_makes_a_file_executable_and_modes_of_links_are_ignored(unpack: Callable[..., Path]) -> None:
    into = unpack(
        member("t/data", mode=0o655), member("t/program", mode=0o700),
        member("t/link", type=tarfile.SYMTYPE, linkname="data", mode=0o4777),
    )  # fmt: skip
    modes = {path.name: path.lstat().st_mode & 0o777 for path in (into / "t").iterdir() if not path.is_symlink()}
    assert modes == {"data": 0o644, "program": 0o755}
    assert (into / "t/link").readlink() == Path("data")


def test_a_sparse_file_is_refused(unpack: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "t"
    folder.mkdir()
    with (folder / "sparse").open("wb") as file:
        file.truncate(1 << 20)
    subprocess.run(["tar", "--sparse", "--format=gnu", "-czf", "s.tar.gz", "t"], cwd=tmp_path, check=True)
    with pytest.raises(DownloadError, match="neither file"):
        unpack(packed=(tmp_path / "s.tar.gz").read_bytes())


def test_a_file_that_is_cut_off_is_damaged(unpack: Callable[..., Path]) -> None:
    whole = tar(member("t/x", b"x" * 2000))
    with pytest.raises(DownloadError, match="truncated"):
        unpack(packed=gzip.compress(whole[:1500]))

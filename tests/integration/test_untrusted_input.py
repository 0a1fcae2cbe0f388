"""Any untrusted input ends in success or in an EnvmgrError, within limits of time and memory.

There is one test for each kind of input. Hypothesis makes the examples, the same in every run. Receipts are in
`tests/unit/test_store.py`.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import resource
import socket
import tarfile
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import raw_server
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from envmgr.errors import EnvmgrError
from envmgr.host import archive, download, platforms
from envmgr.host.network import Network
from envmgr.pythons import index, refresh
from envmgr.pythons.candidate import HOSTS, Candidate
from envmgr.pythons.index_sources import Upstream
from envmgr.versions.version import Build

_MAX_SECONDS = 5.0  # for one example on a busy machine
_MAX_MEMORY = 600_000  # kB for all of them
steady = partial(settings, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", autouse=True)
def bounded_memory() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < _MAX_MEMORY


@contextlib.contextmanager
def allowed() -> Iterator[None]:
    """Suppress EnvmgrError, and fail for any other error and after `_MAX_SECONDS`."""
    before = time.monotonic()
    try:
        yield
    except EnvmgrError as error:
        assert error.message  # noqa: PT017 - shown to the user
    assert time.monotonic() - before < _MAX_SECONDS


ODD = [
    "",
    "\0",
    "..",
    "/",
    "\udcff",
    "\xb2",
    "-1",
    "9" * 5000,
    " ",
    "\n",
    "\r\n",
    "{",
    "[" * 3000,
    "%",
    "é",
    "\x1b[31m",
    "null",
]


@st.composite
def mutated(draw: DrawFn, originals: list[str]) -> str:
    """One of the originals, with up to five parts of it replaced."""
    text = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 40)))
        text = text[:start] + draw(st.sampled_from(ODD) | st.text(max_size=20)) + text[end:]
    return text


NAME = "cpython-3.12.7+20241016-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
SHA256 = "a" * 64
ENTRY = {
    "name": "pypy",
    "arch": {"family": "x86_64", "variant": None},
    "os": "linux",
    "libc": "gnu",
    "major": 3,
    "minor": 10,
    "patch": 14,
    "prerelease": "",
    "url": "https://downloads.python.org/pypy/pypy3.10-v7.3.17-linux64.tar.bz2",
    "sha256": SHA256,
    "build": "7.3.17",
}
INDEXES = [
    f"cpython-3.12.7+20241016-linux-x86_64-gnu {SHA256} 20241016/{NAME}\n",
    f"{SHA256}  20241016/{NAME}\n{SHA256} *other.txt\n",
    json.dumps({"version": "3.12.7", "artifacts": [{"url": f"{HOSTS[0]}/20241016/{NAME}", "sha256": SHA256}]}) + "\n",
    json.dumps({"one": ENTRY, "two": ENTRY | {"name": "cpython", "url": f"{HOSTS[1]}/20241016/{NAME}"}}),
]
VALUES: SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(ODD) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ENTRY, "family", "artifacts"]), inner, max_size=5)
    ),
)
TABLES = st.dictionaries(st.sampled_from(list(ENTRY)), VALUES, max_size=3).map(
    lambda odd: json.dumps({"a": ENTRY | odd})
)
RECORDS = st.dictionaries(st.sampled_from(["url", "sha256"]), VALUES).map(
    lambda odd: json.dumps(
        {"version": "3.12.7+1", "artifacts": [{"url": f"x/20241016/{NAME}", "sha256": SHA256} | odd]}
    )
)


def check(found: list[Candidate]) -> None:
    """Assert the properties of candidates on which their users rely."""
    for candidate in found:
        assert Build.parse(str(candidate.build)) == candidate.build
        assert candidate.build.tag.replace(".", "").isdigit()
        for name in (str(candidate.build), candidate.file_name):
            assert name.isascii()
            assert name.isprintable()
            assert "/" not in name
            assert not name.startswith(".")
            assert len(name) < 230
        assert all(url.startswith(("https://", "http://", "file://")) for url in candidate.urls())


@steady(max_examples=300)
@given(mutated(INDEXES) | TABLES | RECORDS)
def test_any_index(text: str) -> None:
    with allowed():
        check(index.parse(text, "here"))


def test_a_deeply_nested_index() -> None:
    for text in ('{"a":' * 200_000, '{"artifacts": ' + "[" * 200_000, "{" + "[" * 200_000):
        with allowed():
            index.parse(text, "here")


def packed(tar: bytes, folder: Path) -> Path:
    file = folder / "a.tar.gz"
    file.write_bytes(gzip.compress(tar, 1))
    return file


def unpack(tar: bytes) -> None:
    """Unpack in a new directory, and assert that nothing outside of it has changed."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "out").mkdir()
        (folder / "beside").write_text("untouched")
        file = packed(tar, folder)
        with allowed():
            archive.unpack(file, folder / "out", {"PATH": os.defpath}, max_bytes=50_000_000, max_members=500)
        assert {path.name for path in folder.iterdir()} == {"a.tar.gz", "out", "beside"}
        assert (folder / "beside").read_text() == "untouched"
        for path in (folder / "out").rglob("*"):
            assert path.resolve().is_relative_to(folder.resolve() / "out")
            assert path.is_symlink() or path.is_dir() or path.is_file()
            assert not path.lstat().st_mode & 0o7000


NAMES = st.sampled_from(
    [
        "p",
        "p/bin/python3",
        "p/lib",
        "p/lib/x",
        "p/l",
        "p/l/x",
        "p/L/y",
        ".",
        "",
        "/etc/x",
        "p/../x",
        "../beside",
        "p//x",
        "p/./x",
        "d/" * 70,
        "n" * 300,
        "p/\udcff",
        "p/\n",
        "p/é",
    ]
)
KINDS = st.sampled_from(
    [
        tarfile.REGTYPE,
        tarfile.DIRTYPE,
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.FIFOTYPE,
        tarfile.CHRTYPE,
        tarfile.GNUTYPE_SPARSE,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.GNUTYPE_LONGNAME,
        b"Z",
    ]
)
PAX = st.dictionaries(
    st.sampled_from(
        [
            "path",
            "linkpath",
            "size",
            "mtime",
            "uid",
            "GNU.sparse.major",
            "GNU.sparse.minor",
            "GNU.sparse.map",
            "GNU.sparse.name",
            "GNU.sparse.realsize",
            "GNU.sparse.size",
            "GNU.sparse.numblocks",
            "hdrcharset",
        ]
    ),
    st.sampled_from(["", "0", "1", "-1", "x", "p/x", "../beside", "1,2,3", "9" * 30, "BINARY", "\xb2"]),
    max_size=4,
)


@st.composite
def tars(draw: DrawFn) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for _ in range(draw(st.integers(0, 6))):
            member = tarfile.TarInfo(draw(NAMES))
            member.type, member.linkname = (
                draw(KINDS),
                draw(NAMES | st.sampled_from(["python3", "..", "../..", "../../beside"])),
            )
            member.mode = draw(st.sampled_from([0o644, 0o755, 0, 0o4755]))
            data = draw(st.binary(max_size=40) | st.just(b"2\n1\n1\n" * 200))
            member.size, member.pax_headers = len(data), draw(PAX)
            tar.addfile(member, io.BytesIO(data))
    return raw.getvalue()


@steady(max_examples=150)
@given(tars())
def test_any_archive(tar: bytes) -> None:
    unpack(tar)


@pytest.fixture(scope="module")
def valid_tar(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real tar file, as `mirror pack` writes it."""
    folder = tmp_path_factory.mktemp("valid")
    for name in ("bin/python3.12", "lib/python3.12/os.py", "lib/" + "long" * 40):
        (folder / "python" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "python" / name).write_bytes(b"x" * 700)
    (folder / "python/bin/python3").symlink_to("python3.12")
    archive.write(folder / "python", folder / "a.tar.gz", level=1)
    return gzip.decompress((folder / "a.tar.gz").read_bytes())


@steady(max_examples=150)
@given(
    edits=st.lists(st.tuples(st.integers(0, 8191), st.binary(min_size=1, max_size=12)), min_size=1, max_size=6),
    cut=st.integers(0, 9000),
)
def test_any_damage_to_an_archive(valid_tar: bytes, edits: list[tuple[int, bytes]], cut: int) -> None:
    tar = bytearray(valid_tar)
    for place, data in edits:
        tar[place : place + len(data)] = data
        header = place // 512 * 512  # correct the checksum, so that the field itself is parsed
        block = tar[header : header + 148] + b" " * 8 + tar[header + 156 : header + 512]
        tar[header + 148 : header + 156] = b"%06o\0 " % sum(block)
    unpack(bytes(tar[: cut if cut < 3000 else None]))


@steady(max_examples=60)
@given(st.binary(max_size=60), st.integers(0, 400))
def test_any_damage_to_its_compression(valid_tar: bytes, data: bytes, place: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        file = packed(valid_tar, Path(scratch))
        damaged = bytearray(file.read_bytes())
        damaged[place : place + len(data)] = data
        for suffix in (".gz", ".bz2", ".xz"):
            file = file.rename(file.with_suffix(suffix))
            file.write_bytes(damaged)
            with tempfile.TemporaryDirectory() as out, allowed():
                archive.unpack(file, Path(out), {"PATH": os.defpath}, max_bytes=50_000_000)


STATUSES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 206 Partial",
        b"HTTP/1.1 304 Same",
        b"HTTP/1.0 200",
        b"HTTP/1.1 302 Found",
        b"HTTP/1.1 100 Continue",
        b"HTTP/1.1 416 No",
        b"HTTP/1.1 503 Later",
        b"HTTP/1.1 404",
        b"HTTP/1.1 999 ?",
        b"HTTP/9.9 200 OK",
        b"SSH-2.0-x",
        b"",
        b"HTTP/1.1 \xb2\xb2\xb2 OK",
        b"HTTP/1.1 204 None",
    ]
)
FIELDS = st.sampled_from(
    [
        b"Content-Length",
        b"Content-Encoding",
        b"Transfer-Encoding",
        b"Content-Range",
        b"Location",
        b"Retry-After",
        b"ETag",
        b"Connection",
        b"Set-Cookie",
        b"WWW-Authenticate",
        b"",
        b"X" * 70_000,
    ]
)
VALUES_OF_FIELDS = st.sampled_from(
    [
        b"0",
        b"4",
        b"-1",
        b"\xb2",
        b"9" * 19,
        b"9" * 400,
        b"gzip",
        b"br",
        b"chunked",
        b"gzip, chunked",
        b"bytes 0-3/4",
        b"bytes x",
        b"/again",
        b"//[bad",
        b"file:///etc/passwd",
        b"http://127.0.0.1:1/",
        b"http://\xff/",
        b"0.01",
        b"Thu, 01 Jan 1970 00:00:00 GMT",
        b"Mon, 99 Foo",
        b"Basic",
        b"Digest x",
        b'W/"\xff"',
        b"close",
        b"",
        b"a=b",
    ]
) | st.binary(max_size=12)
BODIES = st.sampled_from(
    [
        b"",
        b"body",
        b"4\r\nbody\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\n",
        b"-1\r\n",
        gzip.compress(b"body"),
        gzip.compress(b"body")[:-3],
        gzip.compress(bytes(40_000_000)),
    ]
) | st.binary(max_size=60)
BODY_SHA256 = hashlib.sha256(b"body").hexdigest()


@st.composite
def replies(draw: DrawFn) -> bytes:
    lines = [
        draw(STATUSES),
        *(b": ".join(each) for each in draw(st.lists(st.tuples(FIELDS, VALUES_OF_FIELDS), max_size=4))),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + draw(BODIES)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers each connection with the one reply in a list."""
    reply = [b""]
    with raw_server.answering(lambda connection: answer(connection, reply[0])) as host:
        yield host, reply


def answer(connection: socket.socket, reply: bytes) -> None:
    connection.sendall(reply)


@steady(max_examples=120)
@given(data=replies())
def test_any_reply(served: tuple[str, list[bytes]], data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_PAUSE", 0.001)
    monkeypatch.setattr("envmgr.host.network._MAX_RETRY_AFTER", 0.001)
    (host, reply), network = served, Network({"ENVMGR_HTTP_TIMEOUT": "0.5", "NETRC": "/nonexistent"})
    reply[0] = data
    with allowed(), network.open(f"http://{host}/SHA256SUMS", {"If-None-Match": '"x"'}) as got:
        got.text()
    with allowed(), network.open(f"http://{host}/SHA256SUMS") as got:
        list(got.lines())
    with tempfile.TemporaryDirectory() as scratch, allowed():
        to = Path(scratch) / "file"
        to.with_name("file.part").write_bytes(b"bo")
        download.fetch(network, [f"http://{host}/file"], to, BODY_SHA256)
        assert to.read_bytes() == b"body"


PLACES = [
    "127.0.0.1:1",
    "[::1]:1",
    "[bad",
    "[]",
    "",
    "127.0.0.1:x",
    "127.0.0.1:99999",
    "127.0.0.1:-1",
    "a..b",
    "\udcff",
    "\xb2.",
    "x" * 300,
    "me:secret@127.0.0.1:1",
    "me@@127.0.0.1:1",
    "%",
    "\n",
    "127.0.0.1:1:1",
]
SCHEMES = [
    "http://",
    "https://",
    "file://",
    "ftp://",
    "socks5://",
    "socks4://",
    "HTTP://",
    "://",
    "http:",
    "http:/",
    "",
    "\udcff://",
]
URLS = st.builds(
    "{}{}{}".format,
    st.sampled_from(SCHEMES),
    st.sampled_from(PLACES),
    st.sampled_from(["", "/", "/x", "/%00", "/\udcff", "?x#y", "/../.."]),
)


@steady(max_examples=100)
@given(
    urls=st.dictionaries(
        st.sampled_from(["ENVMGR_INDEX_URL", "ENVMGR_PYTHON_MIRROR", "HTTP_PROXY", "https_proxy", "ALL_PROXY"]),
        URLS,
        max_size=3,
    ),
    without=st.sampled_from(["", "*", "127.0.0.1", "[bad", ",,", "\udcff", "http://x"]),
    seconds=st.sampled_from(["0.2", "inf", "nan", "-1", "x", "\udcff", "9" * 400]),
)
def test_any_variable(monkeypatch: pytest.MonkeyPatch, urls: dict[str, str], without: str, seconds: str) -> None:
    monkeypatch.setattr(download, "_PAUSE", 0.001)
    environ = urls | {"NO_PROXY": without, "ENVMGR_HTTP_TIMEOUT": seconds, "NETRC": "/nonexistent"}
    nowhere = Upstream(("http://127.0.0.1:1/x",), "http://127.0.0.1:1/y", ("http://127.0.0.1:1",))
    network, here = Network(environ), platforms.this_platform()
    with tempfile.TemporaryDirectory() as scratch:
        with allowed():
            refresh.available_candidates(here, network, Path(scratch), nowhere)
        with allowed():
            refresh.update_index(here, network, Path(scratch), nowhere)
        with allowed():
            to, candidate = Path(scratch) / "file", index.snapshot_candidates(here)[0]
            urls_of = candidate.urls(environ.get("ENVMGR_PYTHON_MIRROR", "http://127.0.0.1:1"))
            download.fetch(network, urls_of, to, candidate.sha256)

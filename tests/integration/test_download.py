"""Downloads from a server on 127.0.0.1 that misbehaves in all known ways."""

from __future__ import annotations

import gzip
import hashlib
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import mirror_server as server
import pytest
import raw_server
from mirror_server import Mirror

from envmgr.errors import ChecksumError, DownloadError, EnvmgrError, UsageError
from envmgr.host import download
from envmgr.host.network import Network

BODY = os.urandom(300_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Mirror]:
    """A server of one file, `/file`."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "file").write_bytes(BODY)
    with server.serving(folder) as mirror:
        yield mirror


@pytest.fixture
def other(served: Mirror) -> Iterator[Mirror]:
    """A second host with the same folder."""
    with server.serving(served.folder) as mirror:
        yield mirror


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "cache/file"


NETWORK = Network({"ENVMGR_HTTP_TIMEOUT": "1"})


def fetch(mirror: Mirror, to: Path, *others: Mirror, sha256: str = SHA256) -> Path:
    return download.fetch(NETWORK, [f"{host.url}/file" for host in (mirror, *others)], to, sha256)


def cached(to: Path) -> set[str]:
    """Return the names of the files in the cache, without the locks."""
    return {path.name for path in to.parent.iterdir() if not path.name.endswith(".lock")}


def test_a_verified_file_is_fetched_once(served: Mirror, to: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    download.fetch(NETWORK, [f"{served.url}/file"], to, SHA256, watch=lambda *now: seen.append(now))
    assert to.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    fetch(served, to)
    assert len(served.requests) == 1
    assert cached(to) == {"file"}


def test_a_damaged_cache_is_fetched_again(served: Mirror, to: Path) -> None:
    fetch(served, to)
    to.write_bytes(BODY[:-1] + b"!")
    fetch(served, to)
    assert to.read_bytes() == BODY


def test_an_interrupted_download_is_resumed(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.cut(100_000, times=3)
    fetch(served, to)
    assert to.read_bytes() == BODY
    starts = [headers.get("range") for headers in served.asked("file")]
    assert starts[0] is None
    assert [int(start[6:-1]) > 0 for start in starts[1:] if start] == [True] * (len(starts) - 1)


def test_the_download_of_a_killed_run_is_resumed(served: Mirror, to: Path) -> None:
    to.parent.mkdir()
    to.with_name("file.part").write_bytes(BODY[:200_000])
    fetch(served, to)
    assert served.asked("file")[0]["range"] == "bytes=200000-"
    assert cached(to) == {"file"}


@pytest.mark.parametrize("wrong", [b"x" * 1000, BODY + b"too long"])
def test_a_wrong_part_is_removed(wrong: bytes, served: Mirror, to: Path) -> None:
    to.parent.mkdir()
    to.with_name("file.part").write_bytes(wrong)
    fetch(served, to)
    assert to.read_bytes() == BODY


def test_a_complete_part_needs_no_network(served: Mirror, to: Path) -> None:
    to.parent.mkdir()
    to.with_name("file.part").write_bytes(BODY)
    fetch(served, to)
    assert not served.requests


def test_a_server_may_ignore_ranges(served: Mirror, to: Path) -> None:
    to.parent.mkdir()
    to.with_name("file.part").write_bytes(BODY[:1000])
    served.faults["file"] = server.status(200, BODY)
    fetch(served, to)
    assert to.read_bytes() == BODY


def test_a_file_with_a_wrong_hash_is_removed(served: Mirror, to: Path) -> None:
    with pytest.raises(ChecksumError, match=f"the sha256 is {SHA256}, not {'0' * 64}"):
        fetch(served, to, sha256="0" * 64)
    assert cached(to) == set()


def test_a_web_page_has_a_message_of_its_own(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.status(200, b"\n<!DOCTYPE html><title>Log in</title>")
    with pytest.raises(ChecksumError, match="answered with a web page"):
        fetch(served, to)
    assert cached(to) == set()


def test_after_a_wrong_answer_the_next_host_is_tried(served: Mirror, other: Mirror, to: Path) -> None:
    served.faults["file"] = server.status(200, b"not it")
    fetch(served, to, other)
    assert to.read_bytes() == BODY


@pytest.mark.parametrize("code", [401, 403, 404, 410, 418])
def test_after_a_permanent_failure_the_host_is_not_tried_again(
    code: int, served: Mirror, other: Mirror, to: Path
) -> None:
    served.faults["file"] = server.status(code)
    with pytest.raises(DownloadError, match=f"answered {code}"):
        fetch(served, to)
    assert len(served.requests) == 1
    assert cached(to) == set()
    fetch(served, to, other)
    assert to.read_bytes() == BODY


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_after_a_transient_failure_the_host_is_tried_again(code: int, served: Mirror, to: Path) -> None:
    served.faults["file"] = server.failing(code, times=2)
    fetch(served, to)
    assert len(served.requests) == 3


def test_a_transient_failure_that_persists_is_an_error(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.status(503)
    with pytest.raises(DownloadError, match="answered 503"):
        fetch(served, to)
    assert len(served.requests) == 5
    assert cached(to) == set()


def test_a_retry_after_is_respected(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.failing(503, {"Retry-After": "1"})
    before = time.monotonic()
    fetch(served, to)
    assert time.monotonic() - before > 1


def test_hosts_take_turns(served: Mirror, other: Mirror, to: Path) -> None:
    served.faults["file"] = server.status(503)
    other.faults["file"] = server.cut(1000, times=1)
    fetch(served, to, other)
    assert to.read_bytes() == BODY


def test_an_unreachable_host_is_an_error(to: Path) -> None:
    with pytest.raises(DownloadError, match="cannot connect"):
        download.fetch(NETWORK, ["http://127.0.0.1:1/file"], to, SHA256)


def test_a_silent_server_is_an_error(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.slow(30)
    with pytest.raises(DownloadError, match=r"no answer within 0\.1 s"):
        download.fetch(Network({"ENVMGR_HTTP_TIMEOUT": "0.1"}), [f"{served.url}/file"], to, SHA256)


def test_after_a_slow_server_the_next_is_tried(served: Mirror, other: Mirror, to: Path) -> None:
    served.faults["file"] = server.loris(0.05)
    before = time.monotonic()
    download.fetch(Network({"ENVMGR_HTTP_TIMEOUT": "0.3"}), [f"{served.url}/file", f"{other.url}/file"], to, SHA256)
    assert time.monotonic() - before < 5
    assert to.read_bytes() == BODY


def test_a_server_that_starts_anew_makes_no_progress(served: Mirror, to: Path) -> None:
    """It ends half way, and answers a Range with 416 or with a 206 for another part."""

    def again(handler: server.Handler) -> bool:
        wanted = handler.headers.get("Range")
        asked.append(wanted or "")
        if wanted and len(asked) % 4 == 2:
            handler.answer(416, b"")
        elif wanted:
            handler.answer(206, BODY, cut=150_000, headers={"Content-Range": f"bytes 0-{len(BODY) - 1}/{len(BODY)}"})
        else:
            handler.answer(200, BODY, cut=150_000)
        return True

    asked: list[str] = []
    served.faults["file"] = again
    with pytest.raises(DownloadError, match=r"connection broke|not the file that was partly|another part of the file"):
        fetch(served, to)
    assert 4 < len(served.requests) < 12


def test_the_number_of_attempts_is_limited(served: Mirror, to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_ATTEMPTS", 12)
    monkeypatch.setattr(download, "_PAUSE", 0.001)
    served.faults["file"] = server.cut(1000, times=10_000)
    with pytest.raises(DownloadError, match="connection broke"):
        fetch(served, to)
    assert len(served.requests) == 12


@pytest.mark.parametrize("announced", [True, False])
def test_the_size_of_an_archive_is_limited(announced: bool, to: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    monkeypatch.setattr(download, "MAX_BYTES", 1_000_000)
    sent = [0]

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"Content-Length: 99999999999\r\n" * announced + b"\r\n")
        while sent[0] < 50_000_000:
            sent[0] += connection.send(bytes(65536))

    with raw_server.answering(endless) as host, pytest.raises(DownloadError, match="the limit for an archive"):
        download.fetch(NETWORK, [f"http://{host}/file"], to, SHA256)
    assert sent[0] < 30_000_000


def test_the_size_of_an_index_is_limited() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"a" * 65536)  # one line

    for read in (lambda reply: reply.text(), lambda reply: list(reply.lines())):
        with (
            raw_server.answering(endless) as host,
            pytest.raises(DownloadError, match="the limit for an index"),
            NETWORK.open(f"http://{host}/SHA256SUMS") as reply,
        ):
            read(reply)


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"e"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    ],
    ids=["status", "header", "interim", "chunk", "trailer"],
)
def test_a_slow_server_is_an_error_outside_of_the_body_too(head: bytes, drop: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(300):
            connection.sendall(drop)
            time.sleep(0.05)

    before = time.monotonic()
    with (
        raw_server.answering(drip) as host,
        pytest.raises(DownloadError),
        Network({"ENVMGR_HTTP_TIMEOUT": "0.3"}).open(f"http://{host}/file") as reply,
    ):
        list(reply.chunks)
    assert time.monotonic() - before < 6


@pytest.mark.parametrize(
    "text", ["\xb2", "9" * 400, "Wed, 99 Oct 2015 07:28:00 GMT", "Mon, 01 Jan 0001 00:00:00 -2359", "-1", ""]
)
def test_an_invalid_retry_after_is_ignored(text: str, served: Mirror) -> None:
    served.faults["file"] = server.status(503, b"", **{"Retry-After": text})
    with pytest.raises(DownloadError, match="answered 503"), NETWORK.open(f"{served.url}/file"):
        pass


@pytest.mark.parametrize("code", [206, 304])
def test_an_unrequested_status_is_refused(code: int, served: Mirror) -> None:
    served.faults["file"] = server.status(code, b"")
    with pytest.raises(DownloadError, match="which was not requested"), NETWORK.open(f"{served.url}/file"):
        pass


def test_a_text_may_be_compressed_with_gzip(served: Mirror) -> None:
    text = "line\n" * 100_000
    served.faults["text"] = server.status(200, gzip.compress(text.encode()), **{"Content-Encoding": "gzip"})
    with NETWORK.open(f"{served.url}/text") as reply:
        assert reply.text() == text
    with NETWORK.open(f"{served.url}/text") as reply:
        assert list(reply.lines()) == ["line"] * 100_000
    for body, coding in ((gzip.compress(b"text")[:-9], "gzip"), (b"text", "gzip"), (b"text", "br")):
        served.faults["text"] = server.status(200, body, **{"Content-Encoding": coding})
        with (
            pytest.raises(DownloadError, match=r"invalid gzip|not requested"),
            NETWORK.open(f"{served.url}/text") as reply,
        ):
            reply.text()
    bomb = gzip.compress(bytes(200_000_000), 9)
    served.faults["text"] = server.status(200, bomb, **{"Content-Encoding": "gzip"})
    with pytest.raises(DownloadError, match="the limit for an index"), NETWORK.open(f"{served.url}/text") as reply:
        reply.text()


def test_an_archive_is_stored_as_sent(served: Mirror, to: Path) -> None:
    """Apache sends every .tar.gz with `Content-Encoding: x-gzip`."""
    served.faults["file"] = server.status(200, BODY, **{"Content-Encoding": "x-gzip"})
    fetch(served, to)
    assert to.read_bytes() == BODY


@pytest.mark.parametrize(
    "url",
    ["http://[bad/file", "http://127.0.0.1:99999/file", "http://127.0.0.1:x/file", "http:///file", "http://", "http://\udcff/",
     "https://a..b/", "http://" + "a" * 300 + "/", "file://[bad/x", "file:///a%00b", "file:///\udcff", "://", "", "x"],
)  # fmt: skip
def test_an_invalid_url_is_an_error(url: str) -> None:
    with pytest.raises(DownloadError), NETWORK.open(url):
        pass


def test_a_file_url_must_name_a_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero"), tmp_path):
        with pytest.raises(DownloadError, match="not a regular file"), NETWORK.open(path.as_uri()):
            pass


def test_the_number_of_redirects_is_limited(served: Mirror, other: Mirror, to: Path) -> None:
    served.faults["file"] = server.redirect(f"{other.url}/file")
    fetch(served, to)
    to.unlink()
    other.faults["file"] = server.redirect(f"{served.url}/file")
    with pytest.raises(DownloadError, match="too many redirects"):
        fetch(served, to)


def test_a_redirect_to_a_file_url_is_refused(served: Mirror, tmp_path: Path, to: Path) -> None:
    (tmp_path / "secret").write_bytes(BODY)
    served.faults["file"] = server.redirect((tmp_path / "secret").as_uri())
    with pytest.raises(DownloadError):
        fetch(served, to)


def test_a_file_url_is_read(served: Mirror, to: Path) -> None:
    odd = served.folder / "a b+c%"
    odd.write_bytes(BODY)
    download.fetch(Network({"ENVMGR_OFFLINE": "1"}), [odd.as_uri()], to, SHA256)
    with pytest.raises(DownloadError, match="No such file"):
        download.fetch(NETWORK, [f"{odd.as_uri()}x"], to.with_name("x"), SHA256)
    with pytest.raises(DownloadError, match="names no host"):
        download.fetch(NETWORK, ["file://host/x"], to.with_name("x"), SHA256)
    with pytest.raises(DownloadError, match="unsupported URL"):
        download.fetch(NETWORK, ["ftp://host/x"], to.with_name("x"), SHA256)


def test_offline_opens_no_connection(served: Mirror, to: Path) -> None:
    for network in (Network({}, offline=True), Network({"ENVMGR_OFFLINE": "1"})):
        with pytest.raises(DownloadError, match="offline"):
            download.fetch(network, [f"{served.url}/file"], to, SHA256)
    assert not served.requests


@pytest.mark.parametrize("text", ["soon", "inf", "nan", "-1", "0", "1e9", "", "\udcff"])
def test_a_bad_timeout_is_a_usage_error(text: str, served: Mirror, to: Path) -> None:
    with pytest.raises(UsageError, match="ENVMGR_HTTP_TIMEOUT"):
        download.fetch(Network({"ENVMGR_HTTP_TIMEOUT": text}), [f"{served.url}/file"], to, SHA256)


def test_a_full_disk_is_an_error(served: Mirror, tmp_path: Path) -> None:
    with pytest.raises(EnvmgrError, match="cannot be written"):
        fetch(served, Path("/proc/envmgr/file"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/file.part").symlink_to("/dev/full")
    with pytest.raises(EnvmgrError, match="No space left"):
        fetch(served, tmp_path / "cache/file")
    assert cached(tmp_path / "cache/file") == set()


def test_concurrent_fetches_download_once(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.slow(0.2)
    threads = [threading.Thread(target=fetch, args=(served, to)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert to.read_bytes() == BODY
    assert len(served.requests) == 1


def test_credentials_of_netrc_are_used(served: Mirror, tmp_path: Path, to: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    download.fetch(Network({"NETRC": str(netrc)}), [f"{served.url}/file"], to, SHA256)
    assert served.asked("file")[0]["authorization"].startswith("Basic ")


def test_credentials_in_a_url_take_precedence_over_netrc(served: Mirror, tmp_path: Path) -> None:
    url, netrc = f"{served.url.replace('//', '//me:secret@')}/file", tmp_path / "netrc"
    for text in ("machine elsewhere login x password y\n", "machine 127.0.0.1 login x password y\n", "nonsense"):
        netrc.write_text(text)
        with Network({"NETRC": str(netrc)}).open(url):
            pass
    assert {headers["authorization"] for headers in served.asked("file")} == {"Basic bWU6c2VjcmV0"}


def test_credentials_in_a_url_are_not_sent_to_other_hosts(served: Mirror, other: Mirror, to: Path) -> None:
    served.faults["file"] = server.redirect(f"{other.url}/file")
    download.fetch(NETWORK, [f"{served.url.replace('//', '//me:secret@')}/file"], to, SHA256)
    assert served.asked("file")[0]["authorization"].startswith("Basic ")
    assert "authorization" not in other.asked("file")[0]


def test_credentials_in_a_url_are_not_in_messages(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.status(404)
    with pytest.raises(DownloadError, match="answered 404") as caught:
        download.fetch(NETWORK, [f"{served.url.replace('//', '//me:secret@')}/file"], to, SHA256)
    assert "secret" not in caught.value.message
    assert served.asked("file")[0]["authorization"].startswith("Basic ")


def fetch_in_process(url: str, to: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Fetch in a new process, since certificates are read from the environment of the process."""
    code = (
        "import os, sys; from pathlib import Path\n"
        "from envmgr.host.download import fetch\nfrom envmgr.host.network import Network\n"
        "fetch(Network(os.environ), [sys.argv[1]], Path(sys.argv[2]), sys.argv[3])"
    )
    argv = [sys.executable, "-c", code, url, str(to), SHA256]
    clean = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.run(argv, env=clean | environ, capture_output=True, text=True, check=False)


def test_proxies_are_used(served: Mirror, to: Path) -> None:
    served.faults["http://nowhere.invalid/file"] = server.status(200, BODY)
    done = fetch_in_process("http://nowhere.invalid/file", to, HTTP_PROXY=served.url)
    assert done.returncode == 0, done.stderr
    assert to.read_bytes() == BODY


def test_a_socks_proxy_is_used(served: Mirror) -> None:
    port = served.url.rpartition(":")[2]
    with raw_server.answering(raw_server.socks, after_request=False) as host:
        for kind in ("socks5", "socks5h"):
            network = Network({"ALL_PROXY": f"{kind}://{host}"})
            with network.open(f"http://nowhere.invalid:{port}/file") as reply:
                assert b"".join(reply.chunks) == BODY


@pytest.mark.parametrize(
    "proxy", ["socks4://h:1", "ftp://h:1", "http://[bad", "http://", "://h", "http://me:secret@h:99999"]
)
def test_an_unsupported_proxy_is_an_error(proxy: str, served: Mirror) -> None:
    for variable in ("ALL_PROXY", "http_proxy"):
        with pytest.raises(DownloadError) as caught, Network({variable: proxy}).open(f"{served.url}/file"):
            pass
        assert "secret" not in caught.value.message
        with Network({variable: proxy, "NO_PROXY": "10.0.0.1, 127.0.0.1"}).open(f"{served.url}/file") as reply:
            assert b"".join(reply.chunks) == BODY
    assert len(served.requests) == 2


def test_missing_certificates_are_named(to: Path) -> None:
    done = fetch_in_process("https://127.0.0.1:1/file", to, SSL_CERT_FILE="/nonexistent")
    assert "SSL_CERT_FILE=/nonexistent: cannot be read" in done.stderr


def test_a_certificate_must_be_trusted(tmp_path: Path, to: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key)]
    subprocess.run([*make, "-out", str(certificate), *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    folder = tmp_path / "tls"
    folder.mkdir()
    (folder / "file").write_bytes(BODY)
    with server.serving(folder, tls=context) as mirror:
        done = fetch_in_process(f"{mirror.url}/file", to)
        assert "certificate is not trusted" in done.stderr
        done = fetch_in_process(f"{mirror.url}/file", to, SSL_CERT_FILE=str(certificate))
        assert done.returncode == 0, done.stderr
        with server.serving(folder) as plain:
            mirror.faults["file"] = server.redirect(f"{plain.url}/file")
            done = fetch_in_process(f"{mirror.url}/file", to.with_name("b"), SSL_CERT_FILE=str(certificate))
            assert "redirects to the insecure" in done.stderr
            mirror.faults.clear()
            plain.faults["file"] = server.redirect(f"{mirror.url}/file")
            done = fetch_in_process(f"{plain.url}/file", to.with_name("c"))
            assert "certificate is not trusted" in done.stderr
            done = fetch_in_process(f"{plain.url}/file", to.with_name("c"), SSL_CERT_FILE=str(certificate))
            assert done.returncode == 0, done.stderr


def test_a_reply_can_be_read_partly_and_requested_by_etag(served: Mirror) -> None:
    (served.folder / "lines").write_bytes(b"".join(b"line %d\n" % n for n in range(100_000)) + b"end")
    with NETWORK.open(f"{served.url}/lines") as reply:
        lines = reply.lines()
        assert [next(lines), next(lines)] == ["line 0", "line 1"]
        etag = reply.headers["etag"]
    with NETWORK.open(f"{served.url}/lines") as reply:
        assert list(reply.lines())[-1] == "end"
    with NETWORK.open(f"{served.url}/lines", {"If-None-Match": etag}) as reply:
        assert reply.status == 304

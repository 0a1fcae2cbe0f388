"""Downloads against a server on 127.0.0.1 that misbehaves in every way we know."""

from __future__ import annotations

import hashlib
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import mirror_server as server
import pytest
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
    """A second host of the same folder."""
    with server.serving(served.folder) as mirror:
        yield mirror


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "cache/file"


NETWORK = Network({"ENVMGR_HTTP_TIMEOUT": "1"})


def fetch(mirror: Mirror, to: Path, *others: Mirror, sha256: str = SHA256) -> Path:
    return download.fetch(NETWORK, [f"{host.url}/file" for host in (mirror, *others)], to, sha256)


def left(to: Path) -> set[str]:
    """Return what is in the cache, but for the locks."""
    return {path.name for path in to.parent.iterdir() if not path.name.endswith(".lock")}


def test_a_verified_file_is_fetched_once(served: Mirror, to: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    download.fetch(NETWORK, [f"{served.url}/file"], to, SHA256, watch=lambda *now: seen.append(now))
    assert to.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    fetch(served, to)
    assert len(served.requests) == 1
    assert left(to) == {"file"}


def test_a_damaged_cache_is_fetched_again(served: Mirror, to: Path) -> None:
    fetch(served, to)
    to.write_bytes(BODY[:-1] + b"!")
    fetch(served, to)
    assert to.read_bytes() == BODY


def test_a_cut_off_download_goes_on_where_it_broke(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.cut(100_000, times=3)
    fetch(served, to)
    assert to.read_bytes() == BODY
    starts = [headers.get("range") for headers in served.asked("file")]
    assert starts[0] is None
    assert [int(start[6:-1]) > 0 for start in starts[1:] if start] == [True] * (len(starts) - 1)


def test_a_download_of_a_killed_run_goes_on(served: Mirror, to: Path) -> None:
    to.parent.mkdir()
    to.with_name("file.part").write_bytes(BODY[:200_000])
    fetch(served, to)
    assert served.asked("file")[0]["range"] == "bytes=200000-"
    assert left(to) == {"file"}


@pytest.mark.parametrize("wrong", [b"x" * 1000, BODY + b"too long"])
def test_a_wrong_beginning_is_thrown_away(wrong: bytes, served: Mirror, to: Path) -> None:
    to.parent.mkdir()
    to.with_name("file.part").write_bytes(wrong)
    fetch(served, to)
    assert to.read_bytes() == BODY


def test_a_complete_part_needs_no_network(served: Mirror, to: Path) -> None:
    to.parent.mkdir()
    to.with_name("file.part").write_bytes(BODY)
    fetch(served, to)
    assert not served.requests


def test_a_server_that_ignores_ranges_is_fine(served: Mirror, to: Path) -> None:
    to.parent.mkdir()
    to.with_name("file.part").write_bytes(BODY[:1000])
    served.faults["file"] = server.status(200, BODY)
    fetch(served, to)
    assert to.read_bytes() == BODY


def test_a_wrong_hash_leaves_nothing(served: Mirror, to: Path) -> None:
    with pytest.raises(ChecksumError, match=f"the sha256 is {SHA256}, not {'0' * 64}"):
        fetch(served, to, sha256="0" * 64)
    assert left(to) == set()


def test_a_web_page_is_told_apart(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.status(200, b"\n<!DOCTYPE html><title>Log in</title>")
    with pytest.raises(ChecksumError, match="answered with a web page"):
        fetch(served, to)
    assert left(to) == set()


def test_a_wrong_answer_of_one_host_is_made_good_by_the_next(served: Mirror, other: Mirror, to: Path) -> None:
    served.faults["file"] = server.status(200, b"not it")
    fetch(served, to, other)
    assert to.read_bytes() == BODY


@pytest.mark.parametrize("code", [401, 403, 404, 410, 418])
def test_a_refusal_is_final_for_that_host(code: int, served: Mirror, other: Mirror, to: Path) -> None:
    served.faults["file"] = server.status(code)
    with pytest.raises(DownloadError, match=f"answered {code}"):
        fetch(served, to)
    assert len(served.requests) == 1
    assert left(to) == set()
    fetch(served, to, other)
    assert to.read_bytes() == BODY


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(code: int, served: Mirror, to: Path) -> None:
    served.faults["file"] = server.failing(code, times=2)
    fetch(served, to)
    assert len(served.requests) == 3


def test_a_lasting_failure_is_told_in_the_end(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.status(503)
    with pytest.raises(DownloadError, match="answered 503"):
        fetch(served, to)
    assert len(served.requests) == 5
    assert left(to) == set()


def test_a_retry_after_is_waited_for(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.failing(503, {"Retry-After": "1"})
    before = time.monotonic()
    fetch(served, to)
    assert time.monotonic() - before > 1


def test_hosts_take_turns(served: Mirror, other: Mirror, to: Path) -> None:
    served.faults["file"] = server.status(503)
    other.faults["file"] = server.cut(1000, times=1)
    fetch(served, to, other)
    assert to.read_bytes() == BODY


def test_a_host_that_is_not_there_is_told(to: Path) -> None:
    with pytest.raises(DownloadError, match="cannot connect"):
        download.fetch(NETWORK, ["http://127.0.0.1:1/file"], to, SHA256)


def test_a_silent_server_is_given_up(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.slow(30)
    with pytest.raises(DownloadError, match=r"no answer within 0\.1 s"):
        download.fetch(Network({"ENVMGR_HTTP_TIMEOUT": "0.1"}), [f"{served.url}/file"], to, SHA256)


def test_a_dripping_server_is_given_up(served: Mirror, other: Mirror, to: Path) -> None:
    served.faults["file"] = server.loris(0.05)
    before = time.monotonic()
    download.fetch(Network({"ENVMGR_HTTP_TIMEOUT": "0.3"}), [f"{served.url}/file", f"{other.url}/file"], to, SHA256)
    assert time.monotonic() - before < 5
    assert to.read_bytes() == BODY


def test_redirects_are_followed_but_not_without_end(served: Mirror, other: Mirror, to: Path) -> None:
    served.faults["file"] = server.redirect(f"{other.url}/file")
    fetch(served, to)
    to.unlink()
    other.faults["file"] = server.redirect(f"{served.url}/file")
    with pytest.raises(DownloadError, match="redirects without end"):
        fetch(served, to)


def test_a_redirect_does_not_lead_to_files(served: Mirror, tmp_path: Path, to: Path) -> None:
    (tmp_path / "secret").write_bytes(BODY)
    served.faults["file"] = server.redirect((tmp_path / "secret").as_uri())
    with pytest.raises(DownloadError):
        fetch(served, to)


def test_files_are_read_as_urls(served: Mirror, to: Path) -> None:
    odd = served.folder / "a b+c%"
    odd.write_bytes(BODY)
    download.fetch(Network({"ENVMGR_OFFLINE": "1"}), [odd.as_uri()], to, SHA256)
    with pytest.raises(DownloadError, match="No such file"):
        download.fetch(NETWORK, [f"{odd.as_uri()}x"], to.with_name("x"), SHA256)
    with pytest.raises(DownloadError, match="names no host"):
        download.fetch(NETWORK, ["file://host/x"], to.with_name("x"), SHA256)
    with pytest.raises(DownloadError, match="not a URL"):
        download.fetch(NETWORK, ["ftp://host/x"], to.with_name("x"), SHA256)


def test_offline_means_offline(served: Mirror, to: Path) -> None:
    for network in (Network({}, offline=True), Network({"ENVMGR_OFFLINE": "1"})):
        with pytest.raises(DownloadError, match="offline"):
            download.fetch(network, [f"{served.url}/file"], to, SHA256)
    assert not served.requests


def test_a_bad_timeout_is_a_usage_error(served: Mirror, to: Path) -> None:
    with pytest.raises(UsageError, match="ENVMGR_HTTP_TIMEOUT"):
        download.fetch(Network({"ENVMGR_HTTP_TIMEOUT": "soon"}), [f"{served.url}/file"], to, SHA256)


def test_a_disk_that_takes_nothing_is_told(served: Mirror, tmp_path: Path) -> None:
    with pytest.raises(EnvmgrError, match="cannot be written"):
        fetch(served, Path("/proc/envmgr/file"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/file.part").symlink_to("/dev/full")
    with pytest.raises(EnvmgrError, match="No space left"):
        fetch(served, tmp_path / "cache/file")
    assert left(tmp_path / "cache/file") == set()


def test_many_at_once_fetch_once(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.slow(0.2)
    threads = [threading.Thread(target=fetch, args=(served, to)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert to.read_bytes() == BODY
    assert len(served.requests) == 1


def test_credentials_come_from_netrc(served: Mirror, tmp_path: Path, to: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    download.fetch(Network({"NETRC": str(netrc)}), [f"{served.url}/file"], to, SHA256)
    assert served.asked("file")[0]["authorization"].startswith("Basic ")


def test_credentials_in_a_url_stay_with_its_host(served: Mirror, other: Mirror, to: Path) -> None:
    served.faults["file"] = server.redirect(f"{other.url}/file")
    download.fetch(NETWORK, [f"{served.url.replace('//', '//me:secret@')}/file"], to, SHA256)
    assert served.asked("file")[0]["authorization"].startswith("Basic ")
    assert "authorization" not in other.asked("file")[0]


def test_credentials_in_a_url_are_not_told(served: Mirror, to: Path) -> None:
    served.faults["file"] = server.status(404)
    with pytest.raises(DownloadError, match="answered 404") as caught:
        download.fetch(NETWORK, [f"{served.url.replace('//', '//me:secret@')}/file"], to, SHA256)
    assert "secret" not in caught.value.message
    assert served.asked("file")[0]["authorization"].startswith("Basic ")


def fetch_elsewhere(url: str, to: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Fetch in a process of its own: proxies and certificates are read from the process's environment."""
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
    done = fetch_elsewhere("http://nowhere.invalid/file", to, HTTP_PROXY=served.url)
    assert done.returncode == 0, done.stderr
    assert to.read_bytes() == BODY


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
        done = fetch_elsewhere(f"{mirror.url}/file", to)
        assert "certificate is not trusted" in done.stderr
        done = fetch_elsewhere(f"{mirror.url}/file", to, SSL_CERT_FILE=str(certificate))
        assert done.returncode == 0, done.stderr
        with server.serving(folder) as plain:
            mirror.faults["file"] = server.redirect(f"{plain.url}/file")
            done = fetch_elsewhere(f"{mirror.url}/file", to.with_name("b"), SSL_CERT_FILE=str(certificate))
            assert "redirects to the insecure" in done.stderr
            mirror.faults.clear()
            plain.faults["file"] = server.redirect(f"{mirror.url}/file")
            done = fetch_elsewhere(f"{plain.url}/file", to.with_name("c"))
            assert "certificate is not trusted" in done.stderr
            done = fetch_elsewhere(f"{plain.url}/file", to.with_name("c"), SSL_CERT_FILE=str(certificate))
            assert done.returncode == 0, done.stderr


def test_an_answer_can_be_left_early_and_asked_for_by_etag(served: Mirror) -> None:
    (served.folder / "lines").write_bytes(b"".join(b"line %d\n" % n for n in range(100_000)) + b"end")
    with NETWORK.open(f"{served.url}/lines") as reply:
        lines = reply.lines()
        assert [next(lines), next(lines)] == ["line 0", "line 1"]
        etag = reply.headers["etag"]
    with NETWORK.open(f"{served.url}/lines") as reply:
        assert list(reply.lines())[-1] == "end"
    with NETWORK.open(f"{served.url}/lines", {"If-None-Match": etag}) as reply:
        assert reply.status == 304

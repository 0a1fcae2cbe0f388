"""Requests to upstream's real URLs: a proxy connects every host to one local server, with TLS."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
from mirror_server import Handler, Mirror, serving
from python_archives import TAG
from sandbox import Sandbox

from envmgr.host import process
from envmgr.host.paths import Home
from envmgr.host.platforms import this_platform
from envmgr.pythons import index, selection
from envmgr.pythons.candidate import HOSTS
from envmgr.pythons.index_sources import UPSTREAM

FIRST, SECOND = (urlsplit(url).hostname for url in HOSTS)
REBUILT = "20991231"
DAY = 86400


@contextmanager
def proxy(to: tuple[str, int], gone: set[str | None]) -> Iterator[str]:
    """Answer CONNECT for any host but those `gone` with a way to one address; yields the URL of the proxy."""

    class Tunnel(BaseRequestHandler):
        def handle(self) -> None:
            asked = b""
            while not asked.endswith(b"\r\n\r\n"):
                asked += self.request.recv(1)
            if asked.split()[1].partition(b":")[0].decode() in gone:
                self.request.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
                return
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with socket.create_connection(to) as other:
                Thread(target=pump, args=(other, self.request), daemon=True).start()
                pump(self.request, other)

    with ThreadingTCPServer(("127.0.0.1", 0), Tunnel) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def pump(one: socket.socket, other: socket.socket) -> None:
    """Forward data until the end of the stream."""
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for upstream's hosts, and its key, in one file."""
    hosts = {urlsplit(url).hostname for url in (*UPSTREAM.records, UPSTREAM.latest, *UPSTREAM.releases)}
    folder = tmp_path_factory.mktemp("tls")
    names = ",".join(f"DNS:{host}" for host in sorted(map(str, hosts)))
    make: list[str | Path] = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=upstream",
    ]
    files: list[str | Path] = [
        "-keyout",
        folder / "key",
        "-out",
        folder / "certificate",
        "-addext",
        f"subjectAltName={names}",
    ]
    outcome = process.run([*make, *files], environ=os.environ)
    assert outcome.code == 0, outcome.text
    (folder / "both").write_text((folder / "key").read_text() + (folder / "certificate").read_text())
    return folder / "both"


@pytest.fixture
def upstream(tmp_path: Path, archives: Path, certificate: Path) -> Iterator[Mirror]:
    """Serve upstream's list: first a rebuild of 3.12.1 with a new tag; its last record must not be read."""
    (packed,) = archives.glob(f"{TAG}/cpython-3.12.1+*")
    name, body = packed.name.replace(TAG, REBUILT), packed.read_bytes()
    known = next(one for one in index.snapshot_candidates(this_platform()) if not one.build.prefix)
    artifact = {"url": f"{HOSTS[1]}/{REBUILT}/{name.replace('+', '%2B')}", "sha256": hashlib.sha256(body).hexdigest()}
    held = {"version": f"{known.build.version}+{known.build.tag}", "artifacts": []}
    records = [{"version": f"3.12.1+{REBUILT}", "artifacts": [artifact]}, held]
    folder = tmp_path / "upstream"
    for url in UPSTREAM.records:
        write(folder / path(url), "\n".join([*map(json.dumps, records), "never read", "\n" * 100_000]).encode())
    write(folder / path(UPSTREAM.latest), json.dumps({"version": 1, "tag": REBUILT}).encode())
    for url in UPSTREAM.releases:
        write(folder / path(url) / REBUILT / name, body)
        write(folder / path(url) / REBUILT / "SHA256SUMS", f"{artifact['sha256']}  {name}\n".encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(folder, tls=context) as served:
        yield served


def write(file: Path, body: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)


def path(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


@pytest.fixture
def gone() -> set[str | None]:
    """The hosts that do not respond."""
    return set()


@pytest.fixture
def sandbox(
    home: Home, environ: dict[str, str], upstream: Mirror, certificate: Path, gone: set[str | None], tmp_path: Path
) -> Iterator[Sandbox]:
    (tmp_path / "shop").mkdir()
    address = urlsplit(upstream.url)
    with proxy((str(address.hostname), address.port or 0), gone) as url:
        plain = {name: value for name, value in environ.items() if "proxy" not in name.lower()}
        yield Sandbox(home, tmp_path / "shop", plain | {"HTTPS_PROXY": url, "SSL_CERT_FILE": str(certificate)})


def asked(upstream: Mirror) -> list[str]:
    """Return `host/path` of each request, in order."""
    return [f"{headers['host']}/{place.lstrip('/')}" for _, place, headers in upstream.requests]


def address(url: str) -> str:
    return url.removeprefix("https://")


def installed(sandbox: Sandbox) -> list[str]:
    return [folder.name for folder in sandbox.home.versions.iterdir()]


def test_a_rebuild_of_today_is_installed_by_an_envmgr_of_yesterday(sandbox: Sandbox, upstream: Mirror) -> None:
    sandbox.run("install", "3.12.1")
    assert installed(sandbox) == [f"cpython-3.12.1+{REBUILT}-{this_platform()}"]
    first, archive = asked(upstream)
    assert first == address(UPSTREAM.records[0])
    assert archive.startswith(f"{address(HOSTS[0])}/{REBUILT}/cpython-3.12.1+{REBUILT}-")
    assert f"3.12.1+{REBUILT}" in sandbox.run("list", "--available", "--all")
    sandbox.run("install", "3.12.1")
    assert len(upstream.requests) == 2, "asked within the day"


def test_other_hosts_are_tried(sandbox: Sandbox, upstream: Mirror, gone: set[str | None]) -> None:
    gone.add(FIRST)
    sandbox.run("install", "3.12.1")
    assert installed(sandbox) == [f"cpython-3.12.1+{REBUILT}-{this_platform()}"]
    first, archive = asked(upstream)
    assert first == address(UPSTREAM.records[1])
    assert archive.startswith(f"{address(HOSTS[1])}/{REBUILT}/")


def test_without_a_list_the_latest_release_is_enough(sandbox: Sandbox, upstream: Mirror) -> None:
    for url in UPSTREAM.records:
        (upstream.folder / path(url)).unlink()
    sandbox.run("install", f"3.12.1+{REBUILT}")
    assert installed(sandbox) == [f"cpython-3.12.1+{REBUILT}-{this_platform()}"]
    assert asked(upstream)[:4] == [
        *map(address, UPSTREAM.records),
        address(UPSTREAM.latest),
        f"{address(HOSTS[0])}/{REBUILT}/SHA256SUMS",
    ]


def test_a_day_later_it_is_asked_whether_anything_changed(sandbox: Sandbox, upstream: Mirror) -> None:
    assert sandbox.run("refresh") == f"3.12.1+{REBUILT}\n"
    cached = selection.cache_file(Path(sandbox.environ["ENVMGR_CACHE_DIR"]), this_platform())
    then = time.time() - DAY - 1
    os.utime(cached, (then, then))
    sandbox.run("list", "--available")
    assert [headers.get("if-none-match", "") != "" for headers in upstream.asked("ndjson")] == [False, True]
    assert sandbox.run("refresh") == ""


def test_an_upgrade_sees_the_rebuild(sandbox: Sandbox, archives: Path) -> None:
    sandbox.environ |= {"ENVMGR_PYTHON_MIRROR": archives.as_uri()}
    sandbox.run("install", f"3.12.1+{TAG}")
    del sandbox.environ["ENVMGR_PYTHON_MIRROR"]
    sandbox.run("upgrade", "3.12.1")
    assert sorted(installed(sandbox)) == [f"cpython-3.12.1+{tag}-{this_platform()}" for tag in (TAG, REBUILT)]


def test_automatic_update_has_a_short_timeout(sandbox: Sandbox, upstream: Mirror) -> None:
    """A host that sends single bytes: known versions are listed, and the next update is postponed."""

    def drip(handler: Handler) -> bool:
        time.sleep(5)
        return bool(handler)

    upstream.faults["ndjson"] = upstream.faults["latest-release"] = drip
    sandbox.environ["ENVMGR_HTTP_TIMEOUT"] = "1"
    started = time.monotonic()
    assert "3.12" in sandbox.run("list", "--available")
    assert time.monotonic() - started < 15
    before = len(upstream.requests)
    sandbox.run("list", "--available")
    assert len(upstream.requests) == before

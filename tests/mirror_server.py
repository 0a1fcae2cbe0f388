"""A mirror on 127.0.0.1 that serves a directory, with faults on request: tests replace only the network."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, cast
from urllib.parse import unquote, urlsplit

Answer = Callable[["Handler"], bool]  # True when the request has been answered


@dataclass
class Mirror:
    """The running server: its `url`, its requests, and its `faults` by a part of the path.

    A fault is asked before the folder; it answers and returns True, or returns False to let the file be served.
    """

    url: str
    folder: Path
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    faults: dict[str, Answer] = field(default_factory=dict)

    def asked(self, part: str) -> list[dict[str, str]]:
        """Return the headers (names in lower case) of each request whose path holds `part`."""
        return [headers for _, path, headers in self.requests if part in path]


class Handler(BaseHTTPRequestHandler):
    """Serves files with ETag, Range and If-Range, as R2 and GitHub do."""

    protocol_version = "HTTP/1.1"
    mirror: ClassVar[Mirror]

    @property
    def clean_path(self) -> str:
        return unquote(urlsplit(self.path).path)

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.mirror.requests.append((self.command, self.clean_path, headers))
        for part, fault in list(self.mirror.faults.items()):
            if part in self.clean_path and fault(self):
                return
        file = self.mirror.folder / self.clean_path.lstrip("/")
        if ".." in file.parts or not file.is_file():
            self.answer(404, b"not here\n")
        else:
            self.file(file)

    def do_HEAD(self) -> None:
        self.do_GET()

    def file(self, file: Path, *, cut: int | None = None, etag: str | None = None) -> None:
        """Answer with `file`, whole or the Range asked for; `cut` bytes into the body, the connection drops."""
        body = file.read_bytes()
        etag = etag or f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            return self.answer(304, b"", headers={"ETag": etag})
        status, extra, wanted = 200, dict[str, str](), self.headers.get("Range", "")
        if wanted.startswith("bytes=") and self.headers.get("If-Range", etag) == etag:
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            if start >= len(body):
                return self.answer(416, b"", headers={"Content-Range": f"bytes */{len(body)}"})
            status, extra = 206, {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
            body = body[start:]
        return self.answer(status, body, cut=cut, headers={"ETag": etag, "Accept-Ranges": "bytes", **extra})

    def answer(
        self, status: int, body: bytes, *, cut: int | None = None, headers: dict[str, str] | None = None
    ) -> None:
        """Send a whole answer, or one that breaks off `cut` bytes into the body."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that close the connection."""


@contextmanager
def serving(folder: Path, *, tls: ssl.SSLContext | None = None) -> Iterator[Mirror]:
    """Serve `folder` on a free port of 127.0.0.1 until the block ends; with `tls`, by https."""
    handler = cast("type[Handler]", type("Bound", (Handler,), {}))
    with _Server(("127.0.0.1", 0), handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        mirror = Mirror(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}", folder)
        handler.mirror = mirror
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield mirror
        finally:
            server.shutdown()
            thread.join()


def status(code: int, body: bytes = b"no\n", **headers: str) -> Answer:
    """Always answer with `code`."""

    def fault(handler: Handler) -> bool:
        handler.answer(code, body, headers=headers)
        return True

    return fault


def cut(after: int, *, times: int = 1) -> Answer:
    """Break off `after` bytes into the body, the first `times` times."""
    left = [times]

    def fault(handler: Handler) -> bool:
        if left[0] <= 0:
            return False
        left[0] -= 1
        handler.file(handler.mirror.folder / handler.clean_path.lstrip("/"), cut=after)
        return True

    return fault


def failing(code: int, headers: dict[str, str] | None = None, *, times: int = 1) -> Answer:
    """Answer with `code` the first `times` times."""
    left = [times]

    def fault(handler: Handler) -> bool:
        left[0] -= 1
        if left[0] >= 0:
            handler.answer(code, b"later\n", headers=headers)
        return left[0] >= 0

    return fault


def slow(seconds: float) -> Answer:
    """Wait before every answer."""

    def fault(_: Handler) -> bool:
        time.sleep(seconds)
        return False

    return fault


def loris(pause: float) -> Answer:
    """Promise a body and send it byte by byte, `pause` seconds apart, without end."""

    def fault(handler: Handler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        for _ in range(200):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(pause)
        return True

    return fault


def redirect(to: str) -> Answer:
    """Send the client to `to`, always."""
    return status(302, b"", Location=to)

"""HTTP server for the files below a directory, with ETag and Range. The only module that imports http.server.

It serves a mirror on one's own machine or network; nginx, Apache or a bucket can serve the same directory.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from envmgr.errors import EnvmgrError

_IDLE_TIMEOUT = 30  # seconds
Log = Callable[[str], None]


def serve(folder: Path, host: str, port: int, *, ready: Log, log: Log) -> None:
    """Serve `folder` until interrupted; calls `ready` with the URL, then `log` for each request.

    Port 0 selects a free port. Raises EnvmgrError for an address that cannot be used.
    """
    try:
        server = ThreadingHTTPServer((host, port), partial(_Handler, folder.resolve(), log))
    except (OSError, OverflowError) as error:
        raise EnvmgrError(f"{host}:{port} cannot be served: {error}", hint="try another --port") from error
    with server:
        name = f"[{host}]" if ":" in host else host
        ready(f"http://{name}:{server.server_address[1]}")
        server.serve_forever()


class _Handler(BaseHTTPRequestHandler):
    """Answers requests for the files below `folder`."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_TIMEOUT

    def __init__(self, folder: Path, log: Log, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - http.server's own
        self.folder = folder
        self.log = log
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        """Send a file, the end of one, or the status 304 or 404."""
        if (path := self._path()) is None:
            self._send_head(404, 0)
            return
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
            if self.headers.get("If-None-Match") == etag:
                self._send_head(304, 0, ETag=etag)
                return
            start = self._start(etag, status.st_size)
            if start:
                file.seek(start)
                extent = {"Content-Range": f"bytes {start}-{status.st_size - 1}/{status.st_size}"}
                self._send_head(206, status.st_size - start, ETag=etag, **extent)
            else:
                self._send_head(200, status.st_size, ETag=etag, **{"Accept-Ranges": "bytes"})
            if self.command == "GET":
                shutil.copyfileobj(file, self.wfile, 1 << 18)

    def do_HEAD(self) -> None:
        """Send the headers of the response to GET."""
        self.do_GET()

    def _path(self) -> Path | None:
        """Return the requested regular file; None for others, hidden files and files outside of `folder`."""
        try:
            requested = unquote(urlsplit(self.path).path)
            parts = requested.split("/")
            if "\0" in requested or any(part.startswith(".") for part in parts):
                return None
            path = self.folder.joinpath(*filter(None, parts)).resolve()
            return path if path.is_file() and path.is_relative_to(self.folder) else None
        except (ValueError, OSError):  # an invalid URL or file name
            return None

    def _start(self, etag: str, size: int) -> int:
        """Return N of `Range: bytes=N-`; 0 for other forms, a start past the end, and another ETag in If-Range."""
        header = self.headers.get("Range", "")
        number = header.removeprefix("bytes=").removesuffix("-")
        valid = header == f"bytes={number}-" and re.fullmatch(r"[0-9]{1,18}", number) and int(number) < size
        return int(number) if valid and self.headers.get("If-Range", etag) == etag else 0

    def _send_head(self, status: int, length: int, **headers: str) -> None:
        """Send the status line and the headers."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own
        """Write a request to `log`."""
        self.log(f"{self.address_string()} {format % args}")

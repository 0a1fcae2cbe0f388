"""A file server: GET and HEAD of the files below one directory, with ETag and Range. The one home of http.server.

For a mirror on one's own machine or network; a bucket, nginx or Apache serve the same directory as well.
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

_IDLE = 30  # seconds that a connection may be silent
Log = Callable[[str], None]


def serve(folder: Path, host: str, port: int, *, ready: Log, log: Log) -> None:
    """Serve `folder` until interrupted; `ready` is told the URL, `log` each request. Port 0 is any free one.

    Raises EnvmgrError when the address cannot be had.
    """
    try:
        server = ThreadingHTTPServer((host, port), partial(_Files, folder.resolve(), log))
    except (OSError, OverflowError) as error:
        raise EnvmgrError(f"{host}:{port} cannot be served: {error}", hint="try another --port") from error
    with server:
        name = f"[{host}]" if ":" in host else host
        ready(f"http://{name}:{server.server_address[1]}")
        server.serve_forever()


class _Files(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE

    def __init__(self, folder: Path, log: Log, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - http.server's own
        self.folder = folder
        self.log = log
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        """Answer with a file, the end of one, or 404."""
        if (path := self._path()) is None:
            self._head(404, 0)
            return
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
            if self.headers.get("If-None-Match") == etag:
                self._head(304, 0, ETag=etag)
                return
            start = self._start(etag, status.st_size)
            if start:
                file.seek(start)
                extent = {"Content-Range": f"bytes {start}-{status.st_size - 1}/{status.st_size}"}
                self._head(206, status.st_size - start, ETag=etag, **extent)
            else:
                self._head(200, status.st_size, ETag=etag, **{"Accept-Ranges": "bytes"})
            if self.command == "GET":
                shutil.copyfileobj(file, self.wfile, 1 << 18)

    def do_HEAD(self) -> None:
        """Answer as to GET, without the body."""
        self.do_GET()

    def _path(self) -> Path | None:
        """Return the file that is asked for; None for what is hidden, outside, or no file."""
        try:
            asked = unquote(urlsplit(self.path).path)
            parts = asked.split("/")
            if "\0" in asked or any(part.startswith(".") for part in parts):
                return None
            path = self.folder.joinpath(*filter(None, parts)).resolve()
            return path if path.is_file() and path.is_relative_to(self.folder) else None
        except (ValueError, OSError):  # no URL, or a name that no file can have
            return None

    def _start(self, etag: str, size: int) -> int:
        """Return where `Range: bytes=N-` begins; 0, for the whole, where that is of another file or makes no sense."""
        wanted = self.headers.get("Range", "")
        number = wanted.removeprefix("bytes=").removesuffix("-")
        fits = wanted == f"bytes={number}-" and re.fullmatch(r"[0-9]{1,18}", number) and int(number) < size
        return int(number) if fits and self.headers.get("If-Range", etag) == etag else 0

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own
        """Pass a request on to the log."""
        self.log(f"{self.address_string()} {format % args}")

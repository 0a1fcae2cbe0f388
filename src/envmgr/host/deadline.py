"""A deadline for a connection, since a server that sends single bytes never exceeds the time-out of a read."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from threading import Timer
from typing import Any


class Deadline:
    """Shuts a connection down at a given time; then reads from it fail, and `passed` is True."""

    def __init__(self) -> None:
        self.passed = False
        self._connection: socket.socket | None = None
        self._timer: Timer | None = None

    def extend(self, seconds: float) -> None:
        """Set the deadline to `seconds` from now."""
        if self._timer:
            self._timer.cancel()
        self._timer = Timer(seconds, self._shut_down)
        self._timer.daemon = True
        self._timer.start()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Remember the connection: a callback of httpx, https://www.python-httpx.org/advanced/extensions/#trace."""
        if event.endswith("connect_tcp.complete"):
            self._release()
            connected = info["return_value"].get_extra_info("socket")
            self._connection = socket.socket(fileno=os.dup(connected.fileno()))  # a copy, since TLS detaches the socket
            if self.passed:
                self._shut_down()

    def close(self) -> None:
        """Cancel the deadline."""
        if self._timer:
            self._timer.cancel()
        self._release()

    def _shut_down(self) -> None:
        """Let pending and later reads fail."""
        self.passed = True
        if connection := self._connection:
            with suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)

    def _release(self) -> None:
        """Close our copy of the connection's socket."""
        if self._connection:
            self._connection.close()
            self._connection = None

"""A deadline for a connection: whoever sends a byte now and then satisfies a time-out for single reads for ever."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from threading import Timer
from typing import Any


class Deadline:
    """Shuts a connection down when its time is up; whoever waits for it then fails, and `passed` is True."""

    def __init__(self) -> None:
        self.passed = False
        self._connection: socket.socket | None = None
        self._timer: Timer | None = None

    def extend(self, seconds: float) -> None:
        """Let the time be up in `seconds` from now."""
        if self._timer:
            self._timer.cancel()
        self._timer = Timer(seconds, self._shut_down)
        self._timer.daemon = True
        self._timer.start()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Take note of the connection: a callback for httpx, https://www.python-httpx.org/advanced/extensions/#trace."""
        if event.endswith("connect_tcp.complete"):
            self._forget()
            connected = info["return_value"].get_extra_info("socket")
            self._connection = socket.socket(fileno=os.dup(connected.fileno()))  # TLS takes the socket itself away
            if self.passed:
                self._shut_down()

    def close(self) -> None:
        """Let the time never be up."""
        if self._timer:
            self._timer.cancel()
        self._forget()

    def _shut_down(self) -> None:
        self.passed = True
        if connection := self._connection:
            with suppress(OSError):  # closed by the other side, or just now by ours
                connection.shutdown(socket.SHUT_RDWR)

    def _forget(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

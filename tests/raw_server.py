"""A server on 127.0.0.1 that answers with bytes of the test's choice, whether they are HTTP or not."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[socket.socket], None]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


@contextmanager
def answering(answer: Answer, *, after_request: bool = True) -> Iterator[str]:
    """Call `answer` with each connection after the head of its request; yield `host:port`."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            with suppress(OSError):  # a client may close the connection
                while after_request and b"\r\n\r\n" not in head:
                    if not (received := self.request.recv(65536)):
                        return
                    head += received
                answer(self.request)

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def socks(connection: socket.socket) -> None:
    """Be a SOCKS5 proxy without passwords (RFC 1928) to which every host is this machine."""

    def exactly(count: int) -> bytes:
        received = b""
        while len(received) < count:
            received += connection.recv(count - len(received)) or exit_thread()
        return received

    exactly(exactly(2)[1])  # the methods that the client offers
    connection.sendall(b"\x05\x00")
    kind = exactly(4)[3]
    exactly(exactly(1)[0] if kind == 3 else {1: 4, 4: 16}[kind])
    port = int.from_bytes(exactly(2))
    with socket.create_connection(("127.0.0.1", port)) as upstream:
        connection.sendall(b"\x05\x00\x00\x01" + bytes(6))
        upstream.sendall(connection.recv(65536))
        while chunk := upstream.recv(65536):
            connection.sendall(chunk)


def exit_thread() -> bytes:
    """End the thread of a connection that the other side has closed."""
    raise ConnectionResetError

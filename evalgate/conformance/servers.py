"""A server on loopback that can be gone as if its process had died: no listener, and no old connection either."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from evalgate.conformance.world import HOST
from evalgate.errors import InfrastructureError

_LOOKS = 0.05  # seconds between two looks at whether it shall end
_IDLE_SECONDS = 60


class Server(ThreadingHTTPServer):
    """Listens at once, serves from `start` to `stop`. Raises `InfrastructureError` when the port is taken."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handler: type[Handler]) -> None:
        try:
            super().__init__((HOST, port), handler)
        except OSError as failure:
            raise InfrastructureError(f"port {port} cannot be listened on: {failure.strerror}") from None
        self.gone, self.connections = False, set[socket.socket]()
        self._thread = threading.Thread(target=self.serve_forever, args=(_LOOKS,), daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer nobody any more; what is under way is broken off."""
        self.gone = True
        if self._thread.is_alive():
            self.shutdown()
        for connection in tuple(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asks may go away at any time."""


class Handler(BaseHTTPRequestHandler):
    """Says nothing on stderr, sends small answers at once, and is known to its server."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server: Server

    def setup(self) -> None:
        """As ever, and remembered."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        """As ever, and forgotten."""
        self.server.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the findings say what there is to say."""

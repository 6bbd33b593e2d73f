"""The listening socket, with a thread for each connection."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Any, Final

import structlog

from scp.network.acceptor import Acceptor

log = structlog.get_logger(__name__)

_QUEUED_CONNECTIONS: Final = 128

Open = Callable[[socket.socket, tuple[str, int]], Acceptor]
"""Makes the acceptor for a connection from an address."""


class Listener(socketserver.ThreadingTCPServer):
    """A server with one thread per connection; connections arriving meanwhile queue up instead of being refused.

    Beyond `most_connections`, a connection is closed at once and `on_refused` is called.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # whoever stops the listener also ends the associations
    request_queue_size = _QUEUED_CONNECTIONS

    def __init__(
        self,
        address: tuple[str, int],
        open_acceptor: Open,
        *,
        most_connections: int = 128,
        on_refused: Callable[[], None] = lambda: None,
    ) -> None:
        """Bind the port. Raises OSError when that fails."""
        self._open = open_acceptor
        self._most_connections = most_connections
        self._on_refused = on_refused
        self._acceptors: set[Acceptor] = set()
        self._connections = 0
        self._lock = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, socketserver.BaseRequestHandler)

    @property
    def port(self) -> int:
        """The port listened on, even if the system chose it."""
        return int(self.server_address[1])

    @property
    def acceptors(self) -> list[Acceptor]:
        """The current associations, and connections that may become associations."""
        with self._lock:
            return list(self._acceptors)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Refuse a connection when far more are open than may become associations."""
        del request
        if self._connections < self._most_connections:
            return True
        self._on_refused()
        log.warning("connection closed: too many open connections", host=client_address[0], open=self._connections)
        return False

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection in its own thread."""
        with self._lock:
            self._connections += 1
        try:
            self._serve(request, client_address)
        finally:
            with self._lock:
                self._connections -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an uncaught error, which the base class would print."""
        del request
        log.exception("connection failed", host=client_address[0])  # noqa: LOG004  # it is called in one

    def shutdown(self) -> None:
        """Stop `serve_forever` and close the socket; open connections stay open."""
        super().shutdown()
        self.server_close()

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        acceptor = self._open(request, (str(client_address[0]), int(client_address[1])))
        with self._lock:
            self._acceptors.add(acceptor)
        try:
            acceptor.run()
        finally:
            with self._lock:
                self._acceptors.discard(acceptor)

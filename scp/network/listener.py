"""The listening socket, with a thread for each connection."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Any, Final

import structlog

from scp.network.acceptor import Acceptor
from scp.network.lobby import Lobby

log = structlog.get_logger(__name__)

_QUEUED_CONNECTIONS: Final = 128
_MOST_WAITING: Final = 64
_MOST_WAITING_OF_HOST: Final = 16

Open = Callable[[socket.socket, tuple[str, int]], Acceptor]
"""Makes the acceptor for a connection from an address."""


def make_lobby() -> Lobby:
    """Make a lobby for one listener, or for several together."""
    return Lobby(_MOST_WAITING, _MOST_WAITING_OF_HOST)


class Listener(socketserver.TCPServer):
    """A server with one thread per connection; connections arriving meanwhile queue up instead of being refused.

    `admits` decides by the address alone, at once, who is not even listened to. A connection without an association
    may have to make room for a newer one; `on_dropped` is told its host. Listeners may share a `lobby`. With a
    `listening` socket nothing is bound, and other processes may take connections from it, too.
    """

    allow_reuse_address = True
    request_queue_size = _QUEUED_CONNECTIONS

    def __init__(
        self,
        address: tuple[str, int],
        open_acceptor: Open,
        *,
        admits: Callable[[str], bool] = lambda _host: True,
        on_dropped: Callable[[str], None] = lambda _host: None,
        lobby: Lobby | None = None,
        listening: socket.socket | None = None,
    ) -> None:
        """Bind the port. Raises OSError when that fails."""
        self._open = open_acceptor
        self._admits = admits
        self._on_dropped = on_dropped
        self._lobby = make_lobby() if lobby is None else lobby
        self._acceptors: set[Acceptor] = set()
        self._lock = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, socketserver.BaseRequestHandler, bind_and_activate=listening is None)
        if listening is not None:
            self.socket.close()
            self.socket, self.server_address = listening, listening.getsockname()
        # all processes are woken by a connection; those that come too late must not wait for the next
        self.socket.settimeout(0)

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
        """Refuse a connection from an address that nobody may call from."""
        del request
        return self._admits(str(client_address[0]))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection in a thread of its own, which dies with the process."""
        host = str(client_address[0])
        acceptor = self._open(request, (host, int(client_address[1])))
        for dropped in self._lobby.enter(acceptor, host):
            self._on_dropped(dropped)
        with self._lock:
            self._acceptors.add(acceptor)
        thread = threading.Thread(target=self._serve, args=(acceptor, request), name=f"association {host}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system gives no more threads: the base class logs it and closes the connection
            self._forget(acceptor)
            raise

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an uncaught error, which the base class would print."""
        del request
        log.exception("connection failed", host=client_address[0])  # noqa: LOG004  # it is called in one

    def shutdown(self) -> None:
        """Stop `serve_forever` and close the socket; open connections stay open."""
        super().shutdown()
        self.server_close()

    def _serve(self, acceptor: Acceptor, request: socket.socket) -> None:
        try:
            acceptor.run()
        finally:
            self._forget(acceptor)
            self.shutdown_request(request)

    def _forget(self, acceptor: Acceptor) -> None:
        self._lobby.leave(acceptor)
        with self._lock:
            self._acceptors.discard(acceptor)

"""The listening socket: associations are served here, or by pynetdicom where they propose a service that it has.

The A-ASSOCIATE-RQ is looked at without taking it off the socket, so that whoever serves the association reads it whole.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from socketserver import BaseServer
from typing import Any, Final

import structlog
from pynetdicom.transport import ThreadedAssociationServer

from scp import metrics
from scp.network import negotiation, pdu
from scp.network.acceptor import Acceptor

log = structlog.get_logger(__name__)

_LONGEST_LOOK: Final = 64 * 1024
"""Bytes; a longer request is served here, which rejects the contexts that it has no service for."""

Open = Callable[[socket.socket, tuple[str, int]], Acceptor]


class Listener(ThreadedAssociationServer):
    """One thread an association; connections queue up rather than being refused while one is accepted.

    `open_here` makes the acceptor of a connection, `serves` tells whether all of the proposed abstract syntaxes are
    served here. Both are set before `serve_forever`.
    """

    request_queue_size = 128
    daemon_threads = True
    open_here: Open
    serves: Callable[[frozenset[str]], bool]
    look_seconds: float = 30
    most_connections: int = 128

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._acceptors: set[Acceptor] = set()
        self._connections = 0
        self._lock = threading.Lock()
        super().__init__(*arguments, **options)

    @property
    def acceptors(self) -> list[Acceptor]:
        """The associations that are served here."""
        with self._lock:
            return list(self._acceptors)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Close a connection at once when far more are open than may become associations."""
        del request
        if self._connections < self.most_connections:
            return True
        metrics.REFUSED.labels("limit").inc()
        log.warning("connection closed: too many are open", host=client_address[0], open=self._connections)
        return False

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection, in a thread of its own."""
        with self._lock:
            self._connections += 1
        try:
            if self._is_ours(request):
                self._serve(request, client_address)
            else:
                super().finish_request(request, client_address)
        finally:
            with self._lock:
                self._connections -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what no one caught; the base class would print it."""
        del request
        log.exception("connection failed", host=client_address[0])  # noqa: LOG004  # it is called in one

    def service_actions(self) -> None:
        """Nothing to be done while nobody calls; the base class collects garbage here, which is not cheap."""

    def shutdown(self) -> None:
        """Stop `serve_forever` and close the socket; the base class expects to be in a list of its AE."""
        BaseServer.shutdown(self)
        self.server_close()

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        acceptor = self.open_here(request, (str(client_address[0]), int(client_address[1])))
        with self._lock:
            self._acceptors.add(acceptor)
        try:
            acceptor.run()
        finally:
            with self._lock:
                self._acceptors.discard(acceptor)

    def _is_ours(self, connection: socket.socket) -> bool:
        """Whether the association is served here; so is everything that is no valid request."""
        deadline = time.monotonic() + self.look_seconds
        head = _look(connection, pdu.HEADER_BYTES, deadline)
        if len(head) < pdu.HEADER_BYTES or head[0] != pdu.A_ASSOCIATE_RQ:
            return True
        length = pdu.HEADER_BYTES + int.from_bytes(head[2:6], "big")
        if length > _LONGEST_LOOK:
            return True
        whole = _look(connection, length, deadline)
        proposed = negotiation.abstract_syntaxes(whole) if len(whole) == length else None
        return proposed is None or self.serves(proposed)


def _look(connection: socket.socket, count: int, deadline: float) -> bytes:
    """The first `count` bytes, left on the socket; fewer when the peer sends no more until the deadline."""
    seen = b""
    while len(seen) < count:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        interval = struct.pack("ll", int(left), max(1, int(left % 1 * 1_000_000)))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, interval)
        try:
            before, seen = seen, connection.recv(count, socket.MSG_PEEK | socket.MSG_WAITALL)
        except OSError:
            break
        if len(seen) <= len(before):  # the peer closed
            break
    return seen

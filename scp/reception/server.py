"""The listening side: one AE on one port, with its services and limits (PS3.8)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from config.errors import ConfigurationError
from config.settings import NodeSettings
from scp import metrics
from scp.network.acceptor import Acceptor
from scp.network.listener import Listener
from scp.network.terms import Limits, Observer
from scp.network.wire import Pace, Wire
from scp.reception.addresses import shorten_address
from scp.reception.admission import Admission, Door
from scp.reception.closed_connections import ClosedConnections
from scp.reception.provided import ProvidedService, join_operations
from scp.reception.seats import Seats

log = structlog.get_logger(__name__)

_POLL_SECONDS: Final = 0.5
_STOP_SECONDS: Final = 30.0


class Server:
    """The node's AE: listens from `start` to `stop`, and provides `services`.

    A storage-only association is rejected while `find_shortage` returns a reason.
    """

    def __init__(
        self,
        settings: NodeSettings,
        admission: Admission,
        services: Sequence[ProvidedService],
        *,
        find_shortage: Callable[[], str] = lambda: "",
    ) -> None:
        self._settings = settings
        self._admission = admission
        self._closed = ClosedConnections()
        self._seats = Seats(settings.max_associations, settings.max_associations_per_peer)
        self._door = Door(admission, self._seats, services, find_shortage)
        self._operations = join_operations(services)
        self._observer = Observer(accepted=metrics.ACCEPTED.inc, broken=lambda kind: metrics.ENDED.labels(kind).inc())
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port listened on, even if the system chose it. Raises RuntimeError before `bind`."""
        if self._listener is None:
            raise RuntimeError("the server is not started")
        return self._listener.port

    def bind(self) -> None:
        """Bind the port; connections wait until `start`.

        Raises ConfigurationError when the address or port cannot be used.
        """
        node = self._settings
        try:
            self._listener = Listener(
                (node.host, node.port),
                self._open,
                admits=self._admits,
                on_dropped=lambda host: self._closed.note("silent", shorten_address(host)),
            )
        except OSError as error:
            raise ConfigurationError(
                f"node.host, node.port: cannot listen on {node.host}:{node.port}: {error.strerror or error}; "
                "is another node running, or does the port need privileges?"
            ) from error

    def start(self) -> None:
        """Serve associations, binding the port unless `bind` did."""
        if self._listener is None:
            self.bind()
        listener = self._listener
        if listener is None:
            raise RuntimeError("the port is not bound")
        self._thread = threading.Thread(
            target=listener.serve_forever, args=(_POLL_SECONDS,), name="listener", daemon=True
        )
        self._thread.start()
        metrics.ASSOCIATIONS.set_function(self._seats.count)
        log.info("listening", ae_title=self._settings.ae_title, host=self._settings.host, port=self.port)

    def stop(self) -> None:
        """Stop listening, abort open associations, and wait until objects in progress are stored."""
        if self._listener is None:
            return
        if self._thread is None:
            self._listener.server_close()
            return
        self._listener.shutdown()
        self._thread.join()
        acceptors = self._listener.acceptors
        for acceptor in acceptors:
            acceptor.stop()
        for acceptor in acceptors:
            acceptor.wait(_STOP_SECONDS)

    def _admits(self, host: str) -> bool:
        if self._admission.may_call(host):
            return True
        self._closed.note("stranger", shorten_address(host))
        return False

    def _open(self, connection: socket.socket, address: tuple[str, int]) -> Acceptor:
        node = self._settings
        pace = Pace(node.network_timeout, node.dimse_timeout, node.slowest_bytes_per_second)
        limits = Limits(
            artim=node.acse_timeout,
            maximum_length=node.max_pdu,
            longest_pdu=max(node.max_pdu, node.longest_pdu),
        )
        acceptor = Acceptor(
            Wire(connection, pace),
            address,
            limits,
            lambda request, host: self._door.admit(request, host, acceptor),
            self._operations,
            self._observer,
        )
        return acceptor

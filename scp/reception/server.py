"""The listening side: one AE on a port without TLS, one with TLS, or both, with its services and limits (PS3.8)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from config.errors import ConfigurationError
from config.settings import NodeSettings
from scp import metrics
from scp.network.acceptor import Acceptor
from scp.network.listener import Listener, Open, make_lobby
from scp.network.pace import Pace
from scp.network.terms import Limits, Observer
from scp.network.tls.certificates import digest
from scp.network.tls.channel import Channel
from scp.network.tls.credentials import watch_credentials
from scp.network.transport import Transport
from scp.network.wire import Wire
from scp.peer_events import Note, ignore
from scp.reception.addresses import shorten_address
from scp.reception.admission import Admission, Door
from scp.reception.association_log import log_association
from scp.reception.bindings import Line
from scp.reception.closed_connections import ClosedConnections
from scp.reception.provided import ProvidedService, join_operations
from scp.reception.seats import Seats

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ports:
    """Sockets that listen already, for a process that shares them with others: without TLS, with TLS."""

    plain: socket.socket | None = None
    tls: socket.socket | None = None


_POLL_SECONDS: Final = 0.5
_STOP_SECONDS: Final = 30.0


class Server:
    """The node's AE: listens from `start` to `stop`, and provides `services`.

    A storage-only association is rejected while `find_shortage` returns a reason. Several processes may share `ports`
    and `seats`. Whom it refuses goes to the audit log by `audit`. Raises ConfigurationError when TLS is configured with
    files that cannot be used.
    """

    def __init__(
        self,
        settings: NodeSettings,
        admission: Admission,
        services: Sequence[ProvidedService],
        *,
        find_shortage: Callable[[], str] = lambda: "",
        seats: Seats | None = None,
        ports: Ports | None = None,
        audit: Note = ignore,
    ) -> None:
        self._ports = ports or Ports()
        self._settings = settings
        self._admission = admission
        self._closed = ClosedConnections(audit=audit)
        self._seats = seats or Seats(settings.max_associations, settings.max_associations_per_peer)
        self._door = Door(admission, self._seats, services, find_shortage, audit=audit)
        self._operations = join_operations(services)
        self._observer = Observer(
            accepted=metrics.ACCEPTED.inc,
            broken=lambda kind: metrics.ENDED.labels(kind).inc(),
            ended=log_association,
            unsecured=lambda host, reason: self._closed.note("tls", shorten_address(host), reason),
        )
        self._credentials = None if settings.tls.port is None else watch_credentials(settings.tls)
        self._listener: Listener | None = None
        self._tls_listener: Listener | None = None
        self._lobby = make_lobby()
        self._threads: list[threading.Thread] = []

    def adopt(self, settings: NodeSettings, admission: Admission, services: Sequence[ProvidedService]) -> None:
        """Answer further requests by another configuration; open associations go on by theirs. Ports stay.

        Raises ConfigurationError when files of TLS cannot be used; nothing is changed then.
        """
        credentials = None if settings.tls.port is None else watch_credentials(settings.tls)
        self._seats.adopt(settings.max_associations, settings.max_associations_per_peer)
        self._settings, self._admission, self._credentials = settings, admission, credentials
        self._door = self._door.renew(admission, services)

    @property
    def port(self) -> int:
        """The port without TLS, even if the system chose it. Raises RuntimeError before `bind`, and without one."""
        if self._listener is None:
            raise RuntimeError("no port without TLS is open")
        return self._listener.port

    @property
    def tls_port(self) -> int:
        """The port with TLS, even if the system chose it. Raises RuntimeError before `bind`, and without one."""
        if self._tls_listener is None:
            raise RuntimeError("no port with TLS is open")
        return self._tls_listener.port

    @property
    def addresses(self) -> list[str]:
        """The addresses listened on, in words."""
        host = self._settings.host
        plain = [] if self._listener is None else [f"{host}:{self._listener.port}"]
        return plain + ([] if self._tls_listener is None else [f"{host}:{self._tls_listener.port} (TLS)"])

    def bind(self) -> None:
        """Bind the ports; connections wait until `start`.

        Raises ConfigurationError when the address or a port cannot be used.
        """
        node = self._settings
        if not node.tls.only:
            self._listener = self._listen("node.port", node.port, self._open, self._ports.plain)
        if node.tls.port is not None:
            self._tls_listener = self._listen("node.tls.port", node.tls.port, self._open_secure, self._ports.tls)

    def share(self) -> Ports:
        """Return the bound sockets for other processes. They listen as long as any process has them open."""
        plain, tls = (None if each is None else each.socket for each in (self._listener, self._tls_listener))
        return Ports(plain, tls)

    def start(self) -> None:
        """Serve associations, binding the ports unless `bind` did."""
        if not self._listeners:
            self.bind()
        for listener in self._listeners:
            thread = threading.Thread(
                target=listener.serve_forever, args=(_POLL_SECONDS,), name=f"listener {listener.port}", daemon=True
            )
            thread.start()
            self._threads.append(thread)
        metrics.ASSOCIATIONS.set_function(self._seats.count)
        log.info("listening", ae_title=self._settings.ae_title, addresses=self.addresses)

    def stop(self) -> None:
        """Stop listening, abort open associations, and wait until objects in progress are stored."""
        if not self._threads:
            for listener in self._listeners:
                listener.server_close()
            return
        for listener in self._listeners:
            listener.shutdown()
        for thread in self._threads:
            thread.join()
        acceptors = [acceptor for listener in self._listeners for acceptor in listener.acceptors]
        for acceptor in acceptors:
            acceptor.stop()
        for acceptor in acceptors:
            acceptor.wait(_STOP_SECONDS)

    @property
    def _listeners(self) -> list[Listener]:
        return [listener for listener in (self._listener, self._tls_listener) if listener is not None]

    def _listen(self, key: str, port: int, open_acceptor: Open, listening: socket.socket | None) -> Listener:
        host = self._settings.host
        try:
            return Listener(
                (host, port),
                open_acceptor,
                admits=self._admits,
                on_dropped=lambda dropped: self._closed.note("silent", shorten_address(dropped)),
                lobby=self._lobby,
                listening=listening,
            )
        except OSError as error:
            for listener in self._listeners:
                listener.server_close()
            raise ConfigurationError(
                f"node.host, {key}: cannot listen on {host}:{port}: {error.strerror or error}; "
                "is another node running, or does the port need privileges?"
            ) from error

    def _admits(self, host: str) -> bool:
        if self._admission.may_call(host):
            return True
        self._closed.note("stranger", shorten_address(host))
        return False

    def _open(self, connection: socket.socket, address: tuple[str, int]) -> Acceptor:
        return self._accept(connection, address, None)

    def _open_secure(self, connection: socket.socket, address: tuple[str, int]) -> Acceptor:
        if self._credentials is None:
            raise RuntimeError("no port with TLS is open")
        context = self._credentials.get().server
        return self._accept(connection, address, Channel(connection, context, server_side=True))

    def _accept(self, connection: socket.socket, address: tuple[str, int], transport: Transport | None) -> Acceptor:
        node = self._settings
        pace = Pace(node.network_timeout, node.dimse_timeout, node.slowest_bytes_per_second)
        limits = Limits(
            artim=node.acse_timeout,
            maximum_length=node.max_pdu,
            longest_pdu=max(node.max_pdu, node.longest_pdu),
        )
        wire = Wire(connection, pace, transport=transport)
        acceptor = Acceptor(
            wire,
            address,
            limits,
            lambda request, host: self._door.admit(request, host, acceptor, _describe(wire)),
            self._operations,
            self._observer,
        )
        return acceptor


def _describe(wire: Wire) -> Line:
    certificate = wire.certificate
    return Line(wire.is_secure, None if certificate is None else digest(certificate))

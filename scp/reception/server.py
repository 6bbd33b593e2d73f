"""The listening side: one AE on one port, its services, its limits (PS3.8)."""

from __future__ import annotations

import socket
import threading
from typing import Final

import structlog
from pynetdicom import AE, _config, evt

from config.errors import ConfigurationError
from config.settings import NodeSettings
from dicom.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp import metrics
from scp.network import acceptor, command
from scp.network.acceptor import Acceptor, Limits
from scp.network.listener import Listener
from scp.network.wire import Pace, Wire
from scp.reception.admission import EVERY_SERVICE, Admission, Door
from scp.reception.seats import Seats
from scp.services import contexts
from scp.services.query import Query
from scp.services.storage import Storage
from scp.services.verification import on_echo

log = structlog.get_logger(__name__)

_config.LOG_HANDLER_LEVEL = "none"  # its handlers write patient data and cost a tenth of the time
_POLL_SECONDS: Final = 0.5
_STOP_SECONDS: Final = 30.0
_MIB: Final = 1024 * 1024
_SPARE_CONNECTIONS: Final = 64  # that have yet to say what they want


class Server:
    """The node's AE: listens from `start` to `stop`.

    Storage, Verification and Query are served here, services of `contexts.OF_THE_LIBRARY` by pynetdicom; `own` false
    leaves every association to it.
    """

    def __init__(
        self, settings: NodeSettings, admission: Admission, storage: Storage, query: Query, *, own: bool = True
    ) -> None:
        self._settings = settings
        self._own = own
        self._seats = Seats(settings.max_associations, settings.max_associations_per_peer)
        self._door = Door(admission, self._seats, storage.has_room)
        self._services: dict[int, acceptor.Service] = {
            command.C_ECHO_RQ: acceptor.echo,
            command.C_STORE_RQ: storage.serve,
            command.C_FIND_RQ: query.serve,
        }
        self._handlers: list[evt.EventHandlerType] = [
            (evt.EVT_REQUESTED, self._door.on_requested),
            (evt.EVT_C_ECHO, on_echo),
            (evt.EVT_C_STORE, storage.on_store),
            (evt.EVT_C_FIND, query.on_find),
        ]
        self._server: Listener | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port listened on, also when the system chose it. Raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the server is not started")
        return int(self._server.server_address[1])

    def bind(self) -> None:
        """Take the port; who connects from now on waits for `start`.

        Raises ConfigurationError when the address or port cannot be used.
        """
        node = self._settings
        ae = AE(ae_title=node.ae_title)
        ae.maximum_associations = node.max_associations + 1  # our own count decides before
        ae.maximum_pdu_size = node.max_pdu
        ae.acse_timeout = node.acse_timeout
        ae.dimse_timeout = node.dimse_timeout
        ae.network_timeout = node.network_timeout
        ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        try:
            server = ae.make_server(
                (node.host, node.port),
                contexts=contexts.accepted(EVERY_SERVICE),
                evt_handlers=self._handlers,
                server_class=Listener,
            )
        except OSError as error:
            raise ConfigurationError(
                f"node.host, node.port: cannot listen on {node.host}:{node.port}: {error.strerror or error}; "
                "is another node running, or does the port need privileges?"
            ) from error
        if not isinstance(server, Listener):
            raise TypeError("the library made a server of another class")
        server.open_here = self._open
        server.serves = self._serves
        server.look_seconds = node.acse_timeout
        server.most_connections = node.max_associations + _SPARE_CONNECTIONS
        self._server = server

    def start(self) -> None:
        """Serve associations, taking the port first unless `bind` did."""
        if self._server is None:
            self.bind()
        server = self._server
        if server is None:
            raise RuntimeError("the port was not taken")
        self._thread = threading.Thread(
            target=server.serve_forever, args=(_POLL_SECONDS,), name="listener", daemon=True
        )
        self._thread.start()
        metrics.ASSOCIATIONS.set_function(self._seats.count)
        log.info("listening", ae_title=self._settings.ae_title, host=self._settings.host, port=self.port)

    def stop(self) -> None:
        """Stop listening, abort the associations that are open, and wait until what they were storing is stored."""
        if self._server is None:
            return
        if self._thread is None:
            self._server.server_close()
            return
        self._server.shutdown()
        self._thread.join()
        own = self._server.acceptors
        others = self._server.active_associations
        storing = [association for association in others if association.is_established]
        for open_here in own:
            open_here.stop()
        for association in others:
            association.abort()
        for open_here in own:
            open_here.wait(_STOP_SECONDS)
        for association in storing:
            association.join(_STOP_SECONDS)

    def _serves(self, proposed: frozenset[str]) -> bool:
        return self._own and not proposed & contexts.OF_THE_LIBRARY

    def _open(self, connection: socket.socket, address: tuple[str, int]) -> Acceptor:
        node = self._settings
        pace = Pace(node.network_timeout, node.dimse_timeout, node.slowest_bytes_per_second)
        limits = Limits(
            artim=node.acse_timeout,
            maximum_length=node.max_pdu,
            longest_pdu=max(node.max_pdu, node.longest_pdu),
            longest_object=node.longest_object_mb * _MIB,
        )
        opened = Acceptor(
            Wire(connection, pace),
            address,
            limits,
            lambda request, host: self._door.admit(request, host, opened),
            self._services,
        )
        return opened

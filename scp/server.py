"""The listening side: one AE on one port, its services, its limits (PS3.8)."""

from __future__ import annotations

import threading
from socketserver import BaseServer
from typing import Final

import structlog
from pynetdicom import AE, _config, evt
from pynetdicom.transport import ThreadedAssociationServer

from config.errors import ConfigurationError
from config.settings import NodeSettings
from scp import contexts
from scp.association import EVERY_SERVICE, Admission
from scp.echo import on_echo
from scp.find import Query
from scp.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.store import Storage

log = structlog.get_logger(__name__)

_config.LOG_HANDLER_LEVEL = "none"  # its handlers write patient data and cost a tenth of the time
_POLL_SECONDS: Final = 0.2
_STOP_SECONDS: Final = 30.0


class _Server(ThreadedAssociationServer):
    """One thread an association; connections queue up rather than being refused while one is accepted."""

    request_queue_size = 128
    daemon_threads = True

    def shutdown(self) -> None:
        """Stop `serve_forever` and close the socket; the base class expects to be in a list of its AE."""
        BaseServer.shutdown(self)
        self.server_close()


class Server:
    """The node's AE: listens from `start` to `stop`."""

    def __init__(self, settings: NodeSettings, admission: Admission, storage: Storage, query: Query) -> None:
        self._settings = settings
        self._handlers: list[evt.EventHandlerType] = [
            (evt.EVT_REQUESTED, admission.on_requested),
            (evt.EVT_C_ECHO, on_echo),
            (evt.EVT_C_STORE, storage.on_store),
            (evt.EVT_C_FIND, query.on_find),
        ]
        self._server: ThreadedAssociationServer | None = None
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
        ae.maximum_associations = node.max_associations
        ae.maximum_pdu_size = node.max_pdu
        ae.acse_timeout = node.acse_timeout
        ae.dimse_timeout = node.dimse_timeout
        ae.network_timeout = node.network_timeout
        ae.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        try:
            self._server = ae.make_server(
                (node.host, node.port),
                contexts=contexts.accepted(EVERY_SERVICE),
                evt_handlers=self._handlers,
                server_class=_Server,
            )
        except OSError as error:
            raise ConfigurationError(
                f"node.host, node.port: cannot listen on {node.host}:{node.port}: {error.strerror or error}; "
                "is another node running, or does the port need privileges?"
            ) from error

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
        associations = self._server.active_associations
        storing = [association for association in associations if association.is_established]
        for association in associations:
            association.abort()
        for association in storing:
            association.join(_STOP_SECONDS)

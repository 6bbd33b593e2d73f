"""The node's metrics for Prometheus: states and sizes, never the patient."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

log = structlog.get_logger(__name__)

REGISTRY: Final = CollectorRegistry()

ASSOCIATIONS: Final = Gauge("coronode_associations", "Open associations", registry=REGISTRY)
ACCEPTED: Final = Counter("coronode_associations_accepted", "Associations accepted", registry=REGISTRY)
REFUSED: Final = Counter(
    "coronode_associations_refused",
    "Associations refused: unknown (AE title or host), limit, peer_limit, disk, protocol",
    ["reason"],
    registry=REGISTRY,
)
ENDED: Final = Counter(
    "coronode_associations_broken",
    "Associations that ended without release: closed, aborted, timeout, protocol, object_too_long, internal",
    ["reason"],
    registry=REGISTRY,
)
OBJECTS: Final = Counter("coronode_objects", "Objects received, by C-STORE status", ["status"], registry=REGISTRY)
OBJECT_BYTES: Final = Counter("coronode_object_bytes", "Bytes of data sets received", registry=REGISTRY)
QUERIES: Final = Counter("coronode_queries", "C-FIND requests, by final status", ["status"], registry=REGISTRY)
MATCHES: Final = Counter("coronode_query_matches", "Pending C-FIND responses sent", registry=REGISTRY)


@dataclass(frozen=True, slots=True)
class Serving:
    """A web server in a thread of its own."""

    server: WSGIServer
    thread: threading.Thread

    def close(self) -> None:
        """Stop answering."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def serve(host: str, port: int) -> Serving | None:
    """Serve http://host:port/metrics until closed; None for a port of 0, and for one in use, which is logged."""
    if port == 0:
        return None
    try:
        return Serving(*start_http_server(port, host, registry=REGISTRY))
    except OSError as error:
        log.warning("no metrics: web.port cannot be listened on", host=host, port=port, reason=error.strerror)
        return None

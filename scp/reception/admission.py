"""Accept or refuse an association: called and calling AE title, host, services (PS3.8 9.3.4)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

import structlog
from pynetdicom import evt
from pynetdicom.presentation import PresentationContext

from config.settings import PeerSettings, Service, Settings
from scp import metrics
from scp.network.negotiation import (
    BY_PRESENTATION,
    BY_USER,
    LOCAL_LIMIT_EXCEEDED,
    PERMANENT,
    TEMPORARY_CONGESTION,
    TRANSIENT,
    Rejection,
    Request,
)
from scp.reception.completion import Holder
from scp.reception.seats import Seats
from scp.services import contexts

log = structlog.get_logger(__name__)

_CALLING_AE_TITLE: Final = 3
_CALLED_AE_TITLE: Final = 7

EVERY_SERVICE: Final[tuple[Service, ...]] = ("store", "query")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The caller may use `services`."""

    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """An A-ASSOCIATE-RJ, rejected permanent by the service user, with `diagnostic` (PS3.8 table 9-21)."""

    diagnostic: int
    reason: str


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may open an association: the called AE title must be ours, the caller a configured peer.

    A peer is its calling AE title together with the address that its `host` has.
    """

    ae_title: str
    peers: Mapping[str, PeerSettings]
    accept_unknown_peers: bool

    @classmethod
    def of(cls, settings: Settings) -> Admission:
        """Admission as configured."""
        return cls(settings.node.ae_title, settings.peers, settings.node.accept_unknown_peers)

    def decide(self, *, called: str, calling: str, host: str) -> Accepted | Refused:
        """Accept or refuse one request; AE titles are compared without surrounding spaces."""
        if called.strip() != self.ae_title:
            return Refused(_CALLED_AE_TITLE, f"called AE title is {called.strip()!r}, this node is {self.ae_title!r}")
        named = [peer for peer in self.peers.values() if peer.ae_title == calling.strip()]
        matching = [peer for peer in named if host in _addresses(peer.host)]
        if matching:
            return Accepted(tuple(dict.fromkeys(service for peer in matching for service in peer.services)))
        if self.accept_unknown_peers:
            return Accepted(EVERY_SERVICE)
        if named:
            known = ", ".join(sorted(peer.host for peer in named))
            return Refused(_CALLING_AE_TITLE, f"{calling.strip()!r} called from {host}, is configured at {known}")
        return Refused(_CALLING_AE_TITLE, f"no peer has the AE title {calling.strip()!r} (called from {host})")


class Door:
    """Answers every request for an association: who may come in, while there are seats and room on the disk."""

    def __init__(self, admission: Admission, seats: Seats, has_room: Callable[[], bool] = lambda: True) -> None:
        self._admission = admission
        self._seats = seats
        self._has_room = has_room

    def admit(self, request: Request, host: str, holder: Holder) -> Sequence[PresentationContext] | Rejection:
        """The contexts that the caller may open, or why it is refused; logged and counted."""
        address = _plain(host)
        verdict = self._admission.decide(called=request.called_ae, calling=request.calling_ae, host=address)
        if isinstance(verdict, Refused):
            refusal = Rejection(PERMANENT, BY_USER, verdict.diagnostic)
            return self._refuse("unknown", refusal, request, address, verdict.reason)
        stores = bool(request.abstract_syntaxes) and all(map(contexts.is_storage, request.abstract_syntaxes))
        if stores and not self._has_room():
            words = "free disk space is under the reserve (node.reserve_mb)"
            refusal = Rejection(TRANSIENT, BY_PRESENTATION, TEMPORARY_CONGESTION)
            return self._refuse("disk", refusal, request, address, words)
        limit = self._seats.take(holder, f"{request.calling_ae} {address}")
        if limit is not None:
            key = "node.max_associations" if limit == "limit" else "node.max_associations_per_peer"
            refusal = Rejection(TRANSIENT, BY_PRESENTATION, LOCAL_LIMIT_EXCEEDED)
            return self._refuse(limit, refusal, request, address, f"{key} are open")
        return contexts.accepted(verdict.services)

    def on_requested(self, event: evt.Event) -> None:
        """Handle EVT_REQUESTED of an association that pynetdicom holds."""
        association = event.assoc
        asked = association.requestor.primitive
        request = Request(
            calling_ae=(asked.calling_ae_title or "").strip() if asked else "",
            called_ae=(asked.called_ae_title or "").strip() if asked else "",
            abstract_syntaxes=frozenset(
                str(item.abstract_syntax) for item in (asked.presentation_context_definition_list if asked else ())
            ),
            maximum_length=0,
            primitive=asked,
            refusal=None,
        )
        verdict = self.admit(request, association.requestor.address or "", association)
        if isinstance(verdict, Rejection):
            association.acse.send_reject(verdict.result, verdict.source, verdict.diagnostic)
            association.kill()
            return
        association.acceptor.supported_contexts = list(verdict)

    def _refuse(self, why: str, refusal: Rejection, request: Request, host: str, words: str) -> Rejection:
        metrics.REFUSED.labels(why).inc()
        log.warning("association refused", host=host, calling=request.calling_ae, reason=words)
        return refusal


def _plain(address: str) -> str:
    """An address in its shortest form; IPv4 addresses mapped into IPv6 become IPv4."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


def _addresses(host: str) -> Iterable[str]:
    """Addresses of a peer's host, looked up anew for each request: leases and names change."""
    try:
        return {_plain(str(entry[4][0])) for entry in socket.getaddrinfo(host, None)}
    except OSError:
        log.warning("peer's host is unknown to the name service", host=host)
        return ()

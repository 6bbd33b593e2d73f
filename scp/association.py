"""Accept or refuse an association: called and calling AE title, host, services (PS3.8 9.3.4)."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

import structlog
from pynetdicom import evt

from config.settings import PeerSettings, Service, Settings
from scp import contexts

log = structlog.get_logger(__name__)

_PERMANENT: Final = 1
_SERVICE_USER: Final = 1
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

    def on_requested(self, event: evt.Event) -> None:
        """Handle EVT_REQUESTED: refuse, or leave the contexts that this peer may open."""
        association = event.assoc
        request = association.requestor.primitive
        calling, called = (request.calling_ae_title or "", request.called_ae_title or "") if request else ("", "")
        host = _plain(association.requestor.address or "")
        verdict = self.decide(called=called, calling=calling, host=host)
        if isinstance(verdict, Refused):
            log.warning("association refused", host=host, calling=calling, reason=verdict.reason)
            association.acse.send_reject(_PERMANENT, _SERVICE_USER, verdict.diagnostic)
            association.kill()
            return
        association.acceptor.supported_contexts = contexts.accepted(verdict.services)


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

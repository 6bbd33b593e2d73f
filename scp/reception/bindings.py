"""Which peers call over TLS alone, and which certificate belongs to which peer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from config.settings import PeerSettings
from scp.network.tls.credentials import watch_fingerprints
from scp.network.tls.watched import Watched


@dataclass(frozen=True, slots=True)
class Line:
    """What a connection says of its caller; `fingerprint` is that of a certificate that is the caller's own."""

    is_secure: bool = False
    fingerprint: str | None = None


PLAIN: Final = Line()
"""A connection without TLS."""


class Bindings:
    """The demands of the peers' sections on a caller's connection.

    A certificate that is named for peers speaks for these alone. Raises ConfigurationError when a file that names
    certificates cannot be used.
    """

    def __init__(self, peers: Mapping[str, PeerSettings]) -> None:
        self._peers = dict(peers)
        self._pins: dict[str, Watched[frozenset[str]]] = {
            name: watch_fingerprints(peer.certificate, f"peers.{name}.certificate")
            for name, peer in peers.items()
            if peer.certificate
        }

    def find_objection(self, name: str, line: Line) -> str:
        """Say why a caller on this connection cannot be the peer; "" if it can."""
        if self._peers[name].tls and not line.is_secure:
            return f"peers.{name}.tls is true, and it called over the port without TLS"
        if name in self._pins:
            if line.fingerprint in self._pins[name].get():
                return ""
            shown = line.fingerprint or "none"
            return f"its certificate is not the one of peers.{name}.certificate: it has {shown}"
        if line.fingerprint is None:
            return ""
        owners = [other for other, pins in self._pins.items() if line.fingerprint in pins.get()]
        return f"its certificate belongs to another peer: peers.{owners[0]}.certificate names it" if owners else ""

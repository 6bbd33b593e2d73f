"""How a peer that the node calls is authenticated."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from config.settings import NodeSettings, PeerSettings
from scp.network.tls.channel import Channel
from scp.network.tls.credentials import watch_credentials, watch_fingerprints


@dataclass(frozen=True, slots=True)
class Security:
    """A context, the name that the peer's certificate must have, and its fingerprints, if any are configured."""

    context: ssl.SSLContext
    server_name: str
    fingerprints: frozenset[str]

    def wrap(self, connection: socket.socket) -> Channel:
        """Return a channel over a connection to the peer; its handshake is yet to come."""
        return Channel(
            connection,
            self.context,
            server_side=False,
            server_name=self.server_name,
            fingerprints=self.fingerprints,
        )


def find_security(node: NodeSettings, peer: PeerSettings) -> Security | None:
    """Return how to call a peer over TLS; None for a peer that is called without.

    Raises ConfigurationError when the files of `[node.tls]`, or those that name the peer's certificate, cannot be used.
    """
    if not peer.tls:
        return None
    credentials = watch_credentials(node.tls).get()
    fingerprints = watch_fingerprints(peer.certificate, f"certificate of the peer {peer.ae_title}").get()
    context = credentials.client_of_pinned if fingerprints else credentials.client
    return Security(context, peer.tls_name or peer.host, fingerprints)

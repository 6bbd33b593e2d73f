"""A destination that takes documents by STOW-RS."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2

from config.errors import Transient
from config.settings import NodeSettings, PeerSettings
from scp.delivery.association import Associate, Association
from scp.scu.storage import Sending
from scp.scu.web_service import open_client
from scp.scu.web_storage import store


@dataclass(slots=True)
class WebAssociation:
    """A client of a peer's web service, for as long as documents are sent; nothing is negotiated there.

    `sop_classes` are those of the documents, because only the answer to one says whether its class is taken.
    """

    client: httpx2.Client
    node: NodeSettings
    peer: PeerSettings
    sop_classes: Collection[str]
    is_established: bool = field(default=True)

    def store(self, item: Sending) -> int:
        """Send one document and return its status. Raises ClassRefused, Transient or Permanent."""
        try:
            return store(self.client, self.node, self.peer, item)
        except Transient:
            # whatever keeps one from coming through now keeps the others, too
            self.is_established = False
            raise


def connect_as(node: NodeSettings, associate: Associate) -> Associate:
    """Return a function that opens the way to a peer: `associate`, or its web service where it has a URL."""

    @contextmanager
    def connect(peer: PeerSettings, objects: Sequence[Sending]) -> Iterator[Association]:
        if peer.url is None:
            with associate(peer, objects) as association:
                yield association
            return
        with open_client(node, peer) as client:
            yield WebAssociation(client, node, peer, frozenset(item.sop_class_uid for item in objects))

    return connect

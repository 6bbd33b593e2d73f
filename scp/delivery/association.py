"""The interface to an association with a destination that delivery needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from config.settings import NodeSettings, PeerSettings
from scp.network.requestor import Requestor
from scp.scu.storage import Sending, open_for, store


class Association(Protocol):
    """An open association with a destination."""

    @property
    def sop_classes(self) -> Collection[str]:
        """SOP Class UIDs of the accepted presentation contexts."""
        ...

    @property
    def is_established(self) -> bool:
        """True as long as objects can be sent."""
        ...

    def store(self, item: Sending) -> int:
        """Send one object and return its status, Success or a warning. Raises Transient or Permanent."""
        ...


Associate = Callable[[PeerSettings, Sequence[Sending]], AbstractContextManager[Association]]
"""Opens an association on which the given objects can be sent, and releases it at the end of the block.

Raises Transient when none can be opened for now, Permanent when the peer refuses for good."""


@dataclass(frozen=True, slots=True)
class StoreAssociation:
    """An association of our own upper layer with a storage SCP (PS3.4 annex B)."""

    requestor: Requestor
    peer: PeerSettings

    @property
    def sop_classes(self) -> frozenset[str]:
        """SOP Class UIDs of the accepted presentation contexts."""
        return frozenset(str(context.abstract_syntax) for context in self.requestor.accepted_contexts)

    @property
    def is_established(self) -> bool:
        """True as long as objects can be sent."""
        return self.requestor.is_established

    def store(self, item: Sending) -> int:
        """Send one object by C-STORE and return its status. Raises Transient or Permanent with the peer's words."""
        return store(self.requestor, item, self.peer)


def associate_as(node: NodeSettings) -> Associate:
    """Return a function that associates with the node's own AE title and timeouts."""

    @contextmanager
    def associate(peer: PeerSettings, objects: Sequence[Sending]) -> Iterator[Association]:
        with open_for(node, peer, objects) as requestor:
            yield StoreAssociation(requestor, peer)

    return associate

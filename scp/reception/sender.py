"""The interface of a peer that sends objects, whoever opened the association."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from scp.network.message import Message
from scp.network.negotiation import AcceptedContext


class DataSets(Protocol):
    """Where the data sets of a peer's messages are read."""

    def data(self) -> Iterator[memoryview]:
        """Yield the last message's data set in pieces, each valid until the next.

        Raises AssociationEnded, and Released when the peer requests release meanwhile.
        """
        ...


class Sender(Protocol):
    """A peer that sends objects on an association; it keeps their series open while it is alive."""

    @property
    def calling_ae(self) -> str:
        """Its AE title."""
        ...

    @property
    def name(self) -> str:
        """Identifies the association among the sources of objects."""
        ...

    @property
    def messages(self) -> DataSets:
        """Its messages."""
        ...

    def context(self, message: Message) -> AcceptedContext:
        """Return the presentation context of a message."""
        ...

    def is_alive(self) -> bool:
        """Return whether the association has not ended."""
        ...

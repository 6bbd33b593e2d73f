"""What an operation may do with the association while it answers; the services are written against this alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from scp.network.message import Message, Messages
from scp.network.negotiation import AcceptedContext


class Conversation(Protocol):
    """An open association, seen by whoever answers a request on it."""

    calling_ae: str

    @property
    def name(self) -> str:
        """The association in logs, and where objects are told apart by it."""
        ...

    @property
    def messages(self) -> Messages:
        """What the peer sends."""
        ...

    def respond(self, message: Message, status: int, *, comment: str = "") -> None:
        """Send a final response without data set. Raises AssociationEnded."""
        ...

    def send(self, *buffers: bytes | memoryview) -> None:
        """Send PDUs. Raises AssociationEnded."""
        ...

    def data_room(self) -> int:
        """Bytes of data that fit one PDU to the peer."""
        ...

    def context(self, message: Message) -> AcceptedContext:
        """The presentation context on which a message came."""
        ...

    def is_alive(self) -> bool:
        """Whether the association is still open."""
        ...


Operation = Callable[[Conversation, Message], None]
"""Answers one request; it may raise AssociationEnded and Released."""

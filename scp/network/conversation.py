"""The interface of an association to the services that answer requests on it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from scp.network.exchange import Content, Reply
from scp.network.message import Message, Messages
from scp.network.negotiation import AcceptedContext
from scp.network.requests import MakeRequest


class Conversation(Protocol):
    """An open association, as seen by the service that answers a request."""

    calling_ae: str

    @property
    def host(self) -> str:
        """The peer's address."""
        ...

    @property
    def name(self) -> str:
        """Identifies the association in logs and among the sources of objects."""
        ...

    @property
    def messages(self) -> Messages:
        """The messages from the peer."""
        ...

    def respond(self, message: Message, status: int, *, comment: str = "") -> None:
        """Send a final response without a data set. Raises AssociationEnded."""
        ...

    def send(self, *buffers: bytes | memoryview) -> None:
        """Send PDUs. Raises AssociationEnded."""
        ...

    def data_room(self) -> int:
        """Return how many bytes of data fit one PDU to the peer."""
        ...

    def context(self, message: Message) -> AcceptedContext:
        """Return the presentation context of a message."""
        ...

    @property
    def contexts(self) -> Collection[AcceptedContext]:
        """All accepted presentation contexts."""
        ...

    def request(self, context: AcceptedContext, make: MakeRequest, data: Content = b"") -> Reply:
        """Send a request to the peer with its data set, if any, and wait for the response.

        Only in a role that was negotiated (PS3.7 D.3.3.4). Further requests of the peer queue up meanwhile. Raises
        AssociationEnded and Released, and OSError when the file of the data set cannot be read: nothing was sent then.
        """
        ...

    def is_alive(self) -> bool:
        """Return whether the association has not ended."""
        ...


Operation = Callable[[Conversation, Message], None]
"""Answers one request; may raise AssociationEnded and Released."""

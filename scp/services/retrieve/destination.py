"""The destination of a move: an association that is opened when the first object goes there (PS3.4 C.4.2.3.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from config.errors import CoronodeError
from scp.network.errors import AssociationEnded
from scp.network.requestor import Requestor
from scp.services.retrieve.progress import Outcome
from scp.services.retrieve.sending import Sender
from storage.query.retrieval import StoredObject

log = structlog.get_logger(__name__)

_MOST_RECONNECTS: Final = 1


class Reconnects:
    """How often the associations of one move may still be opened again after they ended."""

    def __init__(self) -> None:
        self.left = _MOST_RECONNECTS


class Destination:
    """Sends the objects of a move, on one association and on a second one if the first ends; never raises.

    The object during which an association ended counts as failed and is not sent again, because nobody knows whether
    the destination has it.
    """

    def __init__(
        self, associate: Callable[[], Requestor], make_sender: Callable[[Requestor], Sender], reconnects: Reconnects
    ) -> None:
        self._associate = associate
        self._make_sender = make_sender
        self._reconnects = reconnects
        self._association: Requestor | None = None
        self._sender: Sender | None = None
        self._refusal = ""

    @property
    def is_lost(self) -> bool:
        """True when nothing can be sent there any more."""
        return bool(self._refusal)

    def send(self, item: StoredObject) -> Outcome:
        """Send an object and return how it ended."""
        sender = self._ensure()
        if sender is None:
            return Outcome("failed", self._refusal)
        try:
            return sender.send(item)
        except AssociationEnded as error:
            return self._lose(f"the association with the destination ended: {error}")

    def release(self) -> None:
        """Release the association, if it is open; never raises."""
        if self._association is not None:
            self._association.release()

    def _ensure(self) -> Sender | None:
        if self._sender is None and not self._refusal:
            try:
                self._association = self._associate()
            except CoronodeError as error:
                log.warning("no association with a move destination", reason=str(error))
                self._refusal = str(error)
                return None
            self._sender = self._make_sender(self._association)
        return self._sender

    def _lose(self, reason: str) -> Outcome:
        log.warning("a sub-operation ended with its association", reason=reason)
        self._sender = None
        if self._association is not None:
            self._association.abort()
            self._association = None
        if self._reconnects.left:
            self._reconnects.left -= 1
        else:
            self._refusal = reason
        return Outcome("failed", reason, is_unsure=True)

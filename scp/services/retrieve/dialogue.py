"""The requestor of a retrieval: it is told the counts, heard when it cancels, and given the final response."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from pydicom.uid import UID

from dicom import status
from dicom.encoding import encode_element
from scp import metrics
from scp.network import command, pdu
from scp.network.command import SubOperations
from scp.network.conversation import Conversation
from scp.network.errors import AssociationEnded
from scp.network.message import Message, Released
from scp.services.retrieve.progress import Outcome, Progress
from scp.services.retrieve.transfers import Transfers
from storage.query.retrieval import StoredObject

_FAILED_UIDS: Final = 0x00080058
"""Failed SOP Instance UID List."""


class Dialogue:
    """The conversation about one C-MOVE or C-GET; `progress` is replaced once the objects are counted."""

    def __init__(self, association: Conversation, message: Message) -> None:
        self.association: Final = association
        self.message: Final = message
        self.progress = Progress(0)
        self.transfers: Final = Transfers(
            self.operation,
            calling_ae=association.calling_ae,
            host=association.host,
            to=message.command.destination if self.operation == "C-MOVE" else "",
        )

    @property
    def operation(self) -> str:
        """C-GET or C-MOVE."""
        return "C-GET" if self.message.command.field == command.C_GET_RQ else "C-MOVE"

    def carry_out(self, items: Iterable[StoredObject], send: Callable[[StoredObject], Outcome]) -> None:
        """Send one object after the other until the peer cancels. Raises AssociationEnded, and what `send` raises."""
        for item in items:
            if not self.go_on():
                return
            try:
                outcome = send(item)
            except (AssociationEnded, Released):
                self.transfers.note(item, Outcome("failed", is_unsure=True))
                raise
            self.progress.note(item.sop_instance_uid, outcome)
            self.transfers.note(item, outcome)
            metrics.SUB_OPERATIONS.labels(self.operation, outcome.kind).inc()

    def go_on(self) -> bool:
        """Tell the counts when they are due; return False once the peer has cancelled. Raises AssociationEnded."""
        if self.association.messages.is_cancelled(self.message):
            self.progress.is_cancelled = True
            return False
        if self.progress.is_due():
            self._send(status.PENDING, self.progress.count(final=False))
        return True

    def finish(self, code: int, comment: str) -> None:
        """Send the final response: the counts once there are any, and the UIDs of what failed (PS3.4 C.4.2.1.4.2).

        Raises AssociationEnded.
        """
        counts = self.progress.count(final=True) if self.progress.total or code == status.SUCCESS else None
        self._send(code, counts, status.cut_comment(comment), self._encode_failed())

    def _send(self, code: int, counts: SubOperations | None, comment: str = "", identifier: bytes = b"") -> None:
        answer = command.encode_response(
            self.message.command, code, has_data_set=bool(identifier), comment=comment, sub_operations=counts
        )
        context_id, room = self.message.context_id, self.association.data_room()
        buffers = [*pdu.encode_fragments(answer, context_id, room, is_command=True)]
        if identifier:
            buffers += pdu.encode_fragments(identifier, context_id, room, is_command=False)
        self.association.send(*buffers)

    def _encode_failed(self) -> bytes:
        if not self.progress.failed_uids:
            return b""
        implicit = UID(self.association.context(self.message).transfer_syntax).is_implicit_VR
        return encode_element(_FAILED_UIDS, "UI", "\\".join(self.progress.failed_uids), implicit=implicit)

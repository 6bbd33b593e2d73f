"""One association that we open, to send objects (PS3.8 9.2, the requestor's states; PS3.7 9.1.1 and 9.1.5)."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pynetdicom.presentation import PresentationContext

from scp.network import command, negotiation, pdu
from scp.network.command import Command
from scp.network.errors import UNEXPECTED_PDU, Aborted, AssociationEnded, Closed, Violation
from scp.network.message import Messages, Released
from scp.network.negotiation import Context, Rejection
from scp.network.wire import BUFFER_BYTES, Pace, Wire

_HEADERS: Final = pdu.HEADER_BYTES + pdu.VALUE_HEADER_BYTES
_MOST_PDUS: Final = 64  # in one call of the system
_MOST_MESSAGES: Final = 65536


@dataclass(frozen=True, slots=True)
class Opening:
    """Whom to call, as whom, and how long to wait, in seconds."""

    calling_ae: str
    called_ae: str
    host: str
    port: int
    connection_timeout: float
    acse_timeout: float
    dimse_timeout: float
    maximum_length: int


class Rejected(AssociationEnded):
    """The peer rejected the association."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__("rejected")
        self.rejection = rejection


class Requestor:
    """An open association; for one thread."""

    def __init__(self, opening: Opening, proposals: Sequence[PresentationContext]) -> None:
        """Open it.

        Raises OSError when there is no connection, Rejected, and AssociationEnded when it ends before it began.
        """
        connection = socket.create_connection((opening.host, opening.port), opening.connection_timeout)
        self._wire = Wire(connection, Pace(opening.dimse_timeout, opening.dimse_timeout))
        self._artim = opening.acse_timeout
        self._last_message = 0
        self.is_established = False
        try:
            self.accepted_contexts, self._room = self._open(opening, proposals)
        except Violation as error:
            self._give_up(pdu.abort(error.reason))
            raise
        except BaseException:
            self._wire.close()
            raise
        open_ones = {context.context_id for context in self.accepted_contexts}
        self._messages = Messages(self._wire, pdu.LONGEST_ASSOCIATE, lambda context_id: context_id in open_ones)
        self.is_established = True

    def echo(self, context: Context) -> Command:
        """Ask whether the peer lives (C-ECHO). Raises AssociationEnded, after which nothing can be sent."""
        return self._ask(context, command.echo_request(self._next(), context.abstract_syntax), b"")

    def store(self, context: Context, sop_instance_uid: str, data: bytes | tuple[Path, int]) -> Command:
        """Send one object (C-STORE) and return the response.

        `data` is the encoded data set, or a file and where in it the data set begins. Raises AssociationEnded, after
        which nothing can be sent, and OSError when the file cannot be read (the association is aborted then).
        """
        request = command.store_request(self._next(), context.abstract_syntax, sop_instance_uid)
        return self._ask(context, request, data)

    def release(self) -> None:
        """Release the association (A-RELEASE), also when both sides ask at the same time; raises nothing."""
        if not self.is_established:
            return
        self.is_established = False
        with suppress(AssociationEnded):
            self._wire.end()
            self._wire.wait_no_longer_than(self._artim)
            self._wire.send(pdu.RELEASE_RQ)
            while True:
                kind, length = pdu.read_header(self._wire)
                pdu.read_body(self._wire, min(length, pdu.LONGEST_ASSOCIATE))
                if kind == pdu.A_RELEASE_RQ:  # collision: Sta9 answers first, then waits on (PS3.8 7.2.2)
                    self._wire.send(pdu.RELEASE_RP)
                elif kind != pdu.P_DATA_TF:
                    break
        self._wire.close()

    def abort(self) -> None:
        """Abort the association; raises nothing."""
        self._give_up(pdu.abort(None))

    def _open(self, opening: Opening, proposals: Sequence[PresentationContext]) -> tuple[list[Context], int]:
        request, proposed = negotiation.request(
            opening.calling_ae, opening.called_ae, proposals, opening.maximum_length
        )
        self._wire.wait_no_longer_than(opening.acse_timeout)
        self._wire.send(request)
        kind, length = pdu.read_header(self._wire)
        if length > pdu.LONGEST_ASSOCIATE:
            raise Violation(UNEXPECTED_PDU, f"an answer of {length} bytes to the A-ASSOCIATE-RQ")
        answer = bytes([kind, 0]) + length.to_bytes(4, "big") + pdu.read_body(self._wire, length)
        if kind == pdu.A_ASSOCIATE_RJ:
            raise Rejected(negotiation.read_rejection(answer))
        if kind == pdu.A_ABORT:
            raise Aborted("the peer aborted in place of an answer")
        if kind != pdu.A_ASSOCIATE_AC:
            raise Violation(UNEXPECTED_PDU, f"PDU of type {kind} in answer to the A-ASSOCIATE-RQ")
        accepted, peer_maximum = negotiation.read_acceptance(answer, proposed)
        return accepted, _room(peer_maximum)

    def _ask(self, context: Context, request: bytes, data: bytes | tuple[Path, int]) -> Command:
        try:
            self._wire.send(*pdu.fragments(request, context.context_id, self._room, is_command=True))
            if isinstance(data, bytes):
                if data:
                    self._wire.send(*pdu.fragments(data, context.context_id, self._room, is_command=False))
            else:
                self._send_file(context, *data)
            return self._answer()
        except Violation as error:
            self._give_up(pdu.abort(error.reason))
            raise
        except Closed:
            self._give_up(b"")
            raise
        except (AssociationEnded, OSError):
            self.abort()
            raise

    def _send_file(self, context: Context, path: Path, offset: int) -> None:
        """The data set of a file in P-DATA-TFs, several in each call of the system."""
        slot = self._room + _HEADERS
        buffer = memoryview(bytearray(slot * max(1, min(_MOST_PDUS, BUFFER_BYTES // slot))))
        slots = [buffer[start + _HEADERS : start + slot] for start in range(0, len(buffer), slot)]
        with path.open("rb", buffering=0) as file:
            left = os.fstat(file.fileno()).st_size - offset
            file.seek(offset)
            while left > 0:
                count = _fill(file.fileno(), slots)
                if count == 0:
                    raise OSError(f"{path}: became shorter while it was sent")
                left -= count
                end = 0
                for start in range(0, count, self._room):
                    length = min(self._room, count - start)
                    header = pdu.value_header(
                        length,
                        context.context_id,
                        is_command=False,
                        is_last=left <= 0 and start + length == count,
                    )
                    at = start // self._room * slot
                    buffer[at : at + _HEADERS] = header
                    end = at + _HEADERS + length
                self._wire.send(buffer[:end])

    def _answer(self) -> Command:
        """The response to the last request."""
        try:
            message = self._messages.next()
            if message is not None:
                self._messages.drop()
        except Released:
            message = None
        if message is None:
            self._wire.send(pdu.RELEASE_RP)
            raise Closed("the peer asked for release before it answered")
        if not message.command.is_response or message.command.responded != self._last_message:
            raise Violation(UNEXPECTED_PDU, "a message that answers nothing that was asked")
        return message.command

    def _next(self) -> int:
        self._last_message = self._last_message % (_MOST_MESSAGES - 1) + 1
        return self._last_message

    def _give_up(self, last_words: bytes) -> None:
        self.is_established = False
        if last_words:
            with suppress(AssociationEnded):
                self._wire.send(last_words)
        self._wire.close()


def _room(peer_maximum: int) -> int:
    """Bytes of data in a P-DATA-TF to the peer. Raises Violation when its maximum length leaves none."""
    room = pdu.room(peer_maximum)
    if room <= 0:
        raise Violation(UNEXPECTED_PDU, f"a maximum length of {peer_maximum} leaves no room for data")
    return room


def _fill(descriptor: int, slots: Sequence[memoryview]) -> int:
    """Read into the slots, one after the other, until all are full or the file ends; the number of bytes."""
    size = sum(len(slot) for slot in slots)
    count = os.readv(descriptor, slots)
    while 0 < count < size:
        left, rest = count, list(slots)
        while left >= len(rest[0]):
            left -= len(rest.pop(0))
        rest[0] = rest[0][left:]
        more = os.readv(descriptor, rest)
        if more == 0:
            break
        count += more
    return count

"""One association that we open: to verify, send, query and fetch (PS3.8 9.2, the requestor's states; PS3.7 9.1)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from dicom import status
from scp.network import associate, command, negotiation, pdu
from scp.network.command import Command
from scp.network.errors import UNEXPECTED_PDU, Aborted, AssociationEnded, Closed, Violation
from scp.network.message import Message, Messages, Released
from scp.network.negotiation import AcceptedContext, PresentationContext
from scp.network.opening import AssociationRejected, Opening, SubOperation
from scp.network.outgoing import send_file
from scp.network.states import Action, Event, Machine, Role, State, classify_pdu
from scp.network.wire import Pace, Wire

_MOST_MESSAGES: Final = 65536
_LONGEST_IDENTIFIER: Final = 1024 * 1024
_PENDING: Final = frozenset({status.PENDING, status.PENDING_UNSUPPORTED})


class Requestor:
    """An open association; for one thread."""

    def __init__(self, opening: Opening, proposals: Sequence[PresentationContext]) -> None:
        """Open the association.

        Raises OSError when there is no connection, Rejected, and AssociationEnded when it ends during negotiation;
        ValueError when there are too many proposals.
        """
        request, self._request = negotiation.propose(
            opening.calling_ae, opening.called_ae, proposals, opening.maximum_length
        )
        self._machine = Machine(Role.REQUESTOR)
        self._machine.on(Event.ASSOCIATE_REQUEST)
        connection = socket.create_connection((opening.host, opening.port), opening.connection_timeout)
        pace = Pace(opening.dimse_timeout, opening.dimse_timeout, total=opening.total_seconds)
        self._wire = Wire(connection, pace)
        self._artim = opening.acse_timeout
        self._last_message = 0
        self.accepted_contexts: list[AcceptedContext] = []
        self._room = 0
        with self._ending_on_error():
            self._open(opening, request)
        open_ones = {context.context_id for context in self.accepted_contexts}
        self._messages = Messages(
            self._wire, pdu.LONGEST_ASSOCIATE, self._machine, lambda context_id: context_id in open_ones
        )

    @property
    def is_established(self) -> bool:
        """True as long as requests can be sent."""
        return self._machine.state is State.OPEN

    def echo(self, context: AcceptedContext) -> Command:
        """Send a C-ECHO. Raises AssociationEnded, after which nothing can be sent."""
        with self._ending_on_error():
            self._send(context, command.encode_echo_request(self._next_message_id(), context.abstract_syntax))
            return self._answer()

    def store(self, context: AcceptedContext, sop_instance_uid: str, data: bytes | tuple[Path, int]) -> Command:
        """Send one object (C-STORE) and return the response.

        `data` is the encoded data set, or a file and the offset of the data set in it. Raises AssociationEnded, after
        which nothing can be sent, and OSError when the file cannot be read (the association is aborted then).
        """
        request = command.encode_store_request(self._next_message_id(), context.abstract_syntax, sop_instance_uid)
        with self._ending_on_error():
            if isinstance(data, bytes):
                self._send(context, request, data)
            else:
                self._send(context, request)
                send_file(self._wire.send, context.context_id, self._room, *data)
            return self._answer()

    def find(self, context: AcceptedContext, identifier: bytes) -> Iterator[tuple[Command, bytes]]:
        """Query (C-FIND, PS3.4 C.4.1): each response with its identifier, the final one last.

        Raises AssociationEnded, after which nothing can be sent.
        """
        request = command.encode_query_request(command.C_FIND_RQ, self._next_message_id(), context.abstract_syntax)
        with self._ending_on_error():
            self._send(context, request, identifier)
        while True:
            with self._ending_on_error():
                answer = self._check_response(self._next())
                match = self._gather(_LONGEST_IDENTIFIER)
            yield answer, match or b""
            if answer.status not in _PENDING:
                return

    def get(
        self, context: AcceptedContext, identifier: bytes, keep: Callable[[SubOperation], int], most_bytes: int
    ) -> Iterator[Command]:
        """Fetch (C-GET, PS3.4 C.4.3): each response, the final one last; objects arrive by C-STORE meanwhile.

        `keep` receives each object and returns the status to answer; it gets no data of one longer than `most_bytes`.
        Raises AssociationEnded, and what `keep` raises.
        """
        request = command.encode_query_request(command.C_GET_RQ, self._next_message_id(), context.abstract_syntax)
        with self._ending_on_error():
            self._send(context, request, identifier)
        while True:
            with self._ending_on_error():
                message = self._next()
                if message.command.field == command.C_STORE_RQ:
                    self._take(message, keep, most_bytes)
                    continue
                answer = self._check_response(message)
            yield answer
            if answer.status not in _PENDING:
                return

    def release(self) -> None:
        """Release the association (A-RELEASE), even if both sides ask at the same time; never raises."""
        if not self.is_established:
            return
        with suppress(AssociationEnded):
            self._wire.end()
            self._wire.finish_within(self._artim)
            self._machine.on(Event.RELEASE_REQUEST)
            self._wire.send(pdu.RELEASE_RQ)
            while self._machine.state is not State.IDLE:
                kind, length = pdu.read_header(self._wire)
                pdu.drop_body(self._wire, length)
                action = self._machine.on(classify_pdu(kind))
                if action is Action.AR_8:
                    self._machine.on(Event.RELEASE_RESPONSE)
                    self._wire.send(pdu.RELEASE_RP)
                elif action is Action.AA_8:
                    self._wire.send(pdu.encode_abort(pdu.find_violation(kind).reason))
                    break
        self._close()

    def abort(self) -> None:
        """Abort the association; never raises."""
        self._end(Event.ABORT_REQUEST, pdu.encode_abort(None))

    def _open(self, opening: Opening, request: bytes) -> None:
        """Sta4 and Sta5: send the request and read the answer."""
        self._machine.on(Event.CONNECTED)
        self._wire.finish_within(opening.acse_timeout)
        self._wire.send(request)
        kind, length = pdu.read_header(self._wire)
        answer = pdu.read_body(self._wire, length)
        action = self._machine.on(classify_pdu(kind))
        if action is Action.AE_4:
            raise AssociationRejected(associate.read_rejection(answer))
        if action is Action.AA_3:
            raise Aborted("the peer aborted in place of an answer")
        if action is not Action.AE_3:
            raise pdu.find_violation(kind)
        self.accepted_contexts, peer_maximum = negotiation.conclude(self._request, answer)
        self._room = pdu.find_room(peer_maximum)

    def _send(self, context: AcceptedContext, request: bytes, data: bytes = b"") -> None:
        """Send a command set and its data set, if any."""
        self._machine.on(Event.DATA_REQUEST)
        self._wire.send(*pdu.encode_fragments(request, context.context_id, self._room, is_command=True))
        if data:
            self._wire.send(*pdu.encode_fragments(data, context.context_id, self._room, is_command=False))

    def _next(self) -> Message:
        """Read the peer's next message; a request for release instead is answered and raises Closed."""
        with suppress(Released):
            message = self._messages.next()
            if message is not None:
                return message
        self._machine.on(Event.RELEASE_RESPONSE)
        self._wire.send(pdu.RELEASE_RP)
        raise Closed("the peer requested release before it responded")

    def _answer(self) -> Command:
        """Read the response to the last request, dropping its data set, if any."""
        answer = self._check_response(self._next())
        self._gather(0)
        return answer

    def _check_response(self, message: Message) -> Command:
        answer = message.command
        if not answer.is_response:
            raise Violation(UNEXPECTED_PDU, "a request came in place of the response")
        if answer.responded != self._last_message:
            words = f"the response is to message {answer.responded}, not to {self._last_message}, the last one sent"
            raise Violation(UNEXPECTED_PDU, words)
        return answer

    def _take(self, message: Message, keep: Callable[[SubOperation], int], most_bytes: int) -> None:
        """Answer the peer's C-STORE-RQ, allowed only where role selection made it SCU (PS3.7 D.3.3.4)."""
        context = next(one for one in self.accepted_contexts if one.context_id == message.context_id)
        data = self._gather(most_bytes)
        code = status.SOP_CLASS_NOT_SUPPORTED
        if context.as_scp:
            asked = message.command
            code = keep(SubOperation(asked.sop_class_uid, asked.sop_instance_uid, context.transfer_syntax, data))
        self._send(context, command.encode_response(message.command, code))

    def _gather(self, most_bytes: int) -> bytes | None:
        """Read the data set of the last message to its end; None when it is longer than `most_bytes`."""
        gathered = bytearray()
        is_longer = False
        try:
            for piece in self._messages.data():
                is_longer = is_longer or len(gathered) + len(piece) > most_bytes
                if not is_longer:
                    gathered += piece
        except Released:
            self._machine.on(Event.RELEASE_RESPONSE)
            self._wire.send(pdu.RELEASE_RP)
            raise Closed("the peer requested release in the middle of a message") from None
        return None if is_longer else bytes(gathered)

    def _next_message_id(self) -> int:
        """Return the next Message ID: 1 to 65535, then 1 again."""
        self._last_message = self._last_message % (_MOST_MESSAGES - 1) + 1
        return self._last_message

    @contextmanager
    def _ending_on_error(self) -> Iterator[None]:
        """End the association on any error, with an A-ABORT if the peer is still connected."""
        try:
            yield
        except Violation as error:
            self._end(Event.INVALID_PDU, pdu.encode_abort(error.reason))
            raise
        except (Closed, Aborted, AssociationRejected):
            self._close()
            raise
        except BaseException:
            self._end(Event.ABORT_REQUEST, pdu.encode_abort(None))
            raise

    def _end(self, event: Event, last_words: bytes) -> None:
        if self._machine.allows(event):
            self._machine.on(event)
            with suppress(AssociationEnded):
                self._wire.send(last_words)
        self._close()

    def _close(self) -> None:
        self._wire.close()
        if self._machine.allows(Event.CLOSED):
            self._machine.on(Event.CLOSED)

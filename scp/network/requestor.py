"""One association that we open (PS3.8 9.2, the requestor's states), and the requests sent on it (PS3.7 9.1)."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from scp.network import associate, command, negotiation, pdu, requests
from scp.network.command import Command
from scp.network.errors import UNEXPECTED_PDU, Aborted, AssociationEnded, Closed, Unsecured, Violation
from scp.network.exchange import Content, Exchange, Reply
from scp.network.message import Message, Messages, Released
from scp.network.negotiation import AcceptedContext, PresentationContext
from scp.network.opening import AssociationRejected, Opening
from scp.network.pace import Pace
from scp.network.requests import MakeRequest
from scp.network.states import Action, Event, Machine, Role, State, classify_pdu
from scp.network.wire import Wire

LONGEST_DATA_SET: Final = 1024 * 1024
"""Of a response, in bytes."""


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
        patience, slowest = opening.dimse_timeout, opening.bytes_per_second
        pace = Pace(patience, patience, slowest, total=opening.total_seconds)
        transport = None if opening.security is None else opening.security.wrap(connection)
        self._wire = Wire(connection, pace, transport=transport)
        self._artim = opening.acse_timeout
        self.accepted_contexts: list[AcceptedContext] = []
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
        return self.request(context, lambda number: requests.encode_echo(number, context.abstract_syntax)).command

    def store(
        self,
        context: AcceptedContext,
        sop_instance_uid: str,
        data: Content,
        *,
        originator: tuple[str, int] | None = None,
    ) -> Command:
        """Send one object (C-STORE) and return the response; raises as `request` does.

        `originator` is the AE title and Message ID of the C-MOVE that asked for it.
        """
        sop_class = context.abstract_syntax
        return self.request(
            context, lambda number: requests.encode_store(number, sop_class, sop_instance_uid, originator), data
        ).command

    def request(self, context: AcceptedContext, make: MakeRequest, data: Content = b"") -> Reply:
        """Send a request with its data set, if any, and return the response with its data set.

        Raises AssociationEnded, after which nothing can be sent, and OSError when the file of the data set cannot be
        read: nothing was sent then.
        """
        with self._ending_on_error():
            self._exchange.send(context, make, data)
            answer = self.check_response(self._next())
            return Reply(answer, self._gather(LONGEST_DATA_SET) or b"")

    def begin(self, context: AcceptedContext, make: MakeRequest, data: Content = b"") -> int:
        """Send a request to which several responses come, and return its Message ID; raises as `request` does."""
        with self._ending_on_error():
            return self._exchange.send(context, make, data)

    def receive(self) -> Message:
        """Wait for the next message; its data set is read by `gather` or from `messages`. Raises AssociationEnded."""
        with self._ending_on_error():
            return self._next()

    def gather(self, most_bytes: int) -> bytes | None:
        """Read the data set of the last message to its end; None when it is longer than `most_bytes`.

        Raises AssociationEnded.
        """
        with self._ending_on_error():
            return self._gather(most_bytes)

    @property
    def messages(self) -> Messages:
        """The messages from the peer; whoever reads a data set here aborts the association on an error."""
        return self._messages

    def respond(self, message: Message, code: int) -> None:
        """Answer a request of the peer without a data set. Raises AssociationEnded."""
        with self._ending_on_error():
            self._exchange.send_message(message.context_id, command.encode_response(message.command, code))

    def context(self, message: Message) -> AcceptedContext:
        """Return the presentation context of a message."""
        return next(one for one in self.accepted_contexts if one.context_id == message.context_id)

    def check_response(self, message: Message) -> Command:
        """Return a message that must be a response to our last request.

        Raises Violation, after which nothing can be sent, when it is not.
        """
        answer, last = message.command, self._exchange.last_message_id
        with self._ending_on_error():
            if not answer.is_response:
                raise Violation(UNEXPECTED_PDU, "a request came in place of the response")
            if answer.responded != last:
                words = f"the response is to message {answer.responded}, not to {last}, the last one sent"
                raise Violation(UNEXPECTED_PDU, words)
        return answer

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
        self._wire.secure()
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
        self._exchange = Exchange(self._send, pdu.find_room(peer_maximum))

    def _send(self, *buffers: bytes | memoryview) -> None:
        self._machine.on(Event.DATA_REQUEST)
        self._wire.send(*buffers)

    def _next(self) -> Message:
        """Read the peer's next message; a request for release instead is answered and raises Closed."""
        with suppress(Released):
            message = self._messages.next()
            if message is not None:
                return message
        self._machine.on(Event.RELEASE_RESPONSE)
        self._wire.send(pdu.RELEASE_RP)
        raise Closed("the peer requested release before it responded")

    def _gather(self, most_bytes: int) -> bytes | None:
        """Read the data set of the last message to its end; None when it is longer than `most_bytes`."""
        try:
            return self._messages.gather(most_bytes)
        except Released:
            self._machine.on(Event.RELEASE_RESPONSE)
            self._wire.send(pdu.RELEASE_RP)
            raise Closed("the peer requested release in the middle of a message") from None

    @contextmanager
    def _ending_on_error(self) -> Iterator[None]:
        """End the association on any error, with an A-ABORT if the peer is still connected.

        A file that cannot be read (OSError) is none: nothing of its message was sent.
        """
        try:
            yield
        except OSError:
            raise
        except Violation as error:
            self._end(Event.INVALID_PDU, pdu.encode_abort(error.reason))
            raise
        except (Closed, Aborted, Unsecured, AssociationRejected):
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

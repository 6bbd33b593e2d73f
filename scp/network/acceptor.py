r"""One association opened by a peer, from its A-ASSOCIATE-RQ to the end (PS3.8 9.2, the acceptor's states).

Sta2 awaiting the request --> Sta6 open --> Sta13 awaiting the peer's close
\\-> rejected -----/        (after A-RELEASE-RP, A-ASSOCIATE-RJ or A-ABORT)
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress

import structlog

from dicom import status
from scp.network import associate, command, negotiation, pdu
from scp.network.associate import Rejection
from scp.network.conversation import Operation
from scp.network.errors import (
    NOT_SPECIFIED,
    UNEXPECTED_PDU,
    Aborted,
    AssociationEnded,
    Closed,
    Expired,
    Interrupted,
    TooLong,
    Unsecured,
    Violation,
)
from scp.network.exchange import Content, Exchange, Reply
from scp.network.message import Message, Messages, Released
from scp.network.negotiation import AcceptedContext
from scp.network.record import Record
from scp.network.requests import MakeRequest
from scp.network.states import Action, Event, Machine, Role, State, classify_pdu
from scp.network.terms import SILENT, Admit, Limits, Observer
from scp.network.wire import Wire

log = structlog.get_logger(__name__)


class Acceptor:
    """Serves one association in the thread that calls `run`; `operations` go by the Command Field of the request."""

    def __init__(
        self,
        wire: Wire,
        address: tuple[str, int],
        limits: Limits,
        admit: Admit,
        operations: Mapping[int, Operation],
        observer: Observer = SILENT,
    ) -> None:
        self._wire = wire
        self._host, self._port = address
        self._limits = limits
        self._admit = admit
        self._operations = operations
        self._observer = observer
        self._machine = Machine(Role.ACCEPTOR)
        self._contexts: Mapping[int, AcceptedContext] = {}
        self._room = 0
        self._exchange = Exchange(self.send, 0)
        self._is_closing = False
        self._ended = threading.Event()
        self._record = Record(observer)
        self._messages = Messages(
            wire, limits.longest_pdu, self._machine, lambda context_id: context_id in self._contexts
        )
        self._token = secrets.token_hex(4)
        self.calling_ae = ""
        self.busy = False

    @property
    def name(self) -> str:
        """Caller, address, port, and a token that distinguishes it from earlier associations on that port."""
        return f"{self.calling_ae or 'unnamed'} {self._host}:{self._port} {self._token}"

    @property
    def host(self) -> str:
        """The peer's address."""
        return self._host

    @property
    def messages(self) -> Messages:
        """The messages from the peer."""
        return self._messages

    def run(self) -> None:
        """Serve the association until it ends; never raises."""
        try:
            if self._open():
                self._serve()
        except Unsecured as error:
            self._observer.unsecured(self._host, str(error))
            self._is_closing = True
            self._wire.drain(self._limits.artim)  # else the alert, which tells the peer why, might get lost
        except Violation as error:
            self._abort(Event.INVALID_PDU, error.reason, "protocol", str(error))
        except Expired as error:
            waits = self._machine.state in (State.AWAITING_REQUEST, State.AWAITING_CLOSE)
            self._abort(Event.ARTIM_EXPIRED if waits else Event.ABORT_REQUEST, NOT_SPECIFIED, "timeout", str(error))
        except (TooLong, Interrupted) as error:
            self._abort(Event.ABORT_REQUEST, None, error.kind, str(error))
        except Aborted as error:
            self._record.note("aborted", str(error))
        except Closed as error:
            if self._machine.allows(Event.CLOSED):
                self._machine.on(Event.CLOSED)
            self._record.note("closed", str(error))
        except Exception:  # the edge of the association: the others continue
            log.exception("association failed", association=self.name)
            self._abort(Event.ABORT_REQUEST, None, "internal", "internal error")
        finally:
            self._ended.set()
            self._wire.close()
            received = self._wire.received_bytes
            was_open = bool(self._contexts)
            self._record.tell_end(self.name, self.calling_ae, self._host, received, was_open=was_open)

    def stop(self) -> None:
        """End the association from another thread; a request in progress loses only its response.

        It does not wait for a peer that reads nothing: only to an idle association is anything sent.
        """
        if not self.busy and self.is_open():
            with suppress(AssociationEnded):
                self._wire.send(pdu.encode_abort(None))
        self._wire.shut()

    def is_alive(self) -> bool:
        """Return whether there is an association, or may yet be one: false once it only waits for the peer to close."""
        return not self._is_closing and not self._ended.is_set()

    def is_open(self) -> bool:
        """Return whether the association is open: accepted, and not yet ended."""
        return bool(self._contexts) and self.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait until the connection is closed."""
        self._ended.wait(seconds)

    def respond(self, message: Message, status: int, *, comment: str = "") -> None:
        """Send a final response without a data set. Raises Closed and Expired."""
        answer = command.encode_response(message.command, status, comment=comment)
        self.send(*pdu.encode_fragments(answer, message.context_id, self._room, is_command=True))
        self._record.count_answer(message.command.field, status)

    def send(self, *buffers: bytes | memoryview) -> None:
        """Send PDUs. Raises Closed and Expired."""
        self._machine.on(Event.DATA_REQUEST)
        self._wire.send(*buffers)

    def data_room(self) -> int:
        """Return how many bytes of data fit one PDU to the peer."""
        return self._room

    def context(self, message: Message) -> AcceptedContext:
        """Return the presentation context of a message."""
        return self._contexts[message.context_id]

    @property
    def contexts(self) -> Collection[AcceptedContext]:
        """All accepted presentation contexts."""
        return self._contexts.values()

    def request(self, context: AcceptedContext, make: MakeRequest, data: Content = b"") -> Reply:
        """Send a request to the peer and wait for the response; requests that it sends meanwhile queue up.

        Raises AssociationEnded and Released, and OSError when the file of the data set cannot be read: nothing was sent
        then.
        """
        return Reply(*self._messages.wait_for_response(self._exchange.send(context, make, data)))

    def _open(self) -> bool:
        """Sta2 and Sta3: read the request and answer it; False when there is no association."""
        self._machine.on(Event.CONNECTION_INDICATED)
        self._wire.finish_within(self._limits.artim)
        self._wire.secure()
        kind, length = pdu.read_header(self._wire)
        if classify_pdu(kind) is not Event.ASSOCIATE_RQ_RECEIVED:
            if self._machine.on(classify_pdu(kind)) is Action.AA_2:
                raise Closed("aborted before a request")
            raise pdu.find_violation(kind)
        body = pdu.read_body(self._wire, length)
        self.calling_ae = associate.read_calling_ae(body)
        request = associate.read_request(body)
        refusal = negotiation.find_refusal(request)
        self._machine.on(Event.ASSOCIATE_RQ_RECEIVED, acceptable=refusal is None)
        verdict = refusal or self._admit(request, self._host)
        if isinstance(verdict, Rejection):
            if refusal is None:
                self._machine.on(Event.REJECT_RESPONSE)
            self._close_with(pdu.encode_reject(verdict.result, verdict.source, verdict.diagnostic))
            return False
        answer, accepted = negotiation.accept(request, verdict, self._limits.maximum_length)
        self._room = pdu.find_room(request.user.maximum_length)
        self._exchange = Exchange(self.send, self._room)
        self._machine.on(Event.ACCEPT_RESPONSE)
        self._contexts = accepted
        self._wire.send(answer)
        return True

    def _serve(self) -> None:
        """Sta6: one message after the other; Sta8 when the peer asks for release."""
        self._observer.accepted()
        try:
            while (message := self._messages.next()) is not None:
                self.busy = True
                self._handle(message)
                self.busy = False
        except Released:
            self._record.note("closed", "released in the middle of a message")
        self._machine.on(Event.RELEASE_RESPONSE)
        self._close_with(pdu.RELEASE_RP)

    def _handle(self, message: Message) -> None:
        asked = message.command
        if asked.is_response:
            raise Violation(UNEXPECTED_PDU, f"an unsolicited response (0x{asked.field:04X})")
        if asked.field == command.C_CANCEL_RQ:  # too late: the final response has been sent
            return
        operation = self._operations.get(asked.field)
        if operation is not None:
            operation(self, message)
            return
        self._messages.drop()
        self.respond(message, status.UNRECOGNIZED_OPERATION)

    def _abort(self, event: Event, reason: int | None, kind: str, words: str) -> None:
        """End the association as the table says: with an A-ABORT in most states, silently when ARTIM expired."""
        self._record.note(kind, words)
        is_decided = event is Event.INVALID_PDU and self._machine.state is State.AWAITING_CLOSE  # AA-1 or AA-8 came
        if not is_decided and (not self._machine.allows(event) or self._machine.on(event) is Action.AA_2):
            return
        with suppress(AssociationEnded):
            self._close_with(pdu.encode_abort(reason))

    def _close_with(self, last_words: bytes) -> None:
        """Sta13: the peer has until ARTIM to close the connection; anything it still sends is ignored (AA-6)."""
        self._is_closing = True
        self._wire.send(last_words)
        closed = self._wire.drain(self._limits.artim)
        self._machine.on(Event.CLOSED if closed else Event.ARTIM_EXPIRED)

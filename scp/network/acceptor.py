r"""One association that a peer opened, from its A-ASSOCIATE-RQ to the end (PS3.8 9.2, the acceptor's states).

Sta2 awaiting the request --> Sta6 open --> Sta13 awaiting the peer's close
\\-> rejected -----/        (after A-RELEASE-RP, A-ASSOCIATE-RJ or A-ABORT)
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from pynetdicom.presentation import PresentationContext

from dicom import status
from scp import metrics
from scp.network import command, negotiation, pdu
from scp.network.errors import (
    NOT_SPECIFIED,
    UNEXPECTED_PDU,
    UNRECOGNIZED_PDU,
    Aborted,
    AssociationEnded,
    Closed,
    Expired,
    TooLong,
    Violation,
)
from scp.network.message import Message, Messages, Released
from scp.network.negotiation import Context, Rejection, Request
from scp.network.wire import Wire

log = structlog.get_logger(__name__)

UNRECOGNIZED_OPERATION: Final = 0x0211
SOP_CLASS_NOT_SUPPORTED: Final = 0x0122


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes that bound what a peer may take. `artim` is the ARTIM timer (PS3.8 9.1.5)."""

    artim: float
    maximum_length: int
    longest_pdu: int
    longest_object: int


class Conversation(Protocol):
    """What a service may do with the association while it answers."""

    calling_ae: str

    @property
    def name(self) -> str:
        """The association in logs, and where it tells objects apart."""
        ...

    @property
    def messages(self) -> Messages:
        """What the peer sends."""
        ...

    def respond(self, message: Message, status: int, *, comment: str = "") -> None:
        """Send a final response without data set."""
        ...

    def send(self, *buffers: bytes | memoryview) -> None:
        """Send PDUs."""
        ...

    def data_room(self) -> int:
        """Bytes of data that fit one PDU to the peer."""
        ...

    def context(self, message: Message) -> Context:
        """The presentation context that a message came on."""
        ...

    def is_alive(self) -> bool:
        """Whether the association is still there."""
        ...


Service = Callable[[Conversation, Message], None]
Admit = Callable[[Request, str], Sequence[PresentationContext] | Rejection]


class Acceptor:
    """Serves one association in the thread that calls `run`."""

    def __init__(
        self, wire: Wire, address: tuple[str, int], limits: Limits, admit: Admit, services: Mapping[int, Service]
    ) -> None:
        self._wire = wire
        self._host, self._port = address
        self._limits = limits
        self._admit = admit
        self._services = services
        self._contexts: Mapping[int, Context] = {}
        self._room = 0
        self._ended = threading.Event()
        self._messages = Messages(wire, limits.longest_pdu, lambda context_id: context_id in self._contexts)
        self._token = secrets.token_hex(4)
        self.calling_ae = ""
        self.busy = False

    @property
    def name(self) -> str:
        """Caller, address, port, and what tells it from an earlier one on the same port."""
        return f"{self.calling_ae} {self._host}:{self._port} {self._token}"

    @property
    def messages(self) -> Messages:
        """What the peer sends."""
        return self._messages

    def run(self) -> None:
        """Serve the association until its end; raises nothing."""
        try:
            if self._open():
                self._serve()
        except Violation as error:
            self._abort(error.reason, "protocol", str(error))
        except Expired as error:
            self._abort(NOT_SPECIFIED, "timeout", str(error))
        except TooLong as error:
            self._abort(None, "object_too_long", str(error))
        except Aborted as error:
            self._note("aborted", str(error))
        except Closed as error:
            self._note("closed", str(error))
        except Exception:  # the association's edge: the others go on
            log.exception("association failed", association=self.name)
            self._abort(None, "internal", "internal error")
        finally:
            self._ended.set()
            self._wire.close()

    def stop(self) -> None:
        """End the association from another thread; what is being answered at the moment loses its answer alone."""
        if not self.busy and self._contexts:
            with suppress(AssociationEnded):
                self._wire.send(pdu.abort(None))
        self._wire.shut()

    def is_alive(self) -> bool:
        """Whether the association is still there."""
        return not self._ended.is_set()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended."""
        self._ended.wait(seconds)

    def respond(self, message: Message, status: int, *, comment: str = "") -> None:
        """Send a final response without data set."""
        answer = command.response(message.command, status, comment=comment)
        self.send(*pdu.fragments(answer, message.context_id, self._room, is_command=True))

    def send(self, *buffers: bytes | memoryview) -> None:
        """Send PDUs. Raises Closed and Expired."""
        self._wire.send(*buffers)

    def data_room(self) -> int:
        """Bytes of data that fit one PDU to the peer."""
        return self._room

    def context(self, message: Message) -> Context:
        """The presentation context that a message came on."""
        return self._contexts[message.context_id]

    def _open(self) -> bool:
        """Sta2: read the request and answer it; False when it was rejected."""
        self._wire.begin()
        self._wire.wait_no_longer_than(self._limits.artim)
        kind, length = pdu.read_header(self._wire)
        if kind != pdu.A_ASSOCIATE_RQ:
            known = kind in range(pdu.A_ASSOCIATE_AC, pdu.A_ABORT + 1)
            if kind == pdu.A_ABORT:
                raise Closed("aborted before a request")
            raise Violation(UNEXPECTED_PDU if known else UNRECOGNIZED_PDU, f"PDU of type {kind} in place of a request")
        if length > pdu.LONGEST_ASSOCIATE:
            raise Violation(UNEXPECTED_PDU, f"an A-ASSOCIATE-RQ of {length} bytes")
        header = bytes([kind, 0]) + length.to_bytes(4, "big")
        request = negotiation.read_request(header + pdu.read_body(self._wire, length))
        self.calling_ae = request.calling_ae
        verdict = request.refusal or self._admit(request, self._host)
        if isinstance(verdict, Rejection):
            self._wire.send(pdu.reject(verdict.result, verdict.source, verdict.diagnostic))
            self._wire.drain(self._limits.artim)
            return False
        answer, self._contexts = negotiation.accept(request, verdict, self._limits.maximum_length)
        self._room = pdu.room(request.maximum_length)
        if self._room <= 0:
            raise Violation(UNEXPECTED_PDU, f"a maximum length of {request.maximum_length} leaves no room for data")
        self._wire.send(answer)
        return True

    def _serve(self) -> None:
        """Sta6: one message after the other."""
        metrics.ACCEPTED.inc()
        try:
            while (message := self._messages.next()) is not None:
                self.busy = True
                self._handle(message)
                self.busy = False
        except Released:
            self._note("closed", "released in the middle of a message")
        self._wire.send(pdu.RELEASE_RP)
        self._wire.drain(self._limits.artim)

    def _handle(self, message: Message) -> None:
        asked = message.command
        if asked.is_response:
            raise Violation(UNEXPECTED_PDU, f"a response (0x{asked.field:04X}) that nothing was asked for")
        if asked.field == command.C_CANCEL_RQ:  # too late: what it cancels has its final response
            return
        service = self._services.get(asked.field)
        if service is not None:
            service(self, message)
            return
        self._messages.drop()
        self.respond(message, UNRECOGNIZED_OPERATION)

    def _abort(self, reason: int | None, kind: str, words: str) -> None:
        self._note(kind, words)
        try:
            self._wire.send(pdu.abort(reason))
        except AssociationEnded:
            return
        self._wire.drain(self._limits.artim)

    def _note(self, kind: str, words: str) -> None:
        metrics.ENDED.labels(kind).inc()
        if self._contexts or kind != "closed":  # a port probe opens and closes: nothing to be told
            log.warning("association ended", association=self.name, kind=kind, reason=words)


def echo(association: Conversation, message: Message) -> None:
    """C-ECHO: the node lives and knows the caller (PS3.4 annex A)."""
    association.messages.drop()
    association.respond(message, status.SUCCESS)


def does_not_fit(association: Conversation, message: Message, fitting: Callable[[str], bool]) -> bool:
    """Whether a request came on a presentation context of another service; if so it is answered."""
    if fitting(association.context(message).abstract_syntax):
        return False
    association.messages.drop()
    association.respond(message, SOP_CLASS_NOT_SUPPORTED)
    return True

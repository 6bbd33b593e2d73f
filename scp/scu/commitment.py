"""Storage Commitment towards peers (PS3.4 annex J): asking for it as SCU, and reporting its result as SCP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from config.errors import CoronodeError, Permanent, Rejected, Transient
from config.settings import NodeSettings, PeerSettings
from dicom import status
from dicom.commitment import LONGEST, CommitmentRequest, CommitmentResult, decode_result
from dicom.sop_classes import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, UNCOMPRESSED
from scp.network import command, requests
from scp.network.errors import AssociationEnded
from scp.network.message import Message
from scp.network.negotiation import AcceptedContext, PresentationContext
from scp.network.requestor import Requestor
from scp.scu.association import describe_answer, find_context, name_peer, open_association

log = structlog.get_logger(__name__)

REQUEST: Final = 1
"""Action Type ID of a request for commitment (PS3.4 J.3.2)."""
ALL_COMMITTED: Final = 1
FAILURES_EXIST: Final = 2
"""Event Type IDs of a result (PS3.4 J.3.3)."""

Take = Callable[[CommitmentResult], int]
"""Records a result, durably, and returns the status to answer."""

_WAIT_SECONDS: Final = 2.0
"""How long the report may come on the association of the request."""


def ask(node: NodeSettings, peer: PeerSettings, request: CommitmentRequest, take: Take) -> None:
    """Ask for commitment (N-ACTION), and take the report if it comes at once on the same association.

    Raises Transient when the peer cannot be asked for now, Permanent when it refuses or has no such service.
    """
    name = name_peer(peer)
    with open_association(node, peer, [PresentationContext(STORAGE_COMMITMENT, UNCOMPRESSED)]) as association:
        try:
            answer = _ask(association, request, take)
        except AssociationEnded as error:
            raise Transient(f"{name}: association ended while asking for commitment: {error}") from error
        check_answer(name, "N-ACTION", answer)
        try:
            if association.messages.has_come(_WAIT_SECONDS):
                message = association.receive()
                if message.command.is_response:  # to nothing that was asked
                    association.abort()
                else:
                    _take_report(association, message, take)
        except AssociationEnded:
            return  # the request stands: the report comes on another association


def _ask(association: Requestor, request: CommitmentRequest, take: Take) -> command.Command:
    """Send the request and return the response; a report may come before it. Raises AssociationEnded."""
    context = association.accepted_contexts[0]
    association.begin(
        context,
        lambda number: requests.encode_action(number, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, REQUEST),
        request.encode(implicit=context.is_implicit),
    )
    message = association.receive()
    if message.command.field == command.N_EVENT_REPORT_RQ:
        _take_report(association, message, take)
        message = association.receive()
    return association.check_response(message)


@contextmanager
def open_reporting(node: NodeSettings, peer: PeerSettings) -> Iterator[Callable[[CommitmentResult], None]]:
    """Open an association on which results are reported (N-EVENT-REPORT), proposing the role of SCP (PS3.7 D.3.3.4).

    A peer that does not answer the proposal of a role is told all the same. The function given raises Transient when
    the peer did not take a result for now, Permanent when it refused it; the block raises as `open_association` does.
    """
    proposal = PresentationContext(STORAGE_COMMITMENT, UNCOMPRESSED, as_scu=False, as_scp=True)
    with open_association(node, peer, [proposal]) as association:
        context = find_context(association, STORAGE_COMMITMENT)
        if context is None or not (context.as_scp or context.as_scu):
            raise Permanent(f"{name_peer(peer)}: refuses the node the role of Storage Commitment SCP")
        yield lambda result: _report(association, context, result, name_peer(peer))


def encode_report(message_id: int, result: CommitmentResult) -> bytes:
    """Encode the command set of the N-EVENT-REPORT for a result."""
    event = FAILURES_EXIST if result.failed else ALL_COMMITTED
    return requests.encode_event_report(message_id, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, event)


def _report(association: Requestor, context: AcceptedContext, result: CommitmentResult, name: str) -> None:
    if not association.is_established:
        raise Transient(f"{name}: association ended before the report")
    try:
        data = result.encode(implicit=context.is_implicit)
        answer = association.request(context, lambda number: encode_report(number, result), data).command
    except AssociationEnded as error:
        raise Transient(f"{name}: association ended while reporting: {error}") from error
    check_answer(name, "N-EVENT-REPORT", answer)


def check_answer(name: str, operation: str, answer: command.Command) -> None:
    """Raise Transient for a failure that may pass, as for C-STORE, Permanent for any other; nothing for Success."""
    if answer.status == status.SUCCESS:
        return
    words = f"{name}: answered {operation} with {describe_answer(answer)}"
    if answer.status is None or status.classify_outcome(answer.status) == "transient":
        raise Transient(words)
    raise Permanent(words)


def _take_report(association: Requestor, message: Message, take: Take) -> None:
    """Answer a report that has come. Raises AssociationEnded."""
    data = association.gather(LONGEST)
    association.respond(message, read_report(message, data, association.context(message), take))


def read_report(message: Message, data: bytes | None, context: AcceptedContext, take: Take) -> int:
    """Read a report of the peer, hand its result to `take`, and return the status to answer (PS3.7 10.1.1.1.8).

    `data` is its data set, None when it is too long.
    """
    try:
        _check_event(message.command, context)
        return take(decode_result(_check_length(data), implicit=context.is_implicit))
    except Rejected as error:
        log.warning("report of commitment refused", status=f"0x{error.status:04X}", reason=str(error))
        return error.status
    except CoronodeError as error:
        log.error("report of commitment not recorded", reason=str(error))
        return status.PROCESSING_FAILURE


def _check_length(data: bytes | None) -> bytes:
    if data is None:
        raise Rejected(status.RESOURCE_LIMITATION, f"more than {LONGEST} bytes")
    return data


def _check_event(asked: command.Command, context: AcceptedContext) -> None:
    """Check the command set of a report. Raises Rejected with the status to answer."""
    if asked.field != command.N_EVENT_REPORT_RQ:
        raise Rejected(status.UNRECOGNIZED_OPERATION, "a request came in place of a report")
    if context.abstract_syntax != STORAGE_COMMITMENT:
        raise Rejected(status.SOP_CLASS_NOT_SUPPORTED, "it came on a presentation context of another service")
    if asked.sop_class_uid != STORAGE_COMMITMENT:
        raise Rejected(status.NO_SUCH_SOP_CLASS, "Affected SOP Class UID is another one")
    if asked.sop_instance_uid != STORAGE_COMMITMENT_INSTANCE:
        raise Rejected(status.NO_SUCH_SOP_INSTANCE, "Affected SOP Instance UID is not the well-known one")
    if asked.event_type not in (ALL_COMMITTED, FAILURES_EXIST):
        raise Rejected(status.NO_SUCH_EVENT_TYPE, f"event type {asked.event_type}")

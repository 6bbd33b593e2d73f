"""Storage Commitment service, Push Model (PS3.4 annex J): requests of peers, and their reports on our own requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from config.errors import CoronodeError, Rejected
from dicom import status
from dicom.commitment import LONGEST, CommitmentRequest, CommitmentResult, decode_request
from dicom.sop_classes import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, UNCOMPRESSED
from scp import metrics
from scp.network import command
from scp.network.conversation import Conversation
from scp.network.message import Message
from scp.network.negotiation import PresentationContext
from scp.reception.provided import ProvidedService
from scp.scu.commitment import REQUEST, read_report
from scp.services.commitment_reports import CommitmentReports
from scp.services.fitting import refuse_misplaced
from storage.commitments.commitments import Commitment

log = structlog.get_logger(__name__)

CONTEXTS: Final = (PresentationContext(STORAGE_COMMITMENT, UNCOMPRESSED, as_scu=True, as_scp=True),)

TakeFrom = Callable[[str, CommitmentResult], int]
"""Records a result that the peer with this AE title reports, and returns the status to answer."""


class CommitmentScp:
    """Answers requests for commitment once they are in the index, and takes the reports of peers that we asked."""

    def __init__(self, reports: CommitmentReports, take: TakeFrom) -> None:
        self._reports = reports
        self._take = take

    def provide(self) -> ProvidedService:
        """Return the service for the node's peers."""
        operations = {command.N_ACTION_RQ: self.serve_request, command.N_EVENT_REPORT_RQ: self.serve_report}
        return ProvidedService("commit", CONTEXTS, operations)

    def serve_request(self, association: Conversation, message: Message) -> None:
        """Answer an N-ACTION-RQ; if the peer stays, report on its association. Raises AssociationEnded."""
        if refuse_misplaced(association, message, STORAGE_COMMITMENT.__eq__):
            return
        entered, code, comment = None, status.SUCCESS, ""
        try:
            entered = self._enter(association, message)
        except Rejected as rejection:
            log.warning("commitment refused", reason=rejection.reason, calling=association.calling_ae)
            code, comment = rejection.status, rejection.reason
        except CoronodeError as error:
            log.error("commitment refused", reason=str(error), calling=association.calling_ae)
            code, comment = status.PROCESSING_FAILURE, str(error)
        metrics.COMMITMENTS.labels(f"0x{code:04X}").inc()
        association.respond(message, code, comment=status.cut_comment(comment))
        if entered is not None:
            self._reports.report_on(association, association.context(message), entered)

    def serve_report(self, association: Conversation, message: Message) -> None:
        """Answer an N-EVENT-REPORT-RQ: the result of a request of ours. Raises AssociationEnded and Released."""
        data, context = association.messages.gather(LONGEST), association.context(message)
        code = read_report(message, data, context, lambda result: self._take(association.calling_ae, result))
        association.respond(message, code)

    def _enter(self, association: Conversation, message: Message) -> Commitment:
        """Read a request and enter it in the index. Raises Rejected with the status to answer, and Transient."""
        data, asked = association.messages.gather(LONGEST), message.command
        if asked.sop_class_uid != STORAGE_COMMITMENT:
            raise Rejected(status.NO_SUCH_SOP_CLASS, "Requested SOP Class UID is another one")
        if asked.sop_instance_uid != STORAGE_COMMITMENT_INSTANCE:
            raise Rejected(status.NO_SUCH_SOP_INSTANCE, "Requested SOP Instance UID is not the well-known one")
        if asked.action_type != REQUEST:
            raise Rejected(status.NO_SUCH_ACTION_TYPE, f"action type {asked.action_type}")
        if data is None:
            raise Rejected(status.RESOURCE_LIMITATION, f"a request of more than {LONGEST} bytes")
        request: CommitmentRequest = decode_request(data, implicit=association.context(message).is_implicit)
        entered = self._reports.enter(request, association.calling_ae, association.host)
        if entered is None:
            raise Rejected(status.RESOURCE_LIMITATION, "too many requests of this AE title are unanswered")
        log.info(
            "commitment asked",
            transaction=request.transaction_uid,
            objects=len(request.references),
            calling=association.calling_ae,
        )
        return entered

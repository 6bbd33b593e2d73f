"""Query service (PS3.4 annex C): C-FIND in the Patient Root and Study Root models."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import Final

import structlog
from pydicom.dataset import Dataset
from pydicom.uid import UID

from config.errors import CoronodeError, Rejected
from dicom import status
from dicom.sop_classes import PATIENT_ROOT_FIND, STUDY_ROOT_FIND, UNCOMPRESSED
from scp import metrics
from scp.network import command, pdu
from scp.network.conversation import Conversation
from scp.network.errors import AssociationEnded
from scp.network.extended import Options
from scp.network.message import Message, Released
from scp.network.negotiation import AcceptedContext, PresentationContext
from scp.peer_events import Note, ignore
from scp.reception.provided import ProvidedService
from scp.services.fitting import refuse_misplaced
from scp.services.identifier import parse_identifier, read_identifier
from scp.services.query_event import make_query
from storage.database.engine import Database
from storage.objects.files import Files
from storage.query.keys import Root
from storage.query.search import Search

log = structlog.get_logger(__name__)

MODELS: Final[tuple[str, ...]] = (STUDY_ROOT_FIND, PATIENT_ROOT_FIND)
OPTIONS: Final = Options(bytes([1, 1, 0, 1, 0, 0, 0]))
"""Relational queries, combined date-time matching, timezone query adjustment; not fuzzy semantic matching of names,
enhanced multi-frame image conversion, empty value matching and multiple value matching (PS3.4 table C.5-2)."""
CONTEXTS: Final = tuple(PresentationContext(uid, UNCOMPRESSED, extended=OPTIONS) for uid in MODELS)

_BUFFERS_A_SENDING: Final = 128


class QueryScp:
    """The Query SCP: answers from the index of received objects and documents made here.

    Queries go to the audit log by `audit`, with the values that name a patient if `patient_ids`.
    """

    def __init__(
        self, database: Database, files: Files, ae_title: str, *, audit: Note = ignore, patient_ids: bool = False
    ) -> None:
        self._database = database
        self._files = files
        self._ae_title = ae_title
        self._audit = audit
        self._patient_ids = patient_ids

    def provide(self) -> ProvidedService:
        """Return the service for the node's peers."""
        return ProvidedService("query", CONTEXTS, {command.C_FIND_RQ: self.serve})

    def serve(self, association: Conversation, message: Message) -> None:
        """Answer a C-FIND-RQ, sending matches as they are read. Raises AssociationEnded and Released."""
        if refuse_misplaced(association, message, MODELS.__contains__):
            return
        context = association.context(message)
        implicit = UID(context.transfer_syntax).is_implicit_VR
        code, comment = status.SUCCESS, ""
        identifier = b""
        try:
            identifier = read_identifier(association)
            search = parse_identifier(association, message, identifier, lambda data: _parse(context, data))
            found = search.encode_matches(self._database, implicit=implicit, source=self._describe_source())
            with closing(found) as matches:
                if not _send_matches(association, message, matches, supported=not search.unsupported):
                    code = status.CANCELLED
        except Rejected as rejection:
            log.warning("query refused", reason=rejection.reason, calling=association.calling_ae)
            code, comment = rejection.status, rejection.reason
        except CoronodeError as error:
            log.error("query failed", reason=str(error), calling=association.calling_ae)
            code, comment = status.UNABLE_TO_PROCESS, str(error)
        except (AssociationEnded, Released):
            self._note(association, context, identifier)
            raise
        except Exception:  # the edge of the service: the peer gets a failure, the log the traceback
            log.exception("query failed", calling=association.calling_ae)
            code, comment = status.UNABLE_TO_PROCESS, "internal error, see the node's log"
        self._note(association, context, identifier, failed=code not in (status.SUCCESS, status.CANCELLED))
        metrics.QUERIES.labels(f"0x{code:04X}").inc()
        association.respond(message, code, comment=status.cut_comment(comment))

    def _note(
        self, association: Conversation, context: AcceptedContext, identifier: bytes, *, failed: bool = False
    ) -> None:
        """Enter the query in the audit log, however it ended."""
        event = make_query(
            context.abstract_syntax,
            context.transfer_syntax,
            identifier,
            host=association.host,
            calling_ae=association.calling_ae,
            failed=failed,
            patient_ids=self._patient_ids,
        )
        self._audit(event)

    def _describe_source(self) -> dict[str, str]:
        """Say from whom the objects can be retrieved, and how soon (PS3.4 C.4.1.1.3.2)."""
        availability = "ONLINE" if self._files.is_present() else "OFFLINE"
        return {"RetrieveAETitle": self._ae_title, "InstanceAvailability": availability}


def _find_root(model: str) -> Root:
    return "patient" if model == PATIENT_ROOT_FIND else "study"


def _parse(context: AcceptedContext, identifier: Dataset) -> Search:
    """Parse an identifier by what was negotiated. Raises Rejected."""
    relational, combined, *_ = context.extended.ljust(2, b"\0")
    root = _find_root(context.abstract_syntax)
    return Search.parse(root, identifier, relational=relational == 1, combined=combined == 1)


def _send_matches(association: Conversation, message: Message, matches: Iterable[bytes], *, supported: bool) -> bool:
    """Send a pending response for each match; return False if the peer cancelled."""
    pending = status.PENDING if supported else status.PENDING_UNSUPPORTED
    answer = command.encode_response(message.command, pending, has_data_set=True)
    room = association.data_room()
    head = b"".join(pdu.encode_fragments(answer, message.context_id, room, is_command=True))
    buffers: list[bytes | memoryview] = []
    if association.messages.is_cancelled(message):
        return False
    for match in matches:
        buffers.append(head)
        buffers += pdu.encode_fragments(match, message.context_id, room, is_command=False)
        if len(buffers) >= _BUFFERS_A_SENDING:
            association.send(*buffers)
            metrics.MATCHES.inc(buffers.count(head))
            buffers.clear()
            if association.messages.is_cancelled(message):
                return False
    association.send(*buffers)
    metrics.MATCHES.inc(buffers.count(head))
    return True

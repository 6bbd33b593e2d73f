"""Modality Performed Procedure Step service (PS3.4 F.7): N-CREATE when a scan begins, N-SET when it ends.

    N-CREATE IN PROGRESS --> N-SET ... --> N-SET COMPLETED | DISCONTINUED

Success only once the change is committed. What a step announces decides when its series are complete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Final

import structlog
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID

from config.errors import CoronodeError, Rejected
from dicom import elements, status
from dicom.encoding import encode_element
from dicom.sop_classes import PERFORMED_PROCEDURE_STEP, UNCOMPRESSED
from dicom.uids import is_keepable_uid
from scp import metrics
from scp.network import command, pdu
from scp.network.conversation import Conversation
from scp.network.errors import AssociationEnded
from scp.network.message import Message, Released
from scp.network.negotiation import PresentationContext
from scp.reception.provided import ProvidedService
from scp.services.fitting import refuse_misplaced
from scp.services.performed_step import read_changes, read_step
from storage.database.engine import Database
from storage.series import step_changes
from storage.series.step_changes import EndedStep, KnownStep, UnknownStep

log = structlog.get_logger(__name__)

CONTEXTS: Final = (PresentationContext(PERFORMED_PROCEDURE_STEP, UNCOMPRESSED),)

LONGEST: Final = 4 * 1024 * 1024
"""Bytes of a data set, some 40,000 referenced images."""

_STATUS: Final = 0x00400252
_NO_LONGER: Final = "Performed Procedure Step Object may no longer be updated"
_NO_LONGER_ID: Final = 0xA710
"""Error Comment and Error ID of PS3.4 table F.7.2-2."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response: status, Error Comment, Error ID, the attribute list of invalid values, and the UID that was made."""

    status: int
    comment: str = ""
    error_id: int | None = None
    attributes: bytes = b""
    sop_instance_uid: str = ""


class MppsScp:
    """The MPPS SCP; `announced` is told of each series about which a step that ended says something."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime],
        make_uid: Callable[[], str],
        announced: Callable[[str], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._make_uid = make_uid
        self._announced = announced

    def provide(self) -> ProvidedService:
        """Return the service for the node's peers."""
        operations = {
            command.N_CREATE_RQ: lambda association, message: self._serve(association, message, self._create),
            command.N_SET_RQ: lambda association, message: self._serve(association, message, self._set),
        }
        return ProvidedService("mpps", CONTEXTS, operations)

    def _serve(
        self, association: Conversation, message: Message, perform: Callable[[Message, Dataset, str], _Answer]
    ) -> None:
        """Answer a request. Raises AssociationEnded and Released."""
        if refuse_misplaced(association, message, PERFORMED_PROCEDURE_STEP.__eq__):
            return
        calling, dataset = association.calling_ae, Dataset()
        try:
            dataset = _read(association, message)
            _check_class(message)
            answer = perform(message, dataset, calling)
        except Rejected as rejection:
            log.warning("procedure step refused", reason=rejection.reason, calling=calling)
            invalid = rejection.status == status.INVALID_ATTRIBUTE_VALUE
            attributes = _encode_state(association, message, dataset) if invalid else b""
            answer = _Answer(rejection.status, rejection.reason, attributes=attributes)
        except CoronodeError as error:
            log.error("procedure step not recorded", reason=str(error), calling=calling)
            answer = _Answer(status.PROCESSING_FAILURE, str(error))
        except (AssociationEnded, Released):
            raise
        except Exception:  # the edge of the service: without Success the scanner sends it again
            log.exception("procedure step not recorded", calling=calling)
            answer = _Answer(status.PROCESSING_FAILURE, "internal error, see the node's log")
        _respond(association, message, answer)

    def _create(self, message: Message, dataset: Dataset, calling_ae: str) -> _Answer:
        given = message.command.sop_instance_uid
        sop_instance_uid = _check_uid(given) if given else self._make_uid()
        step, studies, series = read_step(dataset, sop_instance_uid, calling_ae)
        try:
            step_changes.create(self._database, step, studies, series, self._clock())
        except KnownStep as error:
            return _Answer(status.DUPLICATE_SOP_INSTANCE, str(error))
        log.info("procedure step begun", step=sop_instance_uid, studies=sorted(studies), calling=calling_ae)
        return _Answer(status.SUCCESS, sop_instance_uid="" if given else sop_instance_uid)

    def _set(self, message: Message, dataset: Dataset, calling_ae: str) -> _Answer:
        sop_instance_uid = _check_uid(message.command.sop_instance_uid)
        changes = read_changes(dataset)
        try:
            concerned = step_changes.change(self._database, sop_instance_uid, changes, self._clock())
        except UnknownStep as error:
            return _Answer(status.NO_SUCH_SOP_INSTANCE, str(error))
        except EndedStep:
            return _Answer(status.PROCESSING_FAILURE, _NO_LONGER, _NO_LONGER_ID)
        log.info("procedure step", step=sop_instance_uid, state=changes.state, series=concerned, calling=calling_ae)
        for series_instance_uid in concerned:
            self._announced(series_instance_uid)
        return _Answer(status.SUCCESS)


def _read(association: Conversation, message: Message) -> Dataset:
    """Read the attribute list. Raises Rejected when it is too long (0213) or cannot be read (0110)."""
    gathered = association.messages.gather(LONGEST)
    if gathered is None:
        raise Rejected(status.RESOURCE_LIMITATION, f"an attribute list of more than {LONGEST} bytes")
    implicit = UID(association.context(message).transfer_syntax).is_implicit_VR
    try:
        return read_dataset(BytesIO(gathered), is_implicit_VR=implicit, is_little_endian=True)
    except Exception as error:  # whatever the parser raises, the attribute list is invalid
        words = "attribute list cannot be read in the negotiated syntax"
        raise Rejected(status.PROCESSING_FAILURE, words) from error


def _check_class(message: Message) -> None:
    if message.command.sop_class_uid != PERFORMED_PROCEDURE_STEP:
        raise Rejected(status.NO_SUCH_SOP_CLASS, "not the SOP class of the presentation context")


def _check_uid(sop_instance_uid: str) -> str:
    if not is_keepable_uid(sop_instance_uid):
        raise Rejected(status.INVALID_SOP_INSTANCE, "the SOP Instance UID is missing or cannot be used")
    return sop_instance_uid


def _encode_state(association: Conversation, message: Message, dataset: Dataset) -> bytes:
    """Encode the attribute list that 0106 comes with (PS3.4 F.7.2.1.3): the status alone is checked."""
    implicit = UID(association.context(message).transfer_syntax).is_implicit_VR
    value = elements.text(dataset, "PerformedProcedureStepStatus").encode("ascii", "replace").decode()
    return encode_element(_STATUS, "CS", value, implicit=implicit)


def _respond(association: Conversation, message: Message, answer: _Answer) -> None:
    kind = "N-CREATE" if message.command.field == command.N_CREATE_RQ else "N-SET"
    metrics.PROCEDURE_STEPS.labels(kind, f"0x{answer.status:04X}").inc()
    response = command.encode_response(
        message.command,
        answer.status,
        has_data_set=bool(answer.attributes),
        comment=status.cut_comment(answer.comment),
        error_id=answer.error_id,
        sop_instance_uid=answer.sop_instance_uid,
    )
    room = association.data_room()
    association.send(*pdu.encode_fragments(response, message.context_id, room, is_command=True))
    if answer.attributes:
        association.send(*pdu.encode_fragments(answer.attributes, message.context_id, room, is_command=False))

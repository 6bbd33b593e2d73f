"""Storage service (PS3.4 annex B): Success only once the file is durable and its row committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    EnhancedSRStorage,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    LegacyConvertedEnhancedCTImageStorage,
    RLELossless,
)

from config.errors import CoronodeError, Rejected
from dicom import status
from dicom.sop_classes import UNCOMPRESSED, is_storage
from scp import metrics
from scp.network import command
from scp.network.conversation import Conversation
from scp.network.errors import TooLong
from scp.network.message import Message
from scp.network.negotiation import PresentationContext
from scp.reception.completion import Holder
from scp.reception.incoming import IncomingObject, StoreRequest
from scp.reception.provided import ProvidedService
from scp.services.contradictions import Contradictions
from scp.services.fitting import refuse_misplaced
from storage.database.engine import Database
from storage.intake.group_commit import Intake
from storage.objects.files import Files

log = structlog.get_logger(__name__)

IMAGE_TRANSFER_SYNTAXES: Final[tuple[str, ...]] = (
    *UNCOMPRESSED,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000Lossless,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    HTJ2K,
)
"""Stored as received, decoded when scored."""

IMAGE_STORAGE: Final[tuple[str, ...]] = (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)

REPORT_STORAGE: Final[tuple[str, ...]] = (ComprehensiveSRStorage, Comprehensive3DSRStorage, EnhancedSRStorage)
"""Earlier reports of a patient, stored and read for comparison."""

CONTEXTS: Final = (
    *(PresentationContext(uid, IMAGE_TRANSFER_SYNTAXES) for uid in IMAGE_STORAGE),
    *(PresentationContext(uid, UNCOMPRESSED) for uid in REPORT_STORAGE),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and Error Comment of a C-STORE-RSP."""

    status: int
    comment: str = ""


class StorageScp:
    """The Storage SCP: receives one object at a time from each of any number of associations."""

    def __init__(
        self,
        database: Database,
        files: Files,
        *,
        clock: Callable[[], datetime],
        received: Callable[[str, Holder | None], None],
        reserve_bytes: int = 0,
        longest_bytes: int = 2**63,
    ) -> None:
        self._files = files
        self._intake = Intake(database, files)
        self._contradictions = Contradictions()
        self._clock = clock
        self._received = received
        self._reserve_bytes = reserve_bytes
        self._longest_bytes = longest_bytes

    def provide(self) -> ProvidedService:
        """Return the service for the node's peers."""
        return ProvidedService("store", CONTEXTS, {command.C_STORE_RQ: self.serve})

    def has_room(self) -> bool:
        """Return whether free disk space is above the reserve."""
        return self._files.free_bytes() >= self._reserve_bytes

    def begin(self, request: StoreRequest) -> IncomingObject:
        """Begin to receive an object; its data set follows."""
        return IncomingObject(request, self._files, self._intake, clock=self._clock, reserve_bytes=self._reserve_bytes)

    def finish(self, reception: IncomingObject, calling_ae: str, holder: Holder | None = None) -> Answer:
        """Store the object and return the response (PS3.4 B.2.3); `holder` is its association."""
        answer = self._finish(reception, calling_ae, holder)
        metrics.OBJECTS.labels(f"0x{answer.status:04X}").inc()
        metrics.OBJECT_BYTES.inc(reception.size)
        return answer

    def _finish(self, reception: IncomingObject, calling_ae: str, holder: Holder | None) -> Answer:
        try:
            stored = reception.finish()
        except Rejected as rejection:
            log.warning(
                "object refused", status=f"0x{rejection.status:04X}", reason=rejection.reason, calling=calling_ae
            )
            return Answer(rejection.status, rejection.reason)
        except CoronodeError as error:
            log.error("object not stored", reason=str(error), calling=calling_ae)
            return Answer(status.OUT_OF_RESOURCES, str(error))
        except Exception:  # the edge of the service: without Success the sender keeps the object and retries
            log.exception("object not stored", calling=calling_ae)
            return Answer(status.OUT_OF_RESOURCES, "internal error, see the node's log")
        log.debug("object", outcome=stored.outcome, series=stored.series_instance_uid)
        if stored.outcome == "conflict":
            self._contradictions.note(stored, calling_ae, holder)
        else:  # a sender that repeats known objects is still sending
            self._received(stored.series_instance_uid, holder)
        return Answer(status.SUCCESS)

    def serve(self, association: Conversation, message: Message) -> None:
        """Answer a C-STORE-RQ, writing its data set to disk as it arrives. Raises AssociationEnded and Released."""
        if refuse_misplaced(association, message, is_storage):
            return
        asked = message.command
        reception = self.begin(
            StoreRequest(
                sop_class_uid=asked.sop_class_uid,
                sop_instance_uid=asked.sop_instance_uid,
                transfer_syntax_uid=association.context(message).transfer_syntax,
                calling_ae=association.calling_ae,
                association=association.name,
            )
        )
        try:
            for data in association.messages.data():
                reception.write(data)
                if reception.size > self._longest_bytes:
                    raise TooLong(f"an object of more than {self._longest_bytes} bytes (node.longest_object_mb)")
            answer = self.finish(reception, association.calling_ae, association)
        finally:
            reception.discard()
        association.respond(message, answer.status, comment=status.cut_comment(answer.comment))

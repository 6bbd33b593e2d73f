"""Storage service (PS3.4 annex B): Success only when the file is durable and its row is committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pydicom.dataset import Dataset
from pynetdicom import evt

from config.errors import CoronodeError, Rejected
from dicom import status
from scp import metrics
from scp.network.acceptor import Conversation, does_not_fit
from scp.network.errors import TooLong
from scp.network.message import Message
from scp.reception.completion import Holder
from scp.reception.incoming import Reception, StoreRequest
from scp.services import contexts
from storage.database.engine import Database
from storage.intake.group_commit import Intake
from storage.objects.files import OUT_OF_RESOURCES, Files

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and Error Comment of a C-STORE-RSP."""

    status: int
    comment: str = ""


class Storage:
    """The Storage SCP: takes one object at a time from any number of associations."""

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
        self._clock = clock
        self._received = received
        self._reserve_bytes = reserve_bytes
        self._longest_bytes = longest_bytes

    def has_room(self) -> bool:
        """Whether the disk has more than the reserve left."""
        return self._files.free_bytes() >= self._reserve_bytes

    def begin(self, request: StoreRequest) -> Reception:
        """Begin to take an object; its data set follows."""
        return Reception(request, self._files, self._intake, clock=self._clock, reserve_bytes=self._reserve_bytes)

    def finish(self, reception: Reception, calling_ae: str, holder: Holder | None = None) -> Answer:
        """Keep the object, or say why not (PS3.4 B.2.3). `holder` is the association that it came over."""
        answer = self._finish(reception, calling_ae, holder)
        metrics.OBJECTS.labels(f"0x{answer.status:04X}").inc()
        metrics.OBJECT_BYTES.inc(reception.size)
        return answer

    def _finish(self, reception: Reception, calling_ae: str, holder: Holder | None) -> Answer:
        try:
            stored = reception.finish()
        except Rejected as rejection:
            log.warning(
                "object refused", status=f"0x{rejection.status:04X}", reason=rejection.reason, calling=calling_ae
            )
            return Answer(rejection.status, rejection.reason)
        except CoronodeError as error:
            log.error("object not stored", reason=str(error), calling=calling_ae)
            return Answer(OUT_OF_RESOURCES, str(error))
        except Exception:  # the service's edge: without Success the sender keeps the object and tries again
            log.exception("object not stored", calling=calling_ae)
            return Answer(OUT_OF_RESOURCES, "internal error, see the node's log")
        log.debug("object", outcome=stored.outcome, series=stored.series_instance_uid)
        if stored.outcome != "conflict":  # a sender that begins again with what is here is still sending
            self._received(stored.series_instance_uid, holder)
        return Answer(status.SUCCESS)

    def serve(self, association: Conversation, message: Message) -> None:
        """Answer a C-STORE-RQ of an association of our own; its data set goes to the disk as it comes."""
        if does_not_fit(association, message, contexts.is_storage):
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
        association.respond(message, answer.status, comment=status.comment(answer.comment))

    def on_store(self, event: evt.Event) -> Dataset:
        """Handle EVT_C_STORE of an association that pynetdicom holds."""
        request: Any = event.request
        requestor = event.assoc.requestor
        calling = requestor.ae_title.strip()
        reception = self.begin(
            StoreRequest(
                sop_class_uid=str(request.AffectedSOPClassUID),
                sop_instance_uid=str(request.AffectedSOPInstanceUID),
                transfer_syntax_uid=str(event.context.transfer_syntax),
                calling_ae=calling,
                association=f"{calling} {requestor.address}:{requestor.port} {event.assoc.name}",
            )
        )
        reception.write(event.encoded_dataset(include_meta=False))
        answer = self.finish(reception, calling, event.assoc)
        return status.response(answer.status, answer.comment)

"""Storage service (PS3.4 annex B): Success only once the file is durable and its row committed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog

from config.errors import CoronodeError, Rejected
from dicom import status
from dicom.sop_classes import IMAGE_STORAGE, is_storage
from scp import metrics
from scp.network import command
from scp.network.conversation import Conversation
from scp.network.message import Message
from scp.reception.incoming import IncomingObject, StoreRequest, check_room
from scp.reception.provided import ProvidedService
from scp.reception.sender import Sender
from scp.reception.watch import Holder
from scp.services.contradictions import Contradictions
from scp.services.fitting import refuse_misplaced
from scp.services.refusals import Refusals
from scp.services.rejection_notes import RejectionNotes
from scp.services.storage_contexts import (
    CONTEXTS,
    IMAGE_TRANSFER_SYNTAXES,
    find_companion_context,
    find_dropped_context,
)
from scp.services.storage_rules import NO_RULES, StorageRules
from storage.database.engine import Database
from storage.intake.group_commit import Intake
from storage.objects.files import Files

log = structlog.get_logger(__name__)
_level = logging.getLogger(__name__)


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
        rules: StorageRules = NO_RULES,
    ) -> None:
        self._files = files
        self._intake = Intake(database, files)
        self._contradictions = Contradictions()
        self._refusals = Refusals(database, clock, received)
        self._clock = clock
        self._received = received
        self._rules = rules

    def adopt(self, rules: StorageRules) -> None:
        """Take further objects by other rules; those on the way go on by theirs."""
        self._rules = rules

    def provide(self) -> ProvidedService:
        """Return the service for the node's peers."""
        operations = {command.C_STORE_RQ: self.serve}
        find_context = find_companion_context if self._rules.companions == "keep" else find_dropped_context
        return ProvidedService("store", CONTEXTS, operations, find_context)

    def find_shortage(self) -> str:
        """Return why nothing can be stored now: no free disk space above the reserve, or no disk; else empty."""
        try:
            check_room(self._files, self._rules.reserve_bytes)
        except Rejected as rejection:
            return rejection.reason
        return ""

    def begin(self, request: StoreRequest, rules: StorageRules | None = None) -> IncomingObject:
        """Begin to receive an object; its data set follows."""
        reserve = (rules or self._rules).reserve_bytes
        return IncomingObject(request, self._files, self._intake, clock=self._clock, reserve_bytes=reserve)

    def finish(
        self,
        reception: IncomingObject,
        calling_ae: str,
        holder: Holder | None = None,
        rules: StorageRules | None = None,
    ) -> Answer:
        """Store the object and return the response (PS3.4 B.2.3); `holder` is its association."""
        answer = self._finish(reception, calling_ae, holder, (rules or self._rules).notes)
        if answer.status != status.SUCCESS:
            reason = f"0x{answer.status:04X} {answer.comment}"
            self._refusals.note(reception, reason, calling_ae, holder)
        metrics.OBJECTS.labels(f"0x{answer.status:04X}").inc()
        metrics.OBJECT_BYTES.inc(reception.size)
        return answer

    def _finish(
        self, reception: IncomingObject, calling_ae: str, holder: Holder | None, notes: RejectionNotes | None
    ) -> Answer:
        try:
            stored = reception.finish()
            if notes is not None:
                notes.obey(stored, reception.request.sop_class_uid, calling_ae)
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
        if _level.isEnabledFor(logging.DEBUG):  # an event that nobody wants costs a tenth of a millisecond
            log.debug("object", outcome=stored.outcome, series=stored.series_instance_uid)
        if stored.outcome == "conflict":
            self._contradictions.note(stored, calling_ae, holder)
        # a sender that repeats known images is still sending; a companion says nothing about the images
        elif reception.request.sop_class_uid in IMAGE_STORAGE:
            self._received(stored.series_instance_uid, holder)
        return Answer(status.SUCCESS)

    def serve(self, association: Conversation, message: Message) -> None:
        """Answer a C-STORE-RQ, writing its data set to disk as it arrives. Raises AssociationEnded and Released."""
        asked = message.command
        syntax = association.context(message).transfer_syntax
        is_readable = asked.sop_class_uid not in IMAGE_STORAGE or syntax in IMAGE_TRANSFER_SYNTAXES
        if refuse_misplaced(association, message, lambda abstract_syntax: is_storage(abstract_syntax) and is_readable):
            return
        answer = self.receive(association, message)
        association.respond(message, answer.status, comment=status.cut_comment(answer.comment))

    def receive(self, sender: Sender, message: Message) -> Answer:
        """Read the object of a C-STORE-RQ to its end, store it, and return what to answer.

        Raises AssociationEnded and Released.
        """
        request = StoreRequest.from_message(sender, message)
        general = sender.context(message).general
        return self.take(request, sender.messages.data(), sender, general=general)

    def take(
        self,
        request: StoreRequest,
        pieces: Iterable[bytes | memoryview],
        holder: Holder | None = None,
        *,
        general: str = "",
    ) -> Answer:
        """Read the data set of an object to its end, store it, and return what to answer.

        `general` is the class that stands for the object's own where one was negotiated. Raises TooLong, and what
        reading raises.
        """
        rules = self._rules
        if rules.drops(general or request.sop_class_uid):
            return self._drop(request, pieces, rules)
        reception = self.begin(request, rules)
        try:
            for data in pieces:
                reception.write(data)
                rules.check_length(reception.size)
            return self.finish(reception, request.calling_ae, holder, rules)
        finally:
            reception.discard()

    def _drop(self, request: StoreRequest, pieces: Iterable[bytes | memoryview], rules: StorageRules) -> Answer:
        """Read a companion to its end and forget it, as `node.companions` asks."""
        size = 0
        for data in pieces:
            size += len(data)
            rules.check_length(size)
        log.debug("companion dropped", sop_class=request.sop_class_uid, bytes=size, calling=request.calling_ae)
        metrics.COMPANIONS_DROPPED.inc()
        metrics.OBJECTS.labels(f"0x{status.SUCCESS:04X}").inc()
        metrics.OBJECT_BYTES.inc(size)
        return Answer(status.SUCCESS)

"""The Retrieve SCP: reads a request, selects the objects, and says how sending them went (PS3.4 C.4.2, C.4.3)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import structlog

from config.errors import CoronodeError, Rejected
from config.settings import NodeSettings, PeerSettings
from dicom import status
from dicom.sop_classes import PATIENT_ROOT_GET, PATIENT_ROOT_MOVE
from scp import metrics
from scp.network import command
from scp.network.conversation import Conversation
from scp.network.errors import AssociationEnded
from scp.network.message import Message, Released
from scp.peer_events import Enter, Note, ignore
from scp.reception.provided import ProvidedService
from scp.services.fitting import refuse_misplaced
from scp.services.identifier import parse_identifier, read_identifier
from scp.services.retrieve.contexts import CONTEXTS, GET_MODELS, MOVE_MODELS, find_context
from scp.services.retrieve.dialogue import Dialogue
from scp.services.retrieve.get import get
from scp.services.retrieve.move import Mover
from scp.services.retrieve.progress import Progress
from scp.services.retrieve.sending import Store
from scp.services.retrieve.slots import Slots
from scp.services.retrieve.transcoding import Transcoder
from storage.auditing.statements import CANCELLED, INTERRUPTED
from storage.database.engine import Database
from storage.objects.files import Files
from storage.query.keys import Root
from storage.query.retrieval import Retrieval, Selection

log = structlog.get_logger(__name__)

_PATIENT_ROOT: Final = frozenset({PATIENT_ROOT_MOVE, PATIENT_ROOT_GET})


class RetrieveScp:
    """The Retrieve SCP: sends objects back on the association of a C-GET, and to configured peers by C-MOVE.

    Several processes may share `slots`.

    What is to be sent goes to the audit log by `enter` before the first object leaves, what was sent by `audit`.
    """

    def __init__(
        self,
        database: Database,
        files: Files,
        node: NodeSettings,
        peers: Mapping[str, PeerSettings],
        *,
        audit: Note = ignore,
        enter: Enter = ignore,
        slots: Slots | None = None,
    ) -> None:
        self._database = database
        self._audit = audit
        self._enter = enter
        self._under_way: set[Dialogue] = set()
        self._noting = threading.Lock()
        self._transcoder = Transcoder()
        self._store = Store(files, self._transcoder)
        self._mover = Mover(database, self._store, node, peers, slots)

    def adopt(self, node: NodeSettings, peers: Mapping[str, PeerSettings]) -> None:
        """Move to other peers from now on; limits stay."""
        self._mover.adopt(node, peers)

    def close(self) -> None:
        """Enter what was sent so far of retrievals that the end of the node found under way, and did not await."""
        with self._noting:
            left = list(self._under_way)
        for dialogue in left:
            self._note(dialogue, INTERRUPTED)

    def provide(self) -> ProvidedService:
        """Return the service for the node's peers."""
        operations = {command.C_GET_RQ: self.get, command.C_MOVE_RQ: self.move}
        return ProvidedService("retrieve", CONTEXTS, operations, find_context)

    def get(self, association: Conversation, message: Message) -> None:
        """Answer a C-GET-RQ. Raises AssociationEnded and Released."""
        if not refuse_misplaced(association, message, GET_MODELS.__contains__):
            self._answer(Dialogue(association, message), self._get)

    def move(self, association: Conversation, message: Message) -> None:
        """Answer a C-MOVE-RQ. Raises AssociationEnded and Released."""
        if not refuse_misplaced(association, message, MOVE_MODELS.__contains__):
            self._answer(Dialogue(association, message), self._move)

    def _answer(self, dialogue: Dialogue, perform: Callable[[Dialogue], None]) -> None:
        """Perform a retrieval, enter what was sent in the audit log, and send the final response."""
        with self._noting:
            self._under_way.add(dialogue)
        end = INTERRUPTED
        try:
            code, comment = self._carry_out(dialogue, perform)
            end = CANCELLED if dialogue.progress.is_cancelled else ""
        finally:
            self._note(dialogue, end)
            with self._noting:
                self._under_way.discard(dialogue)
        metrics.RETRIEVALS.labels(dialogue.operation, f"0x{code:04X}").inc()
        if dialogue.progress.total:
            _log_end(dialogue, code)
        dialogue.finish(code, comment)

    def _carry_out(self, dialogue: Dialogue, perform: Callable[[Dialogue], None]) -> tuple[int, str]:
        """Perform a retrieval, and return the final status with its comment. Raises AssociationEnded and Released."""
        operation, calling = dialogue.operation, dialogue.association.calling_ae
        try:
            with self._transcoder.using():
                perform(dialogue)
            if not dialogue.progress.is_cancelled:
                dialogue.progress.fail_rest("deleted in the meantime")
            return dialogue.progress.decide(), dialogue.progress.reason
        except Rejected as rejection:
            log.warning("retrieval refused", operation=operation, reason=rejection.reason, calling=calling)
            return rejection.status, rejection.reason
        except CoronodeError as error:
            log.error("retrieval failed", operation=operation, reason=str(error), calling=calling)
            return _give_up(dialogue.progress, str(error))
        except (AssociationEnded, Released):
            metrics.RETRIEVALS.labels(operation, "ended").inc()
            raise
        except Exception:  # the edge of the service: the peer gets a failure, the log the traceback
            log.exception("retrieval failed", operation=operation, calling=calling)
            return _give_up(dialogue.progress, "internal error, see the node's log")

    def _begin(self, dialogue: Dialogue, selection: Selection) -> None:
        """Enter what is about to be sent. Raises Transient."""
        if self._enter is not ignore:
            self._enter(*dialogue.transfers.begin(selection.list_parts(self._database)))

    def _note(self, dialogue: Dialogue, end: str) -> None:
        for event in dialogue.transfers.take_end(end):
            self._audit(event)

    def _get(self, dialogue: Dialogue) -> None:
        selection = self._select(dialogue, _parse(dialogue))
        self._begin(dialogue, selection)
        get(dialogue, selection.read_objects(self._database), self._store)

    def _move(self, dialogue: Dialogue) -> None:
        retrieval = _parse(dialogue)
        peer = self._mover.find_destination(dialogue.message.command.destination)
        selection = self._select(dialogue, retrieval)
        if len(selection):
            self._mover.move(dialogue, selection, peer, partial(self._begin, dialogue, selection))

    def _select(self, dialogue: Dialogue, retrieval: Retrieval) -> Selection:
        """Select the objects and begin to count. Raises Rejected and Transient."""
        selection = retrieval.select(self._database)
        dialogue.progress = Progress(len(selection))
        return selection


def _parse(dialogue: Dialogue) -> Retrieval:
    context = dialogue.association.context(dialogue.message)
    root: Root = "patient" if context.abstract_syntax in _PATIENT_ROOT else "study"
    relational = context.extended[:1] == b"\1"
    association, message = dialogue.association, dialogue.message
    return parse_identifier(
        association,
        message,
        read_identifier(association),
        lambda data: Retrieval.parse(root, data, relational=relational),
    )


def _give_up(progress: Progress, reason: str) -> tuple[int, str]:
    """Return status and comment of a retrieval that cannot go on; objects that were not sent have failed."""
    if not progress.total:
        return status.UNABLE_TO_PROCESS, reason
    progress.fail_rest(reason)
    return progress.decide(), reason


def _log_end(dialogue: Dialogue, code: int) -> None:
    progress = dialogue.progress
    log.info(
        "retrieval ended",
        operation=dialogue.operation,
        status=f"0x{code:04X}",
        calling=dialogue.association.calling_ae,
        to=dialogue.message.command.destination or dialogue.association.calling_ae,
        completed=progress.completed,
        warning=progress.warning,
        failed=progress.failed,
    )

"""The objects of a STOW-RS request, each stored as a C-STORE would store it (PS3.18 10.5)."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import structlog

from dicom import part10, status
from dicom.part10 import Meta
from dicom.sop_classes import IMAGE_STORAGE, is_storage
from scp.reception.incoming import StoreRequest
from scp.reception.start import SERIES, SOP_CLASS, SOP_INSTANCE, STUDY, read_start
from scp.services.storage import StorageScp
from scp.services.storage_contexts import COMPANION_TRANSFER_SYNTAXES, IMAGE_TRANSFER_SYNTAXES
from scp.web.dicomweb.media import DICOM, parse_media_type
from scp.web.dicomweb.parts import IncomingPart, MalformedError, Multipart

log = structlog.get_logger(__name__)

_START_BYTES: Final = 64 * 1024
_MOST_PARTS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a part: a status and why; the UIDs as far as they are known."""

    status: int
    reason: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""


class Storing:
    """Stores the parts of one request; `sender` is recorded as where its objects came from.

    `study_instance_uid` is the study that all of them must belong to, "" for any.
    """

    def __init__(self, storage: StorageScp, sender: str, study_instance_uid: str = "") -> None:
        self._storage = storage
        self._sender = sender
        self._study = study_instance_uid
        self._name = f"stow-{secrets.token_hex(8)}"

    def store(self, multipart: Multipart) -> list[Outcome]:
        """Store part after part and return what became of each; a body that breaks off ends with a failure.

        Raises TooLong, and what reading raises: what was stored by then stays.
        """
        outcomes: list[Outcome] = []
        try:
            for part in multipart.parts():
                if len(outcomes) >= _MOST_PARTS:
                    outcomes.append(Outcome(status.OUT_OF_RESOURCES, f"more than {_MOST_PARTS} parts in one request"))
                    break
                outcomes.append(self._store(part))
        except MalformedError as error:
            outcomes.append(Outcome(status.UNABLE_TO_PROCESS, str(error)))
        return outcomes

    def _store(self, part: IncomingPart) -> Outcome:
        try:
            media_type, _ = parse_media_type(part.headers.get("content-type", DICOM))
        except ValueError:
            media_type = ""
        if media_type != DICOM:
            return Outcome(status.UNABLE_TO_PROCESS, f"a part is not {DICOM}")
        start = _read_start(part.pieces)
        try:
            meta = part10.read_meta(start)
        except ValueError as error:
            return Outcome(status.UNABLE_TO_PROCESS, str(error))
        return self._store_object(meta, start[meta.data_set_at :], part.pieces)

    def _store_object(self, meta: Meta, start: bytes, rest: Iterator[bytes]) -> Outcome:
        # what the data set says of itself counts, as in an association; anonymisers leave other UIDs before it
        values = read_start(start, meta.transfer_syntax_uid)
        sop_class_uid = values[SOP_CLASS] or meta.sop_class_uid
        sop_instance_uid = values[SOP_INSTANCE] or meta.sop_instance_uid
        code, reason = _find_refusal(sop_class_uid, meta.transfer_syntax_uid)
        if not code:
            request = StoreRequest(
                sop_class_uid, sop_instance_uid, meta.transfer_syntax_uid, self._sender, self._name, self._study
            )
            answer = self._storage.take(request, itertools.chain([start], rest))
            code, reason = answer.status, answer.comment
        return Outcome(code, reason, sop_class_uid, sop_instance_uid, values[SERIES], values[STUDY])


def _find_refusal(sop_class_uid: str, syntax: str) -> tuple[int, str]:
    """Return why an object is not taken by its class and transfer syntax, as negotiation would refuse it."""
    if not is_storage(sop_class_uid):
        return status.SOP_CLASS_NOT_SUPPORTED, "objects of this SOP class are not stored"
    taken = IMAGE_TRANSFER_SYNTAXES if sop_class_uid in IMAGE_STORAGE else COMPANION_TRANSFER_SYNTAXES
    if syntax not in taken:
        return status.TRANSFER_SYNTAX_NOT_SUPPORTED, "objects in this transfer syntax are not stored"
    return status.SUCCESS, ""


def _read_start(pieces: Iterator[bytes]) -> bytes:
    start = bytearray()
    while len(start) < _START_BYTES and (piece := next(pieces, None)) is not None:
        start += piece
    return bytes(start)

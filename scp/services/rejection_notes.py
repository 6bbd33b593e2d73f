"""Rejection notes: Key Object Selection Documents that take objects out of use (IHE RAD TF-3 4.66, RAD-66).

The title says why (PS3.16 CID 7010); Current Requested Procedure Evidence Sequence (PS3.3 C.17.6.2) says which objects.
A note is obeyed before its C-STORE is answered, each time it comes, so that Success means that it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from config.errors import Transient, is_fault
from config.settings import PeerSettings, RejectionReason
from dicom.sop_classes import KEY_OBJECT_SELECTION
from dicom.stored import DAMAGE
from dicom.text import read_text
from scp import metrics
from storage.database.engine import Database
from storage.intake.instances import Registered
from storage.objects.files import Files
from storage.outbox import outgoing
from storage.series import rejecting
from storage.series.priors import Person
from storage.series.rejections import Reference, RejectionNote

log = structlog.get_logger(__name__)

TITLES: Final[Mapping[str, RejectionReason]] = {
    "113001": "quality",
    "113037": "safety",
    "113038": "worklist",
    "113039": "retention",
}
"""Document titles of rejection notes: codes of the scheme DCM."""

_SCHEME: Final = "DCM"
_LONGEST_BYTES: Final = 16 * 1024 * 1024
_MOST_OBJECTS: Final = 50_000
_STUDY, _SERIES, _SOP_INSTANCE, _REFERENCED_UID = 0x0020000D, 0x0020000E, 0x00080018, 0x00081155
_TITLE, _CODE, _DESIGNATOR = 0x0040A043, 0x00080100, 0x00080102
_EVIDENCE, _COPIES, _OF_SERIES, _OF_INSTANCES = 0x0040A375, 0x0040A525, 0x00081115, 0x00081199


class RejectionNotes:
    """Obeys the rejection notes among stored Key Object Selection Documents.

    `reasons` are those that count (`selection.rejection_notes`). The note of a caller counts if each peer of its AE
    title may reject (`peers.X.may_reject`); that of a caller without a section never does. `touched` is told of each
    series that loses an image.
    """

    def __init__(
        self,
        database: Database,
        files: Files,
        *,
        reasons: Collection[RejectionReason],
        peers: Collection[PeerSettings],
        clock: Callable[[], datetime],
        touched: Callable[[str], None],
    ) -> None:
        self._database = database
        self._files = files
        self._reasons = frozenset(reasons)
        self._peers = tuple(peers)
        self._clock = clock
        self._touched = touched

    def must_keep(self, sop_class_uid: str) -> bool:
        """Return whether an object may be a note that counts, and is kept even where companions are dropped."""
        return bool(self._reasons) and sop_class_uid == KEY_OBJECT_SELECTION

    def obey(self, stored: Registered, sop_class_uid: str, calling_ae: str) -> None:
        """Obey a stored object if it is a rejection note that counts.

        Raises Transient when the database does not take it: the sender keeps the note and sends it again.
        """
        if not self.must_keep(sop_class_uid) or stored.outcome == "conflict":
            return
        try:
            note = read_note(self._files.fetch(stored.path), calling_ae)
        except DAMAGE as error:
            if is_fault(error):
                raise Transient(f"the rejection note cannot be read back: {error}") from error
            self._leave("unreadable", stored, calling_ae, type(error).__name__)
            return
        if note is None:
            return
        if note.title not in self._reasons:
            self._leave("not_configured", stored, calling_ae, f"{note.title} is not in selection.rejection_notes")
        elif not self._may_reject(calling_ae):
            self._leave("not_allowed", stored, calling_ae, "the caller is no peer with may_reject = true")
        elif len(note.references) > _MOST_OBJECTS:
            self._leave("contradictory", stored, calling_ae, f"it names more than {_MOST_OBJECTS} objects")
        else:
            self._obey(note, stored, calling_ae)

    def _obey(self, note: RejectionNote, stored: Registered, calling_ae: str) -> None:
        done = rejecting.obey(self._database, note, self._clock(), withdraw=outgoing.withdraw)
        if done.contradiction:
            self._leave("contradictory", stored, calling_ae, done.contradiction)
            return
        for series_instance_uid in done.series:
            self._touched(series_instance_uid)
        metrics.REJECTION_NOTES.labels("obeyed" if done.named else "repeated").inc()
        log.info(
            "rejection note obeyed",
            note=note.sop_instance_uid,
            study=note.study_instance_uid,
            reason=note.title,
            named=done.named,
            taken_out=done.taken_out,
            calling=calling_ae,
        )

    def _leave(self, outcome: str, stored: Registered, calling_ae: str, why: str) -> None:
        metrics.REJECTION_NOTES.labels(outcome).inc()
        log.warning(
            "rejection note kept and not obeyed", series=stored.series_instance_uid, why=why, calling=calling_ae
        )

    def _may_reject(self, calling_ae: str) -> bool:
        named = [peer for peer in self._peers if peer.ae_title == calling_ae.strip()]
        return bool(named) and all(peer.may_reject for peer in named)


def read_note(path: Path, calling_ae: str) -> RejectionNote | None:
    """Read a Key Object Selection Document; None when its title is not that of a rejection note.

    Raises one of `dicom.stored.DAMAGE` when it cannot be read, or is longer than a list of objects can be.
    """
    if path.stat().st_size > _LONGEST_BYTES:
        raise ValueError("too long for a list of objects")
    dataset = dcmread(path)
    title = _find_title(dataset)
    if title is None:
        return None
    return RejectionNote(
        sop_instance_uid=read_text(dataset, _SOP_INSTANCE, "UI"),
        study_instance_uid=read_text(dataset, _STUDY, "UI"),
        title=title,
        person=Person.from_dataset(dataset),
        references=tuple(_list_references(dataset)),
        peer_ae=calling_ae,
        has_copies=bool(_items(dataset, _COPIES)),
    )


def _find_title(dataset: Dataset) -> RejectionReason | None:
    """Find the reason by the code of the document title; its version and meaning do not matter."""
    for item in _items(dataset, _TITLE):
        if read_text(item, _DESIGNATOR, "SH") == _SCHEME:
            return TITLES.get(read_text(item, _CODE, "SH"))
    return None


def _list_references(dataset: Dataset) -> Iterator[Reference]:
    for study in _items(dataset, _EVIDENCE):
        study_instance_uid = read_text(study, _STUDY, "UI")
        for series in _items(study, _OF_SERIES):
            series_instance_uid = read_text(series, _SERIES, "UI")
            for item in _items(series, _OF_INSTANCES):
                uid = read_text(item, _REFERENCED_UID, "UI")
                if uid:
                    yield Reference(study_instance_uid, series_instance_uid, uid)


def _items(dataset: Dataset, tag: int) -> list[Dataset]:
    value = dataset[tag].value if tag in dataset else None
    return list(value) if isinstance(value, Items) else []

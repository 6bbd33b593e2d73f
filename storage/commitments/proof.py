"""The proof that referenced objects are kept: indexed, on the disk, and with the bytes that were received."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy import select

from config.errors import Transient, describe_fault
from dicom.commitment import FailureReason, Reference
from storage.database.engine import Database
from storage.database.models import InstanceRow, QuarantineRow, SeriesRow
from storage.database.syncing import sync_commits
from storage.objects.digest import digest_file
from storage.objects.disk import sync_data, sync_folder
from storage.objects.files import Files
from storage.series.states import State

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Proof:
    """The objects that are not committed, with the reason of each; of the others, those of series being received."""

    failed: tuple[tuple[Reference, FailureReason], ...]
    series: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An object in the index, and whether its series is being received."""

    sop_class_uid: str
    transfer_syntax_uid: str
    path: str
    sha256: str
    series_instance_uid: str
    is_received: bool


def measure(db: Database, references: Sequence[Reference]) -> int:
    """Return how many bytes of files the proof of these objects reads."""
    total = 0
    with db.reading() as session:
        for some in _split(references):
            wanted = [reference.sop_instance_uid for reference in some]
            total += sum(session.scalars(select(InstanceRow.size).where(InstanceRow.sop_instance_uid.in_(wanted))))
    return total


def prove(
    db: Database, files: Files, references: Sequence[Reference], calling_ae: str, *, supports: Callable[[str], bool]
) -> Proof:
    """Prove that each object is kept as it was received; where nothing was synchronised to the disk, do that now.

    An object of which this caller sent another form, that lies in quarantine, is not the one that is kept; one that a
    rejection note took out is not there.
    `supports` tells whether objects of a SOP class are kept. Raises Transient when disk or database do not answer.
    """
    failed: list[tuple[Reference, FailureReason]] = []
    received: defaultdict[str, set[str]] = defaultdict(set)
    proved: list[str] = []
    for some in _split(references):
        kept, disputed = _look_up(db, [reference.sop_instance_uid for reference in some], calling_ae)
        for reference in some:
            item = kept.get(reference.sop_instance_uid)
            reason = _find_failure(files, reference, item, supports=supports)
            if reference.sop_instance_uid in disputed:
                reason = FailureReason.PROCESSING_FAILURE
            if reason is not None:
                failed.append((reference, reason))
            elif item is not None:
                proved.append(item.path)
                if item.is_received:
                    received[item.series_instance_uid].add(reference.sop_instance_uid)
    if not files.durable:
        _sync(db, files, proved)
    return Proof(tuple(failed), {uid: frozenset(objects) for uid, objects in received.items()})


def _split(references: Sequence[Reference]) -> Iterator[Sequence[Reference]]:
    return (references[start : start + _AT_ONCE] for start in range(0, len(references), _AT_ONCE))


def _look_up(db: Database, wanted: Iterable[str], calling_ae: str) -> tuple[dict[str, _Kept], set[str]]:
    """Look up objects, and those of which a form that this caller sent lies in quarantine."""
    uids = list(wanted)
    query = (
        select(
            InstanceRow.sop_instance_uid,
            InstanceRow.sop_class_uid,
            InstanceRow.transfer_syntax_uid,
            InstanceRow.path,
            InstanceRow.sha256,
            SeriesRow.series_instance_uid,
            SeriesRow.state,
        )
        .join(SeriesRow, InstanceRow.series_id == SeriesRow.id)
        .where(InstanceRow.sop_instance_uid.in_(uids), InstanceRow.rejected.is_(False))
    )
    aside = select(QuarantineRow.sop_instance_uid).where(
        QuarantineRow.sop_instance_uid.in_(uids), QuarantineRow.calling_ae == calling_ae
    )
    with db.reading() as session:
        kept = {row[0]: _Kept(*row[1:6], row[6] == State.RECEIVING) for row in session.execute(query)}
        return kept, set(session.scalars(aside))


def _find_failure(
    files: Files, reference: Reference, item: _Kept | None, *, supports: Callable[[str], bool]
) -> FailureReason | None:
    if item is None:
        known = supports(reference.sop_class_uid)
        return FailureReason.NO_SUCH_INSTANCE if known else FailureReason.CLASS_NOT_SUPPORTED
    if item.sop_class_uid != reference.sop_class_uid:
        return FailureReason.CLASS_CONFLICT
    try:
        is_intact = item.sha256 in digest_file(files.fetch(item.path), item.transfer_syntax_uid)
    except OSError as error:
        raise Transient(describe_fault(error)) from error
    if not is_intact:
        log.error("a stored object has changed on the disk", path=item.path, sop=reference.sop_instance_uid)
        return FailureReason.PROCESSING_FAILURE
    return None


def _sync(db: Database, files: Files, names: Sequence[str]) -> None:
    """Synchronise files, their folders and the rows. Raises Transient when the disk refuses."""
    try:
        for name in names:
            descriptor = os.open(files.path(name), os.O_RDONLY)
            try:
                sync_data(descriptor)
            finally:
                os.close(descriptor)
        for folder in {files.path(name).parent for name in names}:
            for level in (folder, folder.parent, folder.parent.parent):
                sync_folder(level)
    except OSError as error:
        raise Transient(describe_fault(error)) from error
    sync_commits(db)

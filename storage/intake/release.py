"""Taking objects out of quarantine: releasing them into the index, or deleting them.

A released object takes the place of the one that holds its SOP Instance UID, in its own series; that one goes into
quarantine, so that another release swaps them back. Files get their new names before the transaction commits and lose
the old ones after it: an end of the process in between leaves a name too many, never a row without its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydicom import dcmread
from sqlalchemy import delete as delete_rows
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from config.errors import Permanent
from dicom.stored import DAMAGE
from storage.database import audit
from storage.database.engine import Database
from storage.database.models import InstanceRow, QuarantineRow, SeriesRow, StudyRow
from storage.intake.arrivals import Arrival, insert_instances, make_row
from storage.intake.placement import place_series
from storage.objects.files import Files
from storage.objects.header import InstanceHeader
from storage.objects.incoming import StoredFile
from storage.series import documents, lifecycle, removals
from storage.series.quarantine import Contradiction, Quarantined, UnknownQuarantined
from storage.series.states import State

_DELETED_AT_ONCE = 100
_COLUMNS = {"StudyInstanceUID": "study_instance_uid", "SeriesInstanceUID": "series_instance_uid"}


@dataclass(frozen=True, slots=True)
class Released:
    """What a release did: objects that are in their series now, objects that they replaced, series left empty."""

    objects: int
    replaced: int
    emptied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Holder:
    """The object that holds a SOP Instance UID before the release."""

    row: InstanceRow
    series_instance_uid: str
    study_instance_uid: str


def release(db: Database, files: Files, items: Sequence[Quarantined], now: datetime, *, person: str = "") -> Released:
    """Release objects of one series, all or none; every series that gains or loses one is scored again.

    Study and series take over the attributes of the released objects. Raises Permanent when an object cannot be
    released, Transient when the database does not take the change, Rejected when the disk does not.
    """
    _check_unique(items)
    arrivals = [_read_arrival(files, item) for item in items]
    with db.session() as session:
        holders = [_find_holder(session, item) for item in items]
        replaced = [holder for holder in holders if holder is not None]
        old_names = [*(item.path for item in items), *(holder.row.path for holder in replaced)]
        new_names = [*(arrival.stored.path for arrival in arrivals), *(_name_aside(holder.row) for holder in replaced)]
        series_id = place_series(session, arrivals)
        for item, arrival, holder in zip(items, arrivals, holders, strict=True):
            _take_out(session, item)
            removals.withdraw(session, arrival.stored.path)
            files.link(item.path, arrival.stored.path)
            if holder is not None:
                _put_aside(session, files, holder)
                _note(
                    session, now, "replaced", "by a release from quarantine", holder.series_instance_uid, item, person
                )
            _enter(session, arrival, series_id, holder)
            _note(session, now, "released", item.reason, item.series_instance_uid, item, person)
        touched = {items[0].series_instance_uid, *(holder.series_instance_uid for holder in replaced)}
        scan = items[0].series_instance_uid if any(arrival.header.is_ct_image for arrival in arrivals) else ""
        emptied = tuple(uid for uid in sorted(touched) if not _settle(session, uid, now, gains_images=uid == scan))
        # each folder once: the transaction keeps every other writer waiting
        files.sync(new_names)
    _drop_unused(db, files, old_names)
    return Released(len(items), len(replaced), emptied)


def delete(db: Database, files: Files, items: Sequence[Quarantined], now: datetime, *, person: str = "") -> None:
    """Delete objects in quarantine for good, a hundred in one transaction.

    A file goes before its row, so that no patient's data stay behind unlisted. Raises Permanent when a file cannot be
    deleted, Transient when the database does not take the change.
    """
    for first in range(0, len(items), _DELETED_AT_ONCE):
        with db.session() as session:
            for item in items[first : first + _DELETED_AT_ONCE]:
                _take_out(session, item)
                try:
                    files.remove(item.path)
                except OSError as error:
                    raise Permanent(f"{item.path}: cannot be deleted: {error.strerror or error}") from error
                _note(session, now, "quarantine-deleted", item.reason, item.series_instance_uid, item, person)


def _check_unique(items: Sequence[Quarantined]) -> None:
    uids = [item.sop_instance_uid for item in items]
    repeated = next((uid for uid in uids if uids.count(uid) > 1), None)
    if repeated is not None:
        numbers = ", ".join(str(item.id) for item in items if item.sop_instance_uid == repeated)
        raise Permanent(f"objects {numbers} have one SOP Instance UID, {repeated}: release one of them by its number")


def _read_arrival(files: Files, item: Quarantined) -> Arrival:
    """Read a quarantined file as if it arrived now from its sender."""
    try:
        dataset = dcmread(files.fetch(item.path, item.size), stop_before_pixels=True)
    except DAMAGE as error:
        raise Permanent(f"object {item.id}: its file {item.path} cannot be read: {error}") from error
    # an object that came without them was indexed under derived ones
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
        if not dataset.get(keyword):
            setattr(dataset, keyword, getattr(item, _COLUMNS[keyword]))
    header = InstanceHeader.from_dataset(dataset)
    stored = StoredFile(header.file_name(item.sha256), item.size, item.sha256)
    return Arrival(header, stored, item.received_at, item.calling_ae)


def _find_holder(session: Session, item: Quarantined) -> _Holder | None:
    found = session.execute(
        select(InstanceRow, SeriesRow.series_instance_uid, SeriesRow.origin, StudyRow.study_instance_uid)
        .join(SeriesRow, InstanceRow.series_id == SeriesRow.id)
        .join(StudyRow, SeriesRow.study_id == StudyRow.id)
        .where(InstanceRow.sop_instance_uid == item.sop_instance_uid)
        .with_for_update(of=InstanceRow)
    ).one_or_none()
    if found is None:
        return None
    row, series_instance_uid, origin, study_instance_uid = found
    if origin == "made":
        raise Permanent(
            f"object {item.id} has the SOP Instance UID of a document that this node made and may still send"
        )
    return _Holder(row, series_instance_uid, study_instance_uid)


def _take_out(session: Session, item: Quarantined) -> None:
    """Remove an object's row. Raises UnknownQuarantined when somebody else has been quicker."""
    taken = session.execute(delete_rows(QuarantineRow).where(QuarantineRow.id == item.id).returning(QuarantineRow.id))
    if taken.one_or_none() is None:
        raise UnknownQuarantined(f"object {item.id} is no longer in quarantine")


def _put_aside(session: Session, files: Files, holder: _Holder) -> None:
    row = holder.row
    path = _name_aside(row)
    removals.withdraw(session, path)
    files.link(row.path, path)
    session.execute(
        insert(QuarantineRow).values(
            sop_instance_uid=row.sop_instance_uid,
            series_instance_uid=holder.series_instance_uid,
            study_instance_uid=holder.study_instance_uid,
            path=path,
            size=row.size,
            sha256=row.sha256,
            reason_code=Contradiction.REPLACED,
            calling_ae=row.calling_ae,
            received_at=row.received_at,
        )
    )


def _name_aside(row: InstanceRow) -> str:
    return f"quarantine/{Path(row.path).name}"


def _enter(session: Session, arrival: Arrival, series_id: int, holder: _Holder | None) -> None:
    values = make_row(arrival, series_id)
    if holder is None:
        insert_instances(session, [values])
    else:
        session.execute(update(InstanceRow).where(InstanceRow.id == holder.row.id).values(values))


def _settle(session: Session, series_instance_uid: str, now: datetime, *, gains_images: bool) -> bool:
    """Count a series' objects anew and let it be scored again; False when none is left.

    A series that was kept because it had no CT image is a scan from its first one on.
    """
    series_id, state, origin = session.execute(
        select(SeriesRow.id, SeriesRow.state, SeriesRow.origin).where(
            SeriesRow.series_instance_uid == series_instance_uid
        )
    ).one()
    count = session.scalar(select(func.count()).select_from(InstanceRow).where(InstanceRow.series_id == series_id))
    session.execute(update(SeriesRow).where(SeriesRow.id == series_id).values(instance_count=count))
    documents.count_hidden(session, {series_id})
    is_scan = state != State.KEPT or (gains_images and origin == "received")
    if is_scan and count:
        lifecycle.return_to_receiving(session, series_instance_uid, now)
    elif is_scan:
        lifecycle.note_empty(session, series_instance_uid, now)
    return bool(count)


def _drop_unused(db: Database, files: Files, names: Iterable[str]) -> None:
    """Remove names that no row uses; inside a transaction, so that nobody begins to use one meanwhile."""
    with db.session() as session:
        for name in names:
            used = select(InstanceRow.id).where(InstanceRow.path == name)
            aside = select(QuarantineRow.id).where(QuarantineRow.path == name)
            if session.scalar(used.union_all(aside).limit(1)) is None:
                files.remove(name)


def _note(
    session: Session, now: datetime, kind: str, text: str, series_instance_uid: str, item: Quarantined, person: str
) -> None:
    audit.record(
        session,
        now,
        kind,
        text,
        series_instance_uid=series_instance_uid,
        sop_instance_uid=item.sop_instance_uid,
        peer_ae=item.calling_ae,
        person=person,
    )

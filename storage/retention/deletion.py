"""Deletion by the rules: one series in one transaction, in which every condition is checked once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from storage.database import audit
from storage.database.engine import Database
from storage.database.lifecycle_rows import DocumentRow
from storage.database.models import InstanceRow, QuarantineRow, SeriesRow
from storage.retention.holds import is_asked
from storage.retention.rules import YOUNGEST, Kind, Policy
from storage.retention.selection import Candidate, match_rejected, select_due
from storage.retention.series_rows import delete_objects, delete_result, delete_series, list_document_series
from storage.series import documents, removals
from storage.series.removals import Freed

_QUARANTINED_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a deletion takes with it: series (0 or 1), objects and their bytes."""

    series: int = 0
    objects: int = 0
    bytes: int = 0


def delete_due(db: Database, candidate: Candidate, policy: Policy, now: datetime, *, age: timedelta) -> Deleted:
    """Delete what a rule selected; nothing when the series has changed since, or somebody waits for a promise of it.

    The files are noted, and removed by `storage.series.removals`. Raises Transient.
    """
    with db.session() as session:
        due = select_due(candidate.kind, policy, now, age=age).where(SeriesRow.id == candidate.series_id)
        if session.scalar(due.with_for_update(of=SeriesRow)) is None or is_asked(session, candidate.series_id):
            return Deleted()
        freed = _DELETE[candidate.kind](session, candidate, now - max(age, YOUNGEST), now)
        text = f"{candidate.kind}: {freed.files} objects, {freed.bytes} bytes, untouched for {_count_days(age)}"
        audit.record(session, now, "deleted", text, series_instance_uid=candidate.series_instance_uid)
        return Deleted(1, freed.files, freed.bytes)


def delete_quarantined(db: Database, now: datetime, *, age: timedelta) -> Deleted:
    """Delete objects that lie in quarantine for longer than `age`, a batch of them; nothing when none does."""
    old = (
        select(QuarantineRow.id)
        .where(QuarantineRow.received_at < now - max(age, YOUNGEST))
        .order_by(QuarantineRow.received_at, QuarantineRow.id)
        .limit(_QUARANTINED_AT_ONCE)
    )
    with db.session() as session:
        ids = session.scalars(old).all()
        if not ids:
            return Deleted()
        freed = removals.note_quarantined(session, ids, now)
        gone = session.scalars(
            delete(QuarantineRow).where(QuarantineRow.id.in_(ids)).returning(QuarantineRow.series_instance_uid)
        )
        for uid in sorted(set(gone)):
            text = f"quarantine, older than {_count_days(age)}"
            audit.record(session, now, "deleted", text, series_instance_uid=uid)
        return Deleted(0, freed.files, freed.bytes)


def empty_series(session: Session, series_id: int, now: datetime) -> Freed:
    """Delete the objects of a series (ID of its row) and keep what is known of it."""
    freed = removals.note_series(session, series_id, now)
    delete_objects(session, series_id)
    session.execute(
        update(SeriesRow)
        .where(SeriesRow.id == series_id)
        .values(
            instance_count=0,
            hidden_count=0,
            deleted_count=SeriesRow.deleted_count + freed.files,
            images_deleted_at=now,
            promised_at=None,
        )
    )
    return freed


def drop_documents(session: Session, series_id: int, now: datetime) -> Freed:
    """Delete a series (ID of its row) of documents that were made here; the result stays."""
    objects = select(InstanceRow.sop_instance_uid).where(InstanceRow.series_id == series_id)
    session.execute(delete(DocumentRow).where(DocumentRow.sop_instance_uid.in_(objects)))
    freed = removals.note_series(session, series_id, now)
    delete_objects(session, series_id)
    delete_series(session, series_id)
    return freed


def drop_series(
    session: Session, series_id: int, series_instance_uid: str, now: datetime, *, with_rejections: bool = False
) -> Freed:
    """Delete a series (ID of its row) with everything that was made of it."""
    made = [drop_documents(session, one, now) for one in list_document_series(session, series_instance_uid)]
    own = removals.note_series(session, series_id, now)
    delete_objects(session, series_id)
    delete_result(session, series_instance_uid, with_rejections=with_rejections)
    delete_series(session, series_id)
    return Freed(own.files + sum(one.files for one in made), own.bytes + sum(one.bytes for one in made))


def _count_days(age: timedelta) -> str:
    days = max(age, YOUNGEST).days
    return f"{days} day{'s' if days > 1 else ''}"


def _empty(session: Session, candidate: Candidate, before: datetime, now: datetime) -> Freed:  # noqa: ARG001
    return empty_series(session, candidate.series_id, now)


def _drop(session: Session, candidate: Candidate, before: datetime, now: datetime) -> Freed:  # noqa: ARG001
    return drop_series(session, candidate.series_id, candidate.series_instance_uid, now)


def _drop_made(session: Session, candidate: Candidate, before: datetime, now: datetime) -> Freed:  # noqa: ARG001
    return drop_documents(session, candidate.series_id, now)


def _drop_rejected(session: Session, candidate: Candidate, before: datetime, now: datetime) -> Freed:
    """Delete the rejected objects of a series, which stay out if they come again."""
    old = select(InstanceRow.id).where(InstanceRow.series_id == candidate.series_id, match_rejected(before))
    ids = session.scalars(old).all()
    freed = removals.note_instances(session, ids, now)
    session.execute(delete(InstanceRow).where(InstanceRow.id.in_(ids)))
    left = select(func.count()).where(InstanceRow.series_id == candidate.series_id).scalar_subquery()
    session.execute(
        update(SeriesRow)
        .where(SeriesRow.id == candidate.series_id)
        .values(instance_count=left, deleted_count=SeriesRow.deleted_count + len(ids))
    )
    documents.count_hidden(session, {candidate.series_id})
    return freed


_DELETE: Final[dict[Kind, Callable[[Session, Candidate, datetime, datetime], Freed]]] = {
    Kind.IMAGES: _empty,
    Kind.NOT_SCORABLE: _empty,
    Kind.KEPT: _drop,
    Kind.DOCUMENTS: _drop_made,
    Kind.RESULTS: _drop,
    Kind.REJECTED: _drop_rejected,
}

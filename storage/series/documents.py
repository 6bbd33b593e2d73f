"""The documents that this node made, by the version of the series: a later version supersedes those before it."""

from __future__ import annotations

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from storage.database.engine import Database
from storage.database.lifecycle_rows import DocumentRow
from storage.database.models import InstanceRow, ResultRow, SeriesRow
from storage.database.races import repeat_lost


def note(db: Database, sop_instance_uid: str, series_instance_uid: str, version: int) -> None:
    """Note which version of a series a stored document was made of; one that comes too late is superseded at once."""
    repeat_lost(lambda: _note(db, sop_instance_uid, series_instance_uid, version))


def _note(db: Database, sop_instance_uid: str, series_instance_uid: str, version: int) -> None:
    with db.session() as session:
        known = select(DocumentRow.id).where(DocumentRow.sop_instance_uid == sop_instance_uid)
        if session.scalar(known) is not None:
            return
        session.execute(
            insert(DocumentRow).values(
                sop_instance_uid=sop_instance_uid, series_instance_uid=series_instance_uid, version=version
            )
        )
        reported = select(func.max(ResultRow.version)).where(
            ResultRow.series_instance_uid == series_instance_uid, ResultRow.sr_sop_instance_uid != ""
        )
        if (latest := session.scalar(reported)) is not None and latest > version:
            supersede(session, series_instance_uid, before=latest)


def supersede(session: Session, series_instance_uid: str, *, before: int | None = None) -> None:
    """Hide the documents of versions before `before` in the caller's transaction; without it, of every version."""
    documents = select(DocumentRow.sop_instance_uid).where(DocumentRow.series_instance_uid == series_instance_uid)
    if before is not None:
        documents = documents.where(DocumentRow.version < before)
    hidden = session.scalars(
        update(InstanceRow)
        .where(InstanceRow.sop_instance_uid.in_(documents), InstanceRow.superseded.is_(False))
        .values(superseded=True)
        .returning(InstanceRow.series_id)
    )
    count_hidden(session, set(hidden))


def count_hidden(session: Session, series_ids: set[int]) -> None:
    """Count anew the objects of these series (IDs of their rows) that are superseded or rejected."""
    hidden = (
        select(func.count())
        .select_from(InstanceRow)
        .where(InstanceRow.series_id == SeriesRow.id, InstanceRow.superseded | InstanceRow.rejected)
        .correlate(SeriesRow)
        .scalar_subquery()
    )
    for series_id in sorted(series_ids):
        session.execute(update(SeriesRow).where(SeriesRow.id == series_id).values(hidden_count=hidden))

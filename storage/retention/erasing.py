"""Erasure on request: everything of series, whatever their state, named by their UIDs or by their patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, delete, func, or_, select
from sqlalchemy.orm import Session

from storage.database import audit
from storage.database.engine import Database
from storage.database.lifecycle_rows import DocumentRow
from storage.database.models import DeliveryRow, InstanceRow, QuarantineRow, ResultRow, SeriesRow, StudyRow
from storage.database.review_rows import ReviewRow
from storage.database.validation_rows import ReadingRow
from storage.outbox.deliveries import DeliveryState
from storage.retention.deletion import Deleted, drop_documents, drop_series, empty_series
from storage.retention.holds import is_asked
from storage.retention.series_rows import delete_result
from storage.reviews.reviews import ReviewState
from storage.series import removals
from storage.series.states import State

_IN_HAND: Final = (State.RECEIVING, State.COMPLETE, State.SCORING)
_OWED: Final = (DeliveryState.PENDING, DeliveryState.SENDING)


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything of a series that is here; `state` is "" for one that lies in quarantine as a whole.

    `made` counts the objects that this node made of it. `in_hand` says in words what is going on with it now.
    """

    series_instance_uid: str
    study_instance_uid: str
    state: str
    modality: str
    objects: int
    made: int
    quarantined: int
    results: int
    reviews: int
    readings: int
    deliveries: int
    in_hand: tuple[str, ...] = field(default=())


def find_wholes(
    db: Database,
    *,
    series: Sequence[str] = (),
    studies: Sequence[str] = (),
    patient_id: str | None = None,
    issuer: str | None = None,
) -> list[Whole]:
    """Find the series with these UIDs, of these studies, or of a patient (of an issuer if given), received or aside.

    What this node made is found with the series that it was made of, and alone only where that is gone. Objects in
    quarantine are found by their series or study: their patient stands in their files alone.
    """
    chosen: list[ColumnElement[bool]] = [
        SeriesRow.series_instance_uid.in_(series),
        StudyRow.study_instance_uid.in_(studies),
    ]
    if patient_id is not None:
        person = StudyRow.patient_id == patient_id
        chosen.append(person if issuer is None else person & (StudyRow.issuer_of_patient_id == issuer))
    known = select(SeriesRow).join(StudyRow).where(or_(*chosen))
    with db.reading() as session:
        rows = session.scalars(known.order_by(SeriesRow.id)).all()
        found = {row.series_instance_uid: row for row in rows}
        of_studies = [session.get_one(StudyRow, key).study_instance_uid for key in {row.study_id for row in rows}]
        wholes = [
            _describe(session, row) for row in rows if row.origin != "made" or not _find_source(session, row, found)
        ]
        aside = select(QuarantineRow.series_instance_uid, QuarantineRow.study_instance_uid).distinct()
        wanted_studies = [*studies, *(of_studies if patient_id is not None else ())]
        aside = aside.where(
            or_(QuarantineRow.series_instance_uid.in_(series), QuarantineRow.study_instance_uid.in_(wanted_studies))
        )
        for uid, study in session.execute(aside):
            if uid not in found:
                count = _count(session, select(QuarantineRow.id).where(QuarantineRow.series_instance_uid == uid))
                wholes.append(Whole(uid, study, "", "", 0, 0, count, 0, 0, 0, 0))
    return wholes


def erase(
    db: Database, series_instance_uid: str, now: datetime, *, keep_result: bool = False, person: str = ""
) -> Deleted:
    """Erase a series in one transaction: objects, quarantine, documents, result, reviews, readings, deliveries.

    With `keep_result` the images alone and what lies in quarantine; the result and its documents stay. Work that is in
    hand finds the series gone, and ends. The audit log keeps its UIDs. The files are noted, and removed by
    `storage.series.removals`. Raises Transient.
    """
    with db.session() as session:
        row = session.scalar(
            select(SeriesRow).where(SeriesRow.series_instance_uid == series_instance_uid).with_for_update()
        )
        aside = session.scalars(
            select(QuarantineRow.id).where(QuarantineRow.series_instance_uid == series_instance_uid)
        ).all()
        freed = [removals.note_quarantined(session, aside, now)]
        session.execute(delete(QuarantineRow).where(QuarantineRow.id.in_(aside)))
        if row is None:
            delete_result(session, series_instance_uid, with_rejections=True)
        elif keep_result:
            freed.append(empty_series(session, row.id, now))
        elif row.origin == "made":
            session.execute(
                delete(DeliveryRow).where(
                    DeliveryRow.sop_instance_uid.in_(
                        select(InstanceRow.sop_instance_uid).where(InstanceRow.series_id == row.id)
                    )
                )
            )
            freed.append(drop_documents(session, row.id, now))
        else:
            freed.append(drop_series(session, row.id, series_instance_uid, now, with_rejections=True))
        objects, size = sum(one.files for one in freed), sum(one.bytes for one in freed)
        what = "images on request" if keep_result else "everything on request"
        audit.record(
            session,
            now,
            "erased",
            f"{what}: {objects} objects, {size} bytes",
            series_instance_uid=series_instance_uid,
            person=person,
        )
        return Deleted(0 if row is None else 1, objects, size)


def _find_source(session: Session, row: SeriesRow, among: Iterable[str]) -> bool:
    """Return whether a series of documents belongs to one of those `among` which it is looked for."""
    objects = select(InstanceRow.sop_instance_uid).where(InstanceRow.series_id == row.id)
    sources = select(DocumentRow.series_instance_uid).where(DocumentRow.sop_instance_uid.in_(objects)).distinct()
    return not set(session.scalars(sources)).isdisjoint(among)


def _describe(session: Session, row: SeriesRow) -> Whole:
    uid = row.series_instance_uid
    made = select(InstanceRow.id).join(DocumentRow, DocumentRow.sop_instance_uid == InstanceRow.sop_instance_uid)
    deliveries = select(DeliveryRow.id).where(DeliveryRow.series_instance_uid == uid)
    return Whole(
        series_instance_uid=uid,
        study_instance_uid=session.get_one(StudyRow, row.study_id).study_instance_uid,
        state=row.state,
        modality=row.modality,
        objects=row.instance_count,
        made=_count(session, made.where(DocumentRow.series_instance_uid == uid)),
        quarantined=_count(session, select(QuarantineRow.id).where(QuarantineRow.series_instance_uid == uid)),
        results=_count(session, select(ResultRow.id).where(ResultRow.series_instance_uid == uid)),
        reviews=_count(session, select(ReviewRow.id).where(ReviewRow.series_instance_uid == uid)),
        readings=_count(session, select(ReadingRow.id).where(ReadingRow.series_instance_uid == uid)),
        deliveries=_count(session, deliveries),
        in_hand=tuple(_list_in_hand(session, row, deliveries)),
    )


def _list_in_hand(session: Session, row: SeriesRow, deliveries: Select[int]) -> list[str]:
    said = [f"it is {row.state}"] if row.state in _IN_HAND else []
    owed = _count(session, deliveries.where(DeliveryRow.state.in_(_OWED)))
    if owed:
        said.append(f"{owed} deliveries are still to be sent")
    open_review = select(ReviewRow.id).where(
        ReviewRow.series_instance_uid == row.series_instance_uid, ReviewRow.state == ReviewState.OPEN
    )
    if _count(session, open_review):
        said.append("a reader is reviewing it")
    if is_asked(session, row.id):
        said.append("a peer waits to be told that it is kept (Storage Commitment)")
    return said


def _count(session: Session, query: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0

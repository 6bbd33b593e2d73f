"""Obeying a rejection note, and taking that back (IHE RAD TF-3 4.66).

The objects stay on disk and in the index, where neither the scoring nor a query sees them. A series that loses or
regains an image returns to receiving: it is scored with the images that are left, or the reason says that none is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import exists, insert, select, update
from sqlalchemy.orm import Session

from config.errors import Permanent
from dicom.sop_classes import IMAGE_STORAGE
from storage.database import audit
from storage.database.engine import Database
from storage.database.lifecycle_rows import RejectionRow
from storage.database.models import InstanceRow, SeriesRow, StudyRow
from storage.series import documents, lifecycle, slices
from storage.series.rejections import RETENTION, Reference, RejectionNote, get_person, in_force, is_other_person
from storage.series.states import State, UnknownSeries

_AT_ONCE: Final = 500
"""UIDs in one statement; databases bound the number of parameters."""


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What a note did: objects that it names for the first time, objects that it took out, series that lost an image.

    `contradiction` says what is wrong with the note, for the log; nothing was done then.
    """

    named: int = 0
    taken_out: int = 0
    series: tuple[str, ...] = ()
    contradiction: str = ""


def obey(
    db: Database, note: RejectionNote, now: datetime, *, withdraw: Callable[[Session, str, datetime], None]
) -> Obeyed:
    """Take the objects out that a note names, now or when they arrive; once this returns, that is durable.

    `withdraw` is called in the transaction for each series that loses an image: nothing more is sent of its result.
    What the same note said before is not repeated, so that a rejection that an operator lifted stays lifted. A note
    that contradicts the index (another study, series or patient) does nothing.
    """
    with db.session() as session:
        references = tuple(item for item in note.references if item.study_instance_uid == note.study_instance_uid)
        contradiction = _find_contradiction(session, note, references)
        if contradiction:
            return Obeyed(contradiction=contradiction)
        fresh = _list_fresh(session, note, references)
        _keep(session, note, fresh, now)
        taken = _hide(session, [item.sop_instance_uid for item in fresh])
        touched = []
        for series_id, (objects, images) in sorted(taken.items()):
            text = f"{objects} object{'s' if objects > 1 else ''}, {note.title}, note {note.sop_instance_uid}"
            series_instance_uid = _change(session, series_id, now, "rejected", text, note.peer_ae, images=images)
            if images:
                withdraw(session, series_instance_uid, now)
                if not slices.count_images(session, series_instance_uid):
                    documents.supersede(session, series_instance_uid)
                touched.append(series_instance_uid)
        return Obeyed(len(fresh), sum(objects for objects, _ in taken.values()), tuple(touched))


def restore(db: Database, series_instance_uid: str, now: datetime, *, person: str = "") -> int:
    """Take the rejected objects of a series back, on an operator's word, and return their number.

    Raises UnknownSeries, or Permanent when none is rejected.
    """
    with db.session() as session:
        series_id = session.scalar(select(SeriesRow.id).where(SeriesRow.series_instance_uid == series_instance_uid))
        if series_id is None:
            raise UnknownSeries(series_instance_uid)
        query = select(InstanceRow.sop_instance_uid).where(InstanceRow.series_id == series_id, InstanceRow.rejected)
        uids = list(session.scalars(query))
        if not uids:
            raise Permanent(f"series {series_instance_uid}: none of its objects is rejected")
        _lift(session, uids, now)
        _show(session, series_id, uids, now, person)
        return len(uids)


def accept_again(session: Session, sop_instance_uid: str, now: datetime) -> None:
    """Take an object back that arrives again after its data retention had expired (IHE RAD TF-3 4.66.4.4.3).

    One that was rejected for another reason stays out.
    """
    row = session.execute(
        select(InstanceRow.series_id).where(InstanceRow.sop_instance_uid == sop_instance_uid, InstanceRow.rejected)
    ).one_or_none()
    other = exists().where(
        RejectionRow.sop_instance_uid == sop_instance_uid, RejectionRow.title != RETENTION, in_force()
    )
    if row is not None and not session.scalar(select(other)):
        _lift(session, [sop_instance_uid], now)
        _show(session, row.series_id, [sop_instance_uid], now)


def hide_arrival(session: Session, series_id: int, sop_instance_uid: str) -> None:
    """Take out an object that a note named before it arrived; `series_id` is the ID of its series' row."""
    query = update(InstanceRow).where(InstanceRow.sop_instance_uid == sop_instance_uid)
    session.execute(query.values(rejected=True))
    counted = update(SeriesRow).where(SeriesRow.id == series_id)
    session.execute(counted.values(hidden_count=SeriesRow.hidden_count + 1))


def _find_contradiction(session: Session, note: RejectionNote, references: Sequence[Reference]) -> str:
    if len(references) < len(note.references) and not note.has_copies:
        return "it names objects of another study than its own"
    if not references:
        return "it names no object of its study"
    study = session.scalar(select(StudyRow).where(StudyRow.study_instance_uid == note.study_instance_uid))
    if study is not None and is_other_person(get_person(study), note.person):
        return "its patient is not the patient of its study"
    stated = {item.sop_instance_uid: item for item in references}
    for uids in _batch(stated):
        query = (
            select(InstanceRow.sop_instance_uid, SeriesRow.series_instance_uid, StudyRow.study_instance_uid)
            .join(SeriesRow, InstanceRow.series_id == SeriesRow.id)
            .join(StudyRow, SeriesRow.study_id == StudyRow.id)
            .where(InstanceRow.sop_instance_uid.in_(uids))
        )
        for uid, series_instance_uid, study_instance_uid in session.execute(query):
            if (series_instance_uid, study_instance_uid) != (stated[uid].series_instance_uid, note.study_instance_uid):
                return f"object {uid} lies in another series or study than it says"
    return ""


def _list_fresh(session: Session, note: RejectionNote, references: Iterable[Reference]) -> list[Reference]:
    """List what the note names for the first time; of expired objects only those that are here."""
    stated = {item.sop_instance_uid: item for item in references}
    known: set[str] = set()
    stored: set[str] = set()
    for uids in _batch(stated):
        query = select(RejectionRow.sop_instance_uid).where(
            RejectionRow.note_sop_instance_uid == note.sop_instance_uid, RejectionRow.sop_instance_uid.in_(uids)
        )
        known |= set(session.scalars(query))
        if note.title == RETENTION:
            stored |= set(
                session.scalars(select(InstanceRow.sop_instance_uid).where(InstanceRow.sop_instance_uid.in_(uids)))
            )
    wanted = stored if note.title == RETENTION else stated.keys()
    return [stated[uid] for uid in wanted if uid not in known]


def _keep(session: Session, note: RejectionNote, references: Sequence[Reference], now: datetime) -> None:
    rows = [
        {
            "sop_instance_uid": item.sop_instance_uid,
            "note_sop_instance_uid": note.sop_instance_uid,
            "title": note.title,
            "study_instance_uid": item.study_instance_uid,
            "series_instance_uid": item.series_instance_uid,
            "peer_ae": note.peer_ae,
            "rejected_at": now,
            "lifted_at": None,
        }
        for item in references
    ]
    if rows:
        session.execute(insert(RejectionRow), rows)


def _hide(session: Session, uids: Sequence[str]) -> dict[int, tuple[int, int]]:
    """Mark objects as rejected; return the numbers of objects and of images that were not, by series (row ID)."""
    objects: Counter[int] = Counter()
    images: Counter[int] = Counter()
    for some in _batch(uids):
        hidden = session.execute(
            update(InstanceRow)
            .where(InstanceRow.sop_instance_uid.in_(some), InstanceRow.rejected.is_(False))
            .values(rejected=True)
            .returning(InstanceRow.series_id, InstanceRow.sop_class_uid)
        )
        for series_id, sop_class_uid in hidden:
            objects[series_id] += 1
            images[series_id] += sop_class_uid in IMAGE_STORAGE
    return {series_id: (count, images[series_id]) for series_id, count in objects.items()}


def _lift(session: Session, uids: Sequence[str], now: datetime) -> None:
    for some in _batch(uids):
        query = update(RejectionRow).where(RejectionRow.sop_instance_uid.in_(some), in_force())
        session.execute(query.values(lifted_at=now))


def _show(session: Session, series_id: int, uids: Sequence[str], now: datetime, person: str = "") -> None:
    images = 0
    for some in _batch(uids):
        query = update(InstanceRow).where(InstanceRow.sop_instance_uid.in_(some)).values(rejected=False)
        images += sum(name in IMAGE_STORAGE for name in session.scalars(query.returning(InstanceRow.sop_class_uid)))
    text = f"{len(uids)} object{'s' if len(uids) > 1 else ''}"
    _change(session, series_id, now, "restored", text, images=images, person=person)


def _change(
    session: Session,
    series_id: int,
    now: datetime,
    kind: str,
    text: str,
    peer_ae: str = "",
    *,
    images: int,
    person: str = "",
) -> str:
    """Count what a series hides, note why, and let it be scored again if that concerns images; return its UID."""
    documents.count_hidden(session, {series_id})
    series_instance_uid, state = session.execute(
        select(SeriesRow.series_instance_uid, SeriesRow.state).where(SeriesRow.id == series_id).with_for_update()
    ).one()
    audit.record(session, now, kind, text, series_instance_uid=series_instance_uid, peer_ae=peer_ae, person=person)
    if images and state not in (State.RECEIVING, State.KEPT):
        lifecycle.return_to_receiving(session, series_instance_uid, now)
    return str(series_instance_uid)


def _batch(uids: Iterable[str]) -> Iterator[list[str]]:
    listed = list(uids)
    return (listed[first : first + _AT_ONCE] for first in range(0, len(listed), _AT_ONCE))

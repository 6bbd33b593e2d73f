"""Idempotent registration of objects: a repeated object counts once, different bytes under its UID are quarantined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from config.errors import Rejected, Transient
from dicom import status
from storage.database.engine import Database
from storage.database.models import InstanceRow, SeriesRow, StudyRow
from storage.database.races import repeat_lost
from storage.intake.arrivals import (
    Arrival,
    Origin,
    count_companion,
    count_instance,
    enter_usual,
    insert_instances,
    make_row,
)
from storage.intake.late import begin_scan, note_arrival, take_late
from storage.intake.opening import fill_study, open_series
from storage.intake.quarantine import Holder, compare, find_holder, put_aside
from storage.objects.files import Files
from storage.objects.header import InstanceHeader
from storage.objects.incoming import StoredFile
from storage.series import rejecting, rejections, removals
from storage.series.quarantine import Contradiction
from storage.series.states import State

Outcome = Literal["stored", "duplicate", "conflict"]


@dataclass(frozen=True, slots=True)
class Registered:
    """The outcome of registering an object; `path` is its file, relative to the store.

    For a conflict `reason` says why the object `sop_instance_uid` lies in quarantine, and `held_by` which series
    holds that UID.
    """

    outcome: Outcome
    series_instance_uid: str
    path: str
    late: bool = False
    reason: Contradiction | None = None
    held_by: str = ""
    sop_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A registered object."""

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    series_instance_uid: str
    path: str
    size: int
    sha256: str


def find_instance(db: Database, sop_instance_uid: str) -> Stored | None:
    """Find the object with this SOP Instance UID, or None."""
    query = select(InstanceRow, SeriesRow.series_instance_uid).join(SeriesRow)
    with db.reading() as session:
        match = session.execute(query.where(InstanceRow.sop_instance_uid == sop_instance_uid)).one_or_none()
        if match is None:
            return None
        row, series_instance_uid = match
        return Stored(
            sop_instance_uid,
            row.sop_class_uid,
            row.transfer_syntax_uid,
            series_instance_uid,
            row.path,
            row.size,
            row.sha256,
        )


def register(
    db: Database,
    files: Files,
    header: InstanceHeader,
    stored: StoredFile,
    *,
    now: datetime,
    calling_ae: str = "",
    origin: Origin = "received",
) -> Registered:
    """Register a stored file; once this returns, the row is on the disk and Success may be answered.

    The first CT image of a series puts it into receiving. A new one returns a series that was complete or further to it
    (`late`); what accompanies the images is registered and changes nothing else. Documents made by the node
    (`origin="made"`) are found by queries and never scored; if one is made again with different bytes, the first stays
    and the new file is deleted.

    Raises Rejected (0xA700) when the database refuses the row. The file stays and is used when the object is resent.
    """
    return register_all(db, files, [Arrival(header, stored, now, calling_ae, origin)])[0]


def register_all(db: Database, files: Files, arrivals: Sequence[Arrival]) -> list[Registered]:
    """Register several stored files, each as `register` does: the usual ones in one transaction, then all others.

    Raises Rejected (0xA700) when the database refuses them; those that it took are found when they are sent again.
    """
    usual = enter_usual(db, arrivals)
    others = [arrival for place, arrival in enumerate(arrivals) if place not in usual]
    try:
        answers = iter(repeat_lost(lambda: _register_others(db, files, others)) if others else ())
    except Transient as error:
        raise Rejected(status.OUT_OF_RESOURCES, "the database is busy or full; send again") from error
    return [
        Registered("stored", arrival.header.series_instance_uid, arrival.stored.path)
        if place in usual
        else next(answers)
        for place, arrival in enumerate(arrivals)
    ]


def _register_others(db: Database, files: Files, arrivals: Sequence[Arrival]) -> list[Registered]:
    with db.session() as session:
        return [_register(session, files, arrival) for arrival in arrivals]


def _register_again(session: Session, files: Files, arrival: Arrival, first: Holder) -> Registered:
    """Answer an object whose UID is taken: the same one once more, or another one, which is put aside."""
    stored = arrival.stored
    # our own document that an archive sends back, encoded again or completed, contradicts nothing
    is_ours = "made" in (first.origin, arrival.origin)
    if first.sha256 != stored.sha256 and not is_ours:
        return _put_aside(session, files, arrival, compare(first, arrival), first.series_instance_uid)
    if first.path != stored.path:
        files.remove(stored.path)
    elif first.size != stored.size:
        # the file has just been written anew, with another sender in its meta information
        session.execute(update(InstanceRow).where(InstanceRow.id == first.id).values(size=stored.size))
    rejecting.accept_again(session, arrival.header.sop_instance_uid, arrival.now)
    return Registered("duplicate", first.series_instance_uid, first.path)


def _register(session: Session, files: Files, arrival: Arrival) -> Registered:
    header, stored = arrival.header, arrival.stored
    first = find_holder(session, header.sop_instance_uid)
    if first is not None:
        return _register_again(session, files, arrival, first)

    known = session.execute(
        select(
            SeriesRow.id,
            SeriesRow.state,
            SeriesRow.origin,
            SeriesRow.study_id,
            SeriesRow.images_deleted_at,
            StudyRow.study_instance_uid,
        )
        .join(StudyRow)
        .where(SeriesRow.series_instance_uid == header.series_instance_uid)
        .with_for_update(of=SeriesRow)
    ).one_or_none()
    rejected = arrival.origin == "received" and rejections.is_rejected(session, header)
    is_image = arrival.origin == "received" and header.is_ct_image
    late = accompanies = False
    if known is None:
        series_id = open_series(session, arrival)
    elif known.study_instance_uid != header.study_instance_uid:
        return _put_aside(session, files, arrival, Contradiction.OTHER_STUDY)
    else:
        series_id = known.id
        fill_study(session, known.study_id, header.study)
        is_settled = known.state not in (State.RECEIVING, State.KEPT)
        late = is_image and is_settled and not rejected
        accompanies = (not is_image and known.state != State.KEPT) or (rejected and is_settled)
        if late:
            late = take_late(session, arrival, known.state, has_lost=known.images_deleted_at is not None)
        elif is_image and known.state == State.KEPT and known.origin == "received":
            begin_scan(session, series_id, arrival)
    removals.reclaim(session, files, stored.path)
    insert_instances(session, [make_row(arrival, series_id)])
    if rejected:
        rejecting.hide_arrival(session, series_id, header.sop_instance_uid)
        note_arrival(session, arrival, "rejected", "by a note that came before it")
    if accompanies:
        count_companion(session, series_id)
    else:
        count_instance(session, series_id, arrival)
    return Registered("stored", header.series_instance_uid, stored.path, late)


def _put_aside(
    session: Session, files: Files, arrival: Arrival, reason: Contradiction, held_by: str = ""
) -> Registered:
    header = arrival.header
    path = put_aside(session, files, arrival, reason)
    return Registered(
        "conflict",
        header.series_instance_uid,
        path,
        reason=reason,
        held_by=held_by,
        sop_instance_uid=header.sop_instance_uid,
    )

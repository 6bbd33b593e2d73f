"""Changes of procedure steps, each one short transaction with what it announces of the series (PS3.4 F.7.2).

    create() --> IN PROGRESS --change()--> COMPLETED | DISCONTINUED, after which nothing changes

While a step is in progress, the images that it names are announced, but not as its last word; COMPLETED makes them
that. DISCONTINUED withdraws them, and its series are not scored. Steps of which no series came are kept for
`expectations.KEEP`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config.errors import Permanent
from storage.database import audit
from storage.database.announcement_rows import PerformedSeriesRow, PerformedStepRow, PerformedStudyRow
from storage.database.engine import Database
from storage.database.models import SeriesRow, StudyRow
from storage.series import expectations
from storage.series.expectations import Announcement
from storage.series.reopening import reopen
from storage.series.states import State
from storage.series.steps import Images, Reason, Step, StepState


class KnownStep(Permanent):
    """There is a step with this UID already."""


class UnknownStep(Permanent):
    """No step has this UID."""


class EndedStep(Permanent):
    """The step was completed or discontinued: it may no longer be updated."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What an N-SET changes; `series` is None where it says nothing of them, else all series of the step."""

    state: StepState = StepState.IN_PROGRESS
    ended: str = ""
    series: Images | None = None
    reason: Reason | None = None


def create(db: Database, step: Step, study_instance_uids: Collection[str], series: Images, now: datetime) -> None:
    """Record a step that has begun. Raises KnownStep, and Transient when the database does not take it."""
    values = {
        "sop_instance_uid": step.sop_instance_uid,
        "state": step.state,
        "modality": step.modality,
        "station_ae": step.station_ae,
        "started": step.started,
        "ended": step.ended,
        "reason_code": step.reason.code,
        "reason_scheme": step.reason.scheme,
        "reason_meaning": step.reason.meaning,
        "calling_ae": step.calling_ae,
        "created_at": now,
        "updated_at": now,
    }
    try:
        with db.session() as session:
            _forget_old(session, now)
            query = insert(PerformedStepRow).values(values).returning(PerformedStepRow.id)
            step_id = session.execute(query).scalar_one()
            studies = [{"step_id": step_id, "study_instance_uid": uid} for uid in study_instance_uids]
            if studies:
                session.execute(insert(PerformedStudyRow), studies)
            _name_series(session, step_id, step.sop_instance_uid, series, now)
    except IntegrityError as error:
        raise KnownStep(f"there is a procedure step {step.sop_instance_uid} already") from error


def change(db: Database, sop_instance_uid: str, changes: Changes, now: datetime) -> list[str]:
    """Change a step and return the series being received that it concerns; none while it is in progress.

    Raises UnknownStep and EndedStep, and Transient when the database does not take it.
    """
    with db.session() as session:
        row = session.scalar(
            select(PerformedStepRow).where(PerformedStepRow.sop_instance_uid == sop_instance_uid).with_for_update()
        )
        if row is None:
            raise UnknownStep(f"there is no procedure step {sop_instance_uid}")
        if row.state != StepState.IN_PROGRESS:
            raise EndedStep(f"the procedure step {sop_instance_uid} is {row.state}")
        row.state, row.ended, row.updated_at = changes.state, changes.ended or row.ended, now
        if changes.reason is not None:
            row.reason_code, row.reason_scheme = changes.reason.code, changes.reason.scheme
            row.reason_meaning = changes.reason.meaning
        session.flush()
        if changes.series is not None:
            _name_series(session, row.id, sop_instance_uid, changes.series, now)
        if changes.state == StepState.IN_PROGRESS:
            return []
        return _end(session, row, now)


def overrule(db: Database, series_instance_uid: str) -> None:
    """Let a series be scored on an operator's word although its step was discontinued."""
    mine = PerformedSeriesRow.series_instance_uid == series_instance_uid
    with db.session() as session:
        session.execute(update(PerformedSeriesRow).where(mine).values(overruled=True))


def _name_series(session: Session, step_id: int, sop_instance_uid: str, series: Images, now: datetime) -> None:
    """Put these series in the place of those that the step named, and announce their images for the time being."""
    session.execute(delete(PerformedSeriesRow).where(PerformedSeriesRow.step_id == step_id))
    expectations.withdraw(session, "mpps", sop_instance_uid)
    for series_instance_uid, images in series.items():
        values = {"step_id": step_id, "series_instance_uid": series_instance_uid, "overruled": False}
        session.execute(insert(PerformedSeriesRow).values(values))
        if images:
            announcement = Announcement(series_instance_uid, "mpps", sop_instance_uid, images, final=False)
            expectations.announce(session, announcement, now)


def _end(session: Session, row: PerformedStepRow, now: datetime) -> list[str]:
    """Make the announcements of a step final, or withdraw them; return the series being received that it concerns."""
    named = session.scalars(
        select(PerformedSeriesRow.series_instance_uid).where(PerformedSeriesRow.step_id == row.id)
    ).all()
    if row.state == StepState.COMPLETED:
        expectations.finish(session, "mpps", row.sop_instance_uid, now)
    else:
        expectations.withdraw(session, "mpps", row.sop_instance_uid)
        for series_instance_uid in named:
            reopen(session, series_instance_uid, now)
    for series_instance_uid in named:
        audit.record(
            session,
            now,
            "procedure-step",
            f"{row.state} {row.sop_instance_uid}",
            series_instance_uid=series_instance_uid,
            peer_ae=row.calling_ae,
        )
    studies = select(PerformedStudyRow.study_instance_uid).where(PerformedStudyRow.step_id == row.id)
    concerned = (
        select(SeriesRow.series_instance_uid)
        .join(StudyRow)
        .where(
            SeriesRow.state == State.RECEIVING,
            or_(SeriesRow.series_instance_uid.in_(named), StudyRow.study_instance_uid.in_(studies)),
        )
        .order_by(SeriesRow.id)
    )
    return list(session.scalars(concerned))


def _forget_old(session: Session, now: datetime) -> None:
    """Forget announcements and steps that are old, steps of series that are here excepted."""
    limit = now - expectations.KEEP
    expectations.forget_before(session, limit)
    here = exists().where(
        PerformedSeriesRow.step_id == PerformedStepRow.id,
        SeriesRow.series_instance_uid == PerformedSeriesRow.series_instance_uid,
    )
    old = session.scalars(select(PerformedStepRow.id).where(PerformedStepRow.updated_at < limit, ~here)).all()
    if old:
        for table in (PerformedSeriesRow, PerformedStudyRow):
            session.execute(delete(table).where(table.step_id.in_(old)))
        session.execute(delete(PerformedStepRow).where(PerformedStepRow.id.in_(old)))

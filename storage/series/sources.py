"""What the peer that sent a series says of it, and which series it is still to be asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, case, insert, or_, select, update

from storage.database.engine import Database
from storage.database.models import SeriesRow, StudyRow
from storage.database.source_rows import SourceCountRow
from storage.series.states import State

MOST_ASKS: Final = 2
"""Questions about a series, unless more of it comes meanwhile."""
_MOST_QUESTIONS: Final = 100


@dataclass(frozen=True, slots=True)
class Question:
    """A series to ask about: `stored` objects are here, and it was asked about `asks` times since the last one came."""

    study_instance_uid: str
    series_instance_uid: str
    stored: int
    asks: int


@dataclass(frozen=True, slots=True)
class SourceCount:
    """The last answer: the number of objects at the peer `peer`; None with a `remark` that says why there is none."""

    peer: str
    count: int | None
    remark: str
    asked_at: datetime


def list_questions(db: Database, calling_ae: str, quiet_since: datetime) -> list[Question]:
    """List the series of a sender of which nothing has come since `quiet_since`, and that it was not asked about then.

    The longest quiet come first. Raises Transient.
    """
    asked = SourceCountRow
    query = (
        select(
            StudyRow.study_instance_uid,
            SeriesRow.series_instance_uid,
            SeriesRow.instance_count,
            case((asked.asked_at >= SeriesRow.last_received_at, asked.asks), else_=0),
        )
        .join(StudyRow, SeriesRow.study_id == StudyRow.id)
        .outerjoin(asked, asked.series_instance_uid == SeriesRow.series_instance_uid)
        .where(
            SeriesRow.state == State.RECEIVING,
            SeriesRow.calling_ae == calling_ae,
            SeriesRow.last_received_at <= quiet_since,
            or_(
                asked.id.is_(None),
                asked.asked_at < SeriesRow.last_received_at,
                and_(asked.asks < MOST_ASKS, asked.asked_at <= quiet_since),
            ),
        )
        .order_by(SeriesRow.last_received_at)
        .limit(_MOST_QUESTIONS)
    )
    with db.reading() as session:
        return [Question(*row) for row in session.execute(query)]


def note_answer(db: Database, question: Question, peer: str, count: int | None, remark: str, now: datetime) -> None:
    """Record what a peer answered, or why it gave no number. Raises Transient."""
    uid = question.series_instance_uid
    values = {"peer": peer, "count": count, "remark": remark, "asks": question.asks + 1, "asked_at": now}
    with db.session() as session:
        known = update(SourceCountRow).where(SourceCountRow.series_instance_uid == uid).values(**values)
        if session.execute(known.returning(SourceCountRow.id)).one_or_none() is None:
            session.execute(insert(SourceCountRow).values(series_instance_uid=uid, **values))


def find_answer(db: Database, series_instance_uid: str) -> SourceCount | None:
    """Find the last answer about a series. Raises Transient."""
    query = select(SourceCountRow).where(SourceCountRow.series_instance_uid == series_instance_uid)
    with db.reading() as session:
        row = session.scalars(query).one_or_none()
        return None if row is None else SourceCount(row.peer, row.count, row.remark, row.asked_at)

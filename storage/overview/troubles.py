"""What may need a person: counts and times, each found by an index or among few rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import distinct, func, select

from storage.database.audit import Event, to_event
from storage.database.columns import UtcDateTime
from storage.database.engine import Database
from storage.database.models import AuditRow, SeriesRow
from storage.series import refusals
from storage.series.states import State

TROUBLE_KINDS: Final = (
    "not_scorable",
    "undeliverable",
    "abandoned",
    "quarantined",
    "delivery-dead",
    "delivery-uncommitted",
    refusals.KIND,
)
_LOOK_BACK: Final = 20_000
"""Events among which the last trouble is looked for."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Series of which no score could be made for one reason, with the time of the latest."""

    reason_code: str
    count: int
    latest: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """Results that wait for a reader; `is_usual` is whether any result here was ever signed."""

    wants_review: int
    unsigned: int
    is_usual: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """Series that are being received: how many, since when the first, and how many miss something."""

    count: int
    oldest: datetime | None
    missing: int


def list_refused(db: Database, since: datetime) -> list[Refused]:
    """List the reasons of series that became not scorable since then, the most frequent first."""
    number = func.count()
    query = (
        select(SeriesRow.reason_code, number, func.max(SeriesRow.updated_at, type_=UtcDateTime()))
        .where(SeriesRow.state == State.NOT_SCORABLE, SeriesRow.updated_at >= since)
        .group_by(SeriesRow.reason_code)
        .order_by(number.desc(), SeriesRow.reason_code)
    )
    with db.reading() as session:
        return [Refused(*row) for row in session.execute(query)]


def count_reading(db: Database, since: datetime) -> Reading:
    """Count the results of series received since then that wait for a reader."""
    recent = select(func.count()).select_from(SeriesRow).where(SeriesRow.last_received_at >= since)
    unsigned = SeriesRow.reader == ""
    with db.reading() as session:
        return Reading(
            session.scalar(recent.where(SeriesRow.wants_review.is_(True), unsigned)) or 0,
            session.scalar(recent.where(SeriesRow.category == ">400", unsigned)) or 0,
            session.scalar(select(SeriesRow.id).where(SeriesRow.reader != "").limit(1)) is not None,
        )


def count_waiting(db: Database) -> Waiting:
    """Count the series that are being received."""
    query = select(
        func.count(),
        func.min(SeriesRow.first_received_at, type_=UtcDateTime()),
        func.count().filter(SeriesRow.wait_reason != ""),
    ).where(SeriesRow.state == State.RECEIVING, SeriesRow.instance_count > SeriesRow.hidden_count)
    with db.reading() as session:
        return Waiting(*session.execute(query).one())


def count_refused_images(db: Database, since: datetime) -> tuple[int, int]:
    """Count the images that were refused at receipt since then, and their series."""
    query = select(func.count(), func.count(distinct(AuditRow.series_instance_uid))).where(
        AuditRow.at >= since, AuditRow.kind == refusals.KIND
    )
    with db.reading() as session:
        images, series = session.execute(query).one()
        return images, series


def find_last_trouble(db: Database) -> Event | None:
    """Find the last event that told of a trouble; None when there is none among the latest."""
    newest = select(func.max(AuditRow.id)).scalar_subquery()
    query = (
        select(AuditRow)
        .where(AuditRow.kind.in_(TROUBLE_KINDS), AuditRow.id > newest - _LOOK_BACK)
        .order_by(AuditRow.id.desc())
        .limit(1)
    )
    with db.reading() as session:
        row = session.scalar(query)
        return None if row is None else to_event(row)

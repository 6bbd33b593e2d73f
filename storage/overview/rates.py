"""How much came and went of late, and who sent it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from storage.database.columns import UtcDateTime
from storage.database.engine import Database
from storage.database.models import AuditRow, SeriesRow

KINDS = ("complete", "scored", "not_scorable", "delivery-delivered", "delivery-dead")


@dataclass(frozen=True, slots=True)
class Sender:
    """An AE title that sent series: how many, and when the last object came."""

    ae_title: str
    series: int
    latest: datetime


@dataclass(frozen=True, slots=True)
class Stock:
    """All that is here."""

    series: int
    objects: int


def count_events(db: Database, since: datetime) -> dict[str, int]:
    """Count what happened to series since then, by kind of event."""
    query = (
        select(AuditRow.kind, func.count())
        .where(AuditRow.at >= since, AuditRow.kind.in_(KINDS))
        .group_by(AuditRow.kind)
    )
    with db.reading() as session:
        counted = {str(kind): count for kind, count in session.execute(query)}
    return {kind: counted.get(kind, 0) for kind in KINDS}


def list_senders(db: Database) -> dict[str, Sender]:
    """List who sent series that are here, by AE title."""
    query = (
        select(SeriesRow.calling_ae, func.count(), func.max(SeriesRow.last_received_at, type_=UtcDateTime()))
        .where(SeriesRow.calling_ae != "")
        .group_by(SeriesRow.calling_ae)
    )
    with db.reading() as session:
        return {row[0]: Sender(*row) for row in session.execute(query)}


def measure_stock(db: Database) -> Stock:
    """Count series and objects."""
    query = select(func.count(), func.coalesce(func.sum(SeriesRow.instance_count), 0))
    with db.reading() as session:
        return Stock(*session.execute(query).one())

"""The tables of validation: readers' values, and the decisions made on them."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from storage.database.columns import Base, Identity, Raw, When, WhenOrNone, Words


class ReadingRow(Base):
    """A reader's Agatston scores of one series; an artery that the reader does not name is NULL.

    Rows are only ever added; one that was recorded by mistake gets `withdrawn_at`. `source` is the file, the report or
    the page that it came from, `read_on` the day of the reading as YYYY-MM-DD, empty where unknown.
    """

    __tablename__ = "readings"
    __table_args__ = (Index(None, "series_instance_uid"), Index(None, "source"))

    id: Mapped[Identity]
    series_instance_uid: Mapped[Raw]
    origin: Mapped[Raw]
    source: Mapped[Raw]
    reader: Mapped[Words]
    read_on: Mapped[Raw]
    total: Mapped[float]
    lm: Mapped[float | None]
    lad: Mapped[float | None]
    lcx: Mapped[float | None]
    rca: Mapped[float | None]
    recorded_at: Mapped[When]
    recorded_by: Mapped[Words]
    withdrawn_at: Mapped[WhenOrNone]


class DecisionRow(Base):
    """A decision to go live, or to take that back: by whom, why, and the figures at that moment as JSON."""

    __tablename__ = "decisions"

    id: Mapped[Identity]
    kind: Mapped[Raw]
    name: Mapped[Words]
    person: Mapped[Words]
    reason: Mapped[Words]
    figures: Mapped[Words]
    decided_at: Mapped[When]

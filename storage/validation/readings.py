"""Readers' Agatston scores of series: added one by one, taken back by their source."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, insert, or_, select, update

from storage.database.engine import Database
from storage.database.models import SeriesRow, StudyRow
from storage.database.validation_rows import ReadingRow
from storage.series.states import State

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Reading:
    """A reader's Agatston scores; an artery without a value is None, an unknown text empty. `read_on` is YYYY-MM-DD."""

    series_instance_uid: str
    origin: str
    source: str
    reader: str
    read_on: str
    total: float
    LM: float | None
    LAD: float | None
    LCX: float | None
    RCA: float | None
    recorded_at: datetime
    recorded_by: str

    @property
    def values(self) -> tuple[float | None, ...]:
        """Total and arteries."""
        return self.total, self.LM, self.LAD, self.LCX, self.RCA


@dataclass(frozen=True, slots=True)
class Source:
    """Where readings came from, how many, and when."""

    source: str
    origin: str
    count: int
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Target:
    """A series that a reading may be of, with its state and the reason of one that was not scored."""

    series_instance_uid: str
    study_instance_uid: str
    accession_number: str
    state: str
    reason_code: str
    version: int


def add(db: Database, readings: Sequence[Reading]) -> None:
    """Record readings in one transaction."""
    if not readings:
        return
    with db.session() as session:
        session.execute(insert(ReadingRow), [_to_columns(reading) for reading in readings])


def list_readings(db: Database, *, series_instance_uids: Collection[str] | None = None) -> list[Reading]:
    """List the readings that count, in the order in which they were recorded, of some series if asked."""
    query = select(ReadingRow).where(ReadingRow.withdrawn_at.is_(None)).order_by(ReadingRow.id)
    with db.reading() as session:
        if series_instance_uids is None:
            return [_to_reading(row) for row in session.scalars(query)]
        return [
            _to_reading(row)
            for part in _split(series_instance_uids)
            for row in session.scalars(query.where(ReadingRow.series_instance_uid.in_(part)))
        ]


def keep_corrected(readings: Iterable[Reading]) -> list[Reading]:
    """Of one series, reader and day keep the reading recorded last, in the place of the first."""
    latest: dict[tuple[str, str, str], Reading] = {}
    for one in readings:
        latest[one.series_instance_uid, one.reader.casefold(), one.read_on] = one
    return list(latest.values())


def list_sources(db: Database) -> list[Source]:
    """List where the readings that count came from, the latest first."""
    latest = func.max(ReadingRow.recorded_at).label("latest")
    query = (
        select(ReadingRow.source, ReadingRow.origin, func.count(), latest, func.max(ReadingRow.recorded_by))
        .where(ReadingRow.withdrawn_at.is_(None))
        .group_by(ReadingRow.source, ReadingRow.origin)
        .order_by(latest.desc())
    )
    with db.reading() as session:
        return [Source(*row) for row in session.execute(query)]


def withdraw(db: Database, source: str, now: datetime) -> int:
    """Take back every reading of a source, and return how many that were."""
    with db.session() as session:
        changed = session.scalars(
            update(ReadingRow)
            .where(ReadingRow.source == source, ReadingRow.withdrawn_at.is_(None))
            .values(withdrawn_at=now)
            .returning(ReadingRow.id)
        )
        return len(changed.all())


def find_targets(db: Database, names: Collection[str]) -> list[Target]:
    """Find the CT series that these names mean: Series or Study Instance UIDs, or accession numbers."""
    query = select(
        SeriesRow.series_instance_uid,
        StudyRow.study_instance_uid,
        StudyRow.accession_number,
        SeriesRow.state,
        SeriesRow.reason_code,
        SeriesRow.version,
    ).join(StudyRow)
    with db.reading() as session:
        return [
            Target(*row)
            for part in _split(names)
            for row in session.execute(
                query.where(
                    SeriesRow.state != State.KEPT,
                    or_(
                        SeriesRow.series_instance_uid.in_(part),
                        StudyRow.study_instance_uid.in_(part),
                        StudyRow.accession_number.in_(part),
                    ),
                )
            )
        ]


def _split(names: Collection[str]) -> Iterator[list[str]]:
    """Split into parts that a statement can hold."""
    every = sorted(set(names))
    for start in range(0, len(every), _AT_ONCE):
        yield every[start : start + _AT_ONCE]


def _to_columns(reading: Reading) -> dict[str, object]:
    return {
        "series_instance_uid": reading.series_instance_uid,
        "origin": reading.origin,
        "source": reading.source,
        "reader": reading.reader,
        "read_on": reading.read_on,
        "total": reading.total,
        "lm": reading.LM,
        "lad": reading.LAD,
        "lcx": reading.LCX,
        "rca": reading.RCA,
        "recorded_at": reading.recorded_at,
        "recorded_by": reading.recorded_by,
        "withdrawn_at": None,
    }


def _to_reading(row: ReadingRow) -> Reading:
    return Reading(
        series_instance_uid=row.series_instance_uid,
        origin=row.origin,
        source=row.source,
        reader=row.reader,
        read_on=row.read_on,
        total=row.total,
        LM=row.lm,
        LAD=row.lad,
        LCX=row.lcx,
        RCA=row.rca,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )

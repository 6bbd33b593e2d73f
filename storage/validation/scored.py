"""What the node itself found, for comparison with readers: results of series, and what was scored month by month."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON, ColumnElement, Select, case, cast, null, select, type_coerce

from storage.database.engine import Database
from storage.database.models import ResultRow, SeriesRow

_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Version:
    """The result of one version of a series; `score_json` is empty where scoring failed before there was a score."""

    series_instance_uid: str
    version: int
    status: str
    score_json: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a series in brief; `category` None without a score, `reason_code` empty with one."""

    series_instance_uid: str
    version: int
    status: str
    category: str | None
    reason_code: str
    scanner: str
    created_at: datetime


def iterate_versions(db: Database, series_instance_uids: Collection[str]) -> Iterator[Version]:
    """Yield every result of these series, by series and version; a few at a time, because each may be large."""
    every = sorted(set(series_instance_uids))
    for start in range(0, len(every), _AT_ONCE):
        query = (
            select(ResultRow.series_instance_uid, ResultRow.version, ResultRow.status, ResultRow.score_json)
            .where(ResultRow.series_instance_uid.in_(every[start : start + _AT_ONCE]))
            .order_by(ResultRow.series_instance_uid, ResultRow.version)
        )
        with db.reading() as session:
            rows = [Version(*row) for row in session.execute(query)]
        yield from rows


def list_outcomes(db: Database, *, since: datetime | None = None) -> list[Outcome]:
    """List what became of each series, by its latest result that no reader has signed, the oldest first."""
    with db.reading() as session:
        score = _score_column(session.get_bind().dialect.name)
        rows = session.execute(_select_outcomes(score, since)).all()
    latest: dict[str, Outcome] = {}
    for uid, version, status, category, reason, maker, model, created_at in rows:
        known = latest.get(uid)
        if known is None or version > known.version:
            scanner = " ".join(filter(None, (maker, model)))
            reason_code = "" if status == "scored" else reason
            latest[uid] = Outcome(uid, version, status, category, reason_code, scanner, created_at)
    return sorted(latest.values(), key=lambda one: (one.created_at, one.series_instance_uid))


def _select_outcomes(score: ColumnElement[Any], since: datetime | None) -> Select[Any]:
    query = (
        select(
            ResultRow.series_instance_uid,
            ResultRow.version,
            ResultRow.status,
            score["category"].as_string(),
            SeriesRow.reason_code,
            SeriesRow.manufacturer,
            SeriesRow.manufacturer_model_name,
            ResultRow.created_at,
        )
        .join(SeriesRow, SeriesRow.series_instance_uid == ResultRow.series_instance_uid)
        .where(score["review"]["reader"].as_string().is_(None))
    )
    return query if since is None else query.where(ResultRow.created_at >= since)


def _score_column(dialect: str) -> ColumnElement[Any]:
    """The stored score as JSON for the database itself: it may be long, and two of its values are wanted."""
    written = case((ResultRow.score_json != "", ResultRow.score_json), else_=null())
    return cast(written, JSON) if dialect == "postgresql" else type_coerce(written, JSON)

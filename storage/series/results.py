"""Scores as JSON, one for each version of a series, and the report of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import Session

from storage.database.engine import Database, writing
from storage.database.models import ResultRow, SeriesRow
from storage.series.summary import summarise


@dataclass(frozen=True, slots=True)
class Report:
    """The identity of a structured report (PS3.3 C.17.2, Predecessor Documents Sequence)."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of scoring one version of a series; `report` is None until it is made, never while it is `held`."""

    series_instance_uid: str
    version: int
    status: str
    score_json: str
    report: Report | None
    created_at: datetime
    held: bool = False


def save(
    where: Database | Session,
    series_instance_uid: str,
    version: int,
    status: str,
    score_json: str,
    *,
    now: datetime,
    held: bool | None = None,
) -> None:
    """Store a version's result, and sum it up in the row of the series; a second one for a version is ignored.

    `held` says whether it is held back; None: where the result before it is, as a correction of what was held is, too.
    """
    with writing(where) as session:
        if session.scalar(_select_version(series_instance_uid, version)) is None:
            session.execute(
                insert(ResultRow).values(
                    series_instance_uid=series_instance_uid,
                    version=version,
                    status=status,
                    score_json=score_json,
                    sr_sop_class_uid="",
                    sr_sop_instance_uid="",
                    sr_series_instance_uid="",
                    created_at=now,
                    held=_is_last_held(session, series_instance_uid) if held is None else held,
                )
            )
            session.execute(
                update(SeriesRow)
                .where(SeriesRow.series_instance_uid == series_instance_uid, SeriesRow.version == version)
                .values(summarise(score_json))
            )


def set_report(where: Database | Session, series_instance_uid: str, version: int, report: Report) -> None:
    """Record which report was made of a version. Raises LookupError when the version has no result."""
    with writing(where) as session:
        result = session.scalar(_select_version(series_instance_uid, version))
        if result is None:
            raise LookupError(f"series {series_instance_uid} has no result for version {version}")
        session.execute(
            update(ResultRow)
            .where(ResultRow.id == result.id)
            .values(
                sr_sop_class_uid=report.sop_class_uid,
                sr_sop_instance_uid=report.sop_instance_uid,
                sr_series_instance_uid=report.series_instance_uid,
            )
        )


def get(db: Database, series_instance_uid: str, version: int | None = None) -> Result | None:
    """Return a version's result, or the latest one; None when there is none."""
    query = (
        select(ResultRow)
        .where(ResultRow.series_instance_uid == series_instance_uid)
        .order_by(ResultRow.version.desc())
        .limit(1)
    )
    if version is not None:
        query = query.where(ResultRow.version == version)
    with db.reading() as session:
        row = session.scalar(query)
        return None if row is None else _to_result(row)


def list_versions(db: Database, series_instance_uid: str) -> list[Result]:
    """List the results of all versions of a series, the latest first."""
    query = select(ResultRow).where(ResultRow.series_instance_uid == series_instance_uid)
    with db.reading() as session:
        return [_to_result(row) for row in session.scalars(query.order_by(ResultRow.version.desc()))]


def find_predecessor(db: Database, series_instance_uid: str, version: int) -> Report | None:
    """Find the latest report of an earlier version, which a new report names as predecessor; None for the first."""
    query = (
        select(ResultRow)
        .where(
            ResultRow.series_instance_uid == series_instance_uid,
            ResultRow.version < version,
            ResultRow.sr_sop_instance_uid != "",
        )
        .order_by(ResultRow.version.desc())
        .limit(1)
    )
    with db.reading() as session:
        row = session.scalar(query)
        return None if row is None else _to_result(row).report


def find_series(db: Database, sr_sop_instance_uid: str) -> str | None:
    """Find the series that a report is about; None for a report that this node did not make."""
    if not sr_sop_instance_uid:
        return None
    with db.reading() as session:
        return session.scalar(
            select(ResultRow.series_instance_uid).where(ResultRow.sr_sop_instance_uid == sr_sop_instance_uid).limit(1)
        )


def _is_last_held(session: Session, series_instance_uid: str) -> bool:
    query = select(ResultRow.held).where(ResultRow.series_instance_uid == series_instance_uid)
    return bool(session.scalar(query.order_by(ResultRow.version.desc()).limit(1)))


def _select_version(series_instance_uid: str, version: int) -> Select[ResultRow]:
    return select(ResultRow).where(ResultRow.series_instance_uid == series_instance_uid, ResultRow.version == version)


def _to_result(row: ResultRow) -> Result:
    report = Report(row.sr_sop_class_uid, row.sr_sop_instance_uid, row.sr_series_instance_uid)
    return Result(
        series_instance_uid=row.series_instance_uid,
        version=row.version,
        status=row.status,
        score_json=row.score_json,
        report=report if row.sr_sop_instance_uid else None,
        created_at=row.created_at,
        held=row.held,
    )

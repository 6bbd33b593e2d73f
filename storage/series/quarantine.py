"""Reading the quarantine: objects that contradict one that was stored before, and why.

`storage.intake.quarantine` puts them there, `storage.intake.release` takes them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select

from config.errors import Permanent
from storage.database.columns import UtcDateTime
from storage.database.engine import Database
from storage.database.models import InstanceRow, QuarantineRow, SeriesRow


class Contradiction(StrEnum):
    """Why an object lies in quarantine, compared with the object that holds its SOP Instance UID."""

    REPEATED_UID = "repeated_uid"
    """Another image of the same series: the sender gave two slices one UID."""
    OTHER_ENCODING = "other_encoding"
    """The same place in the same series, in another transfer syntax."""
    OTHER_BYTES = "other_bytes"
    """The same place in the same series, other header or pixels."""
    OTHER_SERIES = "other_series"
    """The UID is known in another series."""
    OTHER_STUDY = "other_study"
    """Its series is known in another study."""
    REPLACED = "replaced"
    """It held the UID until another object was released."""


class UnknownQuarantined(Permanent):
    """Nothing in quarantine has this number."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An object in quarantine, under the series and study that it claims.

    `path` is relative to the store; `held_by` is the series that holds its SOP Instance UID, "" when none does.
    """

    id: int
    reason: Contradiction
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    held_by: str
    path: str
    size: int
    sha256: str
    calling_ae: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class QuarantinedSeries:
    """The quarantined objects of one series: how many, why, and which series hold their SOP Instance UIDs.

    `known` is False when every object of the series was quarantined, so that the index has no such series.
    """

    series_instance_uid: str
    study_instance_uid: str
    count: int
    reasons: tuple[Contradiction, ...]
    held_by: tuple[str, ...]
    calling_ae: str
    last_received_at: datetime
    known: bool


_HOLDER = (
    select(SeriesRow.series_instance_uid)
    .join(InstanceRow, InstanceRow.series_id == SeriesRow.id)
    .where(InstanceRow.sop_instance_uid == QuarantineRow.sop_instance_uid)
    .correlate(QuarantineRow)
    .scalar_subquery()
)
_KNOWN = (
    select(SeriesRow.id)
    .where(SeriesRow.series_instance_uid == QuarantineRow.series_instance_uid)
    .correlate(QuarantineRow)
    .exists()
)


def list_quarantined(
    db: Database, *, series_instance_uid: str | None = None, limit: int | None = 100
) -> list[Quarantined]:
    """List objects in quarantine, latest received first, of one series if asked."""
    query = select(QuarantineRow, _HOLDER).order_by(QuarantineRow.received_at.desc(), QuarantineRow.id.desc())
    if series_instance_uid is not None:
        query = query.where(QuarantineRow.series_instance_uid == series_instance_uid)
    with db.reading() as session:
        return [_to_quarantined(row, holder) for row, holder in session.execute(query.limit(limit))]


def get_quarantined(db: Database, numbers: Sequence[int]) -> list[Quarantined]:
    """Return the objects with these numbers, in that order. Raises UnknownQuarantined."""
    found = {}
    with db.reading() as session:
        for number in numbers:
            row = session.execute(select(QuarantineRow, _HOLDER).where(QuarantineRow.id == number)).one_or_none()
            if row is None:
                raise UnknownQuarantined(
                    f"nothing in quarantine has the number {number}; `coronode quarantine list` shows all of it"
                )
            found[number] = _to_quarantined(*row)
    return list(found.values())


def count_quarantined(db: Database, series_instance_uid: str | None = None) -> int:
    """Count the objects in quarantine, of one series if asked."""
    query = select(func.count()).select_from(QuarantineRow)
    if series_instance_uid is not None:
        query = query.where(QuarantineRow.series_instance_uid == series_instance_uid)
    with db.reading() as session:
        return session.scalar(query) or 0


def list_quarantined_series(db: Database, *, concerning: str | None = None) -> list[QuarantinedSeries]:
    """List the series that have objects in quarantine, latest received first.

    `concerning` names a series: then its own entry is listed, and those of which it holds SOP Instance UIDs.
    """
    noted = select(
        QuarantineRow.series_instance_uid,
        QuarantineRow.study_instance_uid,
        QuarantineRow.reason_code,
        QuarantineRow.calling_ae,
        QuarantineRow.received_at,
        _HOLDER.label("held_by"),
        _KNOWN.label("known"),
    )
    if concerning is not None:
        noted = noted.where(_concerns(concerning))
    part = noted.subquery()
    latest = func.max(part.c.received_at, type_=UtcDateTime()).label("latest")
    same = (
        part.c.series_instance_uid,
        part.c.study_instance_uid,
        part.c.reason_code,
        part.c.calling_ae,
        part.c.held_by,
        part.c.known,
    )
    query = select(func.count().label("number"), latest, *same).group_by(*same).order_by(latest.desc())
    groups: dict[str, list[Row[Any]]] = {}
    with db.reading() as session:
        for row in session.execute(query):
            groups.setdefault(row.series_instance_uid, []).append(row)
    return [_join(uid, parts) for uid, parts in groups.items()]


def _join(series_instance_uid: str, parts: Sequence[Row[Any]]) -> QuarantinedSeries:
    """Join the groups of one series, the latest first."""
    return QuarantinedSeries(
        series_instance_uid=series_instance_uid,
        study_instance_uid=parts[0].study_instance_uid,
        count=sum(row.number for row in parts),
        reasons=tuple(sorted({Contradiction(row.reason_code) for row in parts})),
        held_by=tuple(sorted({row.held_by for row in parts if row.held_by})),
        calling_ae=parts[0].calling_ae,
        last_received_at=parts[0].latest,
        known=bool(parts[0].known),
    )


def _concerns(series_instance_uid: str) -> ColumnElement[bool]:
    held = (
        select(InstanceRow.sop_instance_uid).join(SeriesRow).where(SeriesRow.series_instance_uid == series_instance_uid)
    )
    return or_(QuarantineRow.series_instance_uid == series_instance_uid, QuarantineRow.sop_instance_uid.in_(held))


def _to_quarantined(row: QuarantineRow, held_by: str | None) -> Quarantined:
    return Quarantined(
        id=row.id,
        reason=Contradiction(row.reason_code),
        sop_instance_uid=row.sop_instance_uid,
        series_instance_uid=row.series_instance_uid,
        study_instance_uid=row.study_instance_uid,
        held_by=held_by or "",
        path=row.path,
        size=row.size,
        sha256=row.sha256,
        calling_ae=row.calling_ae,
        received_at=row.received_at,
    )

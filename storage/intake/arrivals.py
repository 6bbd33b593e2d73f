"""Objects with a file but no row yet, and the fast path into the index for the usual ones.

Of a hundred slices ninety-nine are new objects of a series that is being received. A group of them costs two queries,
one insert and one update for each series; everything else is left to `storage.intake.instances`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import bindparam, insert, literal_column, null, select, union_all, update
from sqlalchemy.orm import Session

from storage.database.columns import UtcDateTime
from storage.database.engine import Database
from storage.database.lane import Cursor, LaneClosed
from storage.database.lifecycle_rows import RejectionRow
from storage.database.models import InstanceRow, SeriesRow, StudyRow
from storage.database.prepared import Prepared
from storage.objects.header import InstanceHeader
from storage.objects.incoming import StoredFile
from storage.series.states import State

Origin = Literal["received", "made"]

_FILLABLE = tuple(
    column.name for column in StudyRow.__table__.columns if column.name not in ("id", "study_instance_uid")
)
_BY_DATABASE = frozenset({"id", "superseded", "rejected"})
"""Columns to which the database gives a new object's value."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An object with a file but no row yet."""

    header: InstanceHeader
    stored: StoredFile
    now: datetime
    calling_ae: str = ""
    origin: Origin = "received"


class _Receiving:
    """A series that is being received, as `_RECEIVING` finds it; its study has no value for the columns `lacking`."""

    def __init__(self, series_id: int, study_instance_uid: str, *study: str) -> None:
        self.id = series_id
        self.study_instance_uid = study_instance_uid
        self.lacking = [column for column, value in zip(_FILLABLE, study, strict=True) if not value]


def make_row(arrival: Arrival, series_id: int) -> dict[str, Any]:
    """Make the row of an object."""
    return {
        **arrival.header.image,
        "series_id": series_id,
        "transfer_syntax_uid": arrival.header.transfer_syntax_uid,
        "path": arrival.stored.path,
        "size": arrival.stored.size,
        "sha256": arrival.stored.sha256,
        "calling_ae": arrival.calling_ae,
        "received_at": arrival.now,
    }


_COUNT = Prepared(
    update(SeriesRow)
    .where(SeriesRow.id == bindparam("of_series"))
    .values(
        instance_count=SeriesRow.instance_count + bindparam("number"),
        last_received_at=bindparam("at", type_=UtcDateTime()),
        calling_ae=bindparam("caller"),
        wait_until=null(),
        wait_reason=literal_column("''"),
    )
)
_COUNT_COMPANION = Prepared(
    update(SeriesRow)
    .where(SeriesRow.id == bindparam("of_series"))
    .values(instance_count=SeriesRow.instance_count + literal_column("1"))
)
_RECEIVING = Prepared(
    select(SeriesRow.id, StudyRow.study_instance_uid, *(StudyRow.__table__.columns[name] for name in _FILLABLE))
    .join(StudyRow)
    .where(
        SeriesRow.series_instance_uid == bindparam("uid"),
        SeriesRow.state == bindparam("state"),
        # a file that was deleted may be on its way out while the same one comes again: never the fast path
        SeriesRow.deleted_count == literal_column("0"),
    )
    .with_for_update(of=SeriesRow)
)
_KNOWN = Prepared(
    union_all(
        select(InstanceRow.id).where(InstanceRow.sop_instance_uid == bindparam("uid")),
        select(RejectionRow.id).where(RejectionRow.sop_instance_uid == bindparam("uid")),
    )
)
_INSERT = Prepared(
    insert(InstanceRow).values(
        {name: bindparam(name) for name in InstanceRow.__table__.columns.keys() if name not in _BY_DATABASE}  # noqa: SIM118
    )
)


def count_instance(session: Session, series_id: int, arrival: Arrival) -> None:
    """Add a received object to its series."""
    _COUNT.run(session.connection(), of_series=series_id, number=1, at=arrival.now, caller=arrival.calling_ae)


def count_companion(session: Session, series_id: int) -> None:
    """Add an object that accompanies the images of its series, and says nothing about when they are complete."""
    _COUNT_COMPANION.run(session.connection(), of_series=series_id)


def insert_instances(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows made by `make_row`."""
    _INSERT.run_many(session.connection(), rows)


def enter_usual(db: Database, arrivals: Sequence[Arrival]) -> set[int]:
    """Register the new images of series that are being received, and return their positions in `arrivals`.

    None are where the database takes nothing this way; the ordinary way says why.
    """
    try:
        with db.lane.transaction() as cursor:
            return _enter(cursor, arrivals)
    except LaneClosed:
        return set()


def _enter(cursor: Cursor, arrivals: Sequence[Arrival]) -> set[int]:
    receiving: dict[str, _Receiving | None] = {}
    seen: set[str] = set()
    usual: dict[int, dict[str, Any]] = {}
    last: dict[int, tuple[Arrival, int]] = {}
    for place, arrival in enumerate(arrivals):
        uid, sop_instance_uid = arrival.header.series_instance_uid, arrival.header.sop_instance_uid
        if uid not in receiving:
            row = cursor.first(_RECEIVING, uid=uid, state=State.RECEIVING.value)
            receiving[uid] = None if row is None else _Receiving(*row)
        series = receiving[uid]
        if series is None or sop_instance_uid in seen or not _agrees(series, arrival):
            continue
        if cursor.first(_KNOWN, uid=sop_instance_uid) is not None:
            continue
        seen.add(sop_instance_uid)
        usual[place] = make_row(arrival, series.id)
        last[series.id] = arrival, last.get(series.id, (arrival, 0))[1] + 1
    cursor.run_many(_INSERT, list(usual.values()))
    for series_id, (arrival, number) in last.items():
        cursor.run(_COUNT, of_series=series_id, number=number, at=arrival.now, caller=arrival.calling_ae)
    return set(usual)


def _agrees(series: _Receiving, arrival: Arrival) -> bool:
    """Return whether this is an image of the study of the series, and adds no attribute still missing there."""
    header = arrival.header
    if arrival.origin != "received" or not header.is_ct_image or series.study_instance_uid != header.study_instance_uid:
        return False
    return not any(header.study.get(column) for column in series.lacking)

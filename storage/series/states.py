"""Reading the states of series; `storage.series.lifecycle` changes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Literal

from sqlalchemy import Select, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session

from config.errors import Permanent
from storage.database.engine import Database
from storage.database.models import ResultRow, SeriesRow, StudyRow


class State(StrEnum):
    """The state of a series on its way from the sender to the destinations."""

    RECEIVING = "receiving"
    COMPLETE = "complete"
    SCORING = "scoring"
    SCORED = "scored"
    DELIVERED = "delivered"
    NOT_SCORABLE = "not_scorable"
    UNDELIVERABLE = "undeliverable"
    KEPT = "kept"


Reported = Literal[State.SCORED, State.DELIVERED, State.UNDELIVERABLE]
FINISHED = (State.SCORED, State.DELIVERED, State.NOT_SCORABLE, State.UNDELIVERABLE)
PENDING = (State.COMPLETE, State.SCORING, State.SCORED)
REPORTED = (State.SCORED, State.DELIVERED, State.UNDELIVERABLE)


class UnknownSeries(Permanent):
    """No series has this UID."""

    def __init__(self, series_instance_uid: str) -> None:
        super().__init__(f"there is no series {series_instance_uid}; `coronode series list` shows all series")


class IllegalTransition(Permanent):
    """A change of state that is not allowed."""


class Finished(Enum):
    """What became of the result with which somebody finishes a version."""

    RECORDED = "recorded"
    KNOWN = "known"
    """The version was finished before: the first result stays."""
    SUPERSEDED = "superseded"
    """A late slice has arrived: the version counts no longer."""
    DISOWNED = "disowned"
    """Who finishes it is out of the group: another member works on the version."""


@dataclass(frozen=True, slots=True)
class SeriesState:
    """A series with its state, without its patient; unknown texts are empty.

    `images_deleted_at` is when its objects were deleted, None unless they were and it has not been scored again since.
    `silent_seconds` are those for which it has been waited since its last instance, as far as that was noted.
    """

    series_instance_uid: str
    study_instance_uid: str
    state: State
    version: int
    modality: str
    series_number: str
    description: str
    instance_count: int
    reason_code: str
    reason: str
    wait_until: datetime | None
    wait_reason: str
    flags: tuple[str, ...]
    calling_ae: str
    first_received_at: datetime
    last_received_at: datetime
    completed_at: datetime | None
    updated_at: datetime
    images_deleted_at: datetime | None = None
    silent_seconds: float = 0.0


def get(where: Database | Session, series_instance_uid: str) -> SeriesState:
    """Return the state of one series. Raises UnknownSeries."""
    query = _select_series().where(SeriesRow.series_instance_uid == series_instance_uid)
    if isinstance(where, Session):
        # No effect on SQLite, which has a single writer; elsewhere it locks the row until the transaction ends.
        row = where.execute(query.with_for_update(of=SeriesRow)).one_or_none()
    else:
        with where.reading() as session:
            row = session.execute(query).one_or_none()
    if row is None:
        raise UnknownSeries(series_instance_uid)
    return _to_state(*row)


def list_series(
    db: Database, state: State | None = None, *, without: State | None = None, limit: int = 100, offset: int = 0
) -> list[SeriesState]:
    """List series, latest received first, optionally of one state or without one state."""
    query = (
        _select_series().order_by(SeriesRow.last_received_at.desc(), SeriesRow.id.desc()).limit(limit).offset(offset)
    )
    if state is not None:
        query = query.where(SeriesRow.state == state)
    if without is not None:
        query = query.where(SeriesRow.state != without)
    return _list(db, query)


def find_series(
    db: Database,
    wanted: Sequence[State],
    *,
    reason_codes: Sequence[str] = (),
    since: datetime | None = None,
    calling_ae: str | None = None,
) -> list[SeriesState]:
    """Find series that have objects that are not rejected, in one of these states, the longest received first.

    Optionally with one of some reason codes, received at `since` or later, sent by `calling_ae`.
    """
    query = _select_series().where(SeriesRow.state.in_(wanted), SeriesRow.hidden_count < SeriesRow.instance_count)
    if reason_codes:
        query = query.where(SeriesRow.reason_code.in_(reason_codes))
    if since is not None:
        query = query.where(SeriesRow.last_received_at >= since)
    if calling_ae is not None:
        query = query.where(SeriesRow.calling_ae == calling_ae)
    return _list(db, query.order_by(SeriesRow.last_received_at, SeriesRow.id))


def count_reasons(db: Database) -> dict[str, int]:
    """Count the series that are not scorable by reason code, the most frequent first."""
    number = func.count().label("number")
    query = (
        select(SeriesRow.reason_code, number)
        .where(SeriesRow.state == State.NOT_SCORABLE)
        .group_by(SeriesRow.reason_code)
        .order_by(number.desc(), SeriesRow.reason_code)
    )
    with db.reading() as session:
        return {row.reason_code: row.number for row in session.execute(query)}


def list_receiving(db: Database) -> list[SeriesState]:
    """List series that may become complete, the longest quiet first."""
    return _list(db, _select_series().where(SeriesRow.state == State.RECEIVING).order_by(SeriesRow.last_received_at))


def list_unfinished(db: Database, now: datetime | None = None) -> list[SeriesState]:
    """List complete series that still need a score or report; with `now` only those that wait for nothing by then.

    A scored series is listed until its report is recorded (`results.set_report`, in one transaction with
    `outgoing.add`); after that its deliveries are in the outbox. One whose result is held back needs none.
    """
    settled = exists().where(
        ResultRow.series_instance_uid == SeriesRow.series_instance_uid,
        ResultRow.version == SeriesRow.version,
        or_(ResultRow.sr_sop_instance_uid != "", ResultRow.held),
    )
    owed = or_(
        SeriesRow.state.in_((State.COMPLETE, State.SCORING)), and_(SeriesRow.state == State.SCORED, not_(settled))
    )
    query = _select_series().where(owed).order_by(SeriesRow.completed_at)
    if now is not None:
        query = query.where(or_(SeriesRow.wait_until.is_(None), SeriesRow.wait_until <= now))
    return _list(db, query)


def _select_series() -> Select[SeriesRow, str]:
    return select(SeriesRow, StudyRow.study_instance_uid).join(StudyRow)


def _list(db: Database, query: Select[SeriesRow, str]) -> list[SeriesState]:
    with db.reading() as session:
        return [_to_state(*row) for row in session.execute(query)]


def _to_state(row: SeriesRow, study_instance_uid: str) -> SeriesState:
    return SeriesState(
        series_instance_uid=row.series_instance_uid,
        study_instance_uid=study_instance_uid,
        state=State(row.state),
        version=row.version,
        modality=row.modality,
        series_number=row.series_number,
        description=row.series_description,
        instance_count=row.instance_count,
        reason_code=row.reason_code,
        reason=row.reason,
        wait_until=row.wait_until,
        wait_reason=row.wait_reason,
        flags=tuple(row.flags.split("\n")) if row.flags else (),
        calling_ae=row.calling_ae,
        first_received_at=row.first_received_at,
        last_received_at=row.last_received_at,
        completed_at=row.completed_at,
        updated_at=row.updated_at,
        images_deleted_at=row.images_deleted_at,
        silent_seconds=row.silent_seconds if row.silent_since == row.last_received_at else 0.0,
    )

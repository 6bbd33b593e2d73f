"""The states of a series, each change one short transaction.

    receiving --complete()--> complete --start_scoring()--> scoring --finish()--> scored --------> delivered
        ^                         |                            |                    |  ^
        |                         +---------finish()-----------+                    v  | retry()
        |                                      v                              undeliverable
        |                                not_scorable(reason)
        |
        +-- a late slice, or rescore(), from every state on the right

`complete()` counts `version` up; `finish()` names the version it worked on and is told False when a later slice has
made it out of date. Deliveries (outbox.py) move a series between scored, delivered and undeliverable. A series that is
not CT, or that we made, is `kept` and takes no part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sqlalchemy import Select, Update, and_, exists, not_, or_, select, update
from sqlalchemy.orm import Session

from config.errors import Permanent
from storage import audit, results
from storage.database import Database, writing
from storage.models import ResultRow, SeriesRow, StudyRow
from storage.slices import SliceGeometry, files_of, slices

__all__ = [
    "IllegalTransition",
    "SeriesState",
    "SliceGeometry",
    "State",
    "UnknownSeries",
    "complete",
    "deliver",
    "files_of",
    "finish",
    "get",
    "list_series",
    "receiving",
    "rescore",
    "slices",
    "start_scoring",
    "unfinished",
    "wait",
]


class State(StrEnum):
    """Where a series stands."""

    RECEIVING = "receiving"
    COMPLETE = "complete"
    SCORING = "scoring"
    SCORED = "scored"
    DELIVERED = "delivered"
    NOT_SCORABLE = "not_scorable"
    UNDELIVERABLE = "undeliverable"
    KEPT = "kept"


Reported = Literal[State.SCORED, State.DELIVERED, State.UNDELIVERABLE]
_FINISHED = (State.SCORED, State.DELIVERED, State.NOT_SCORABLE, State.UNDELIVERABLE)
REPORTED = (State.SCORED, State.DELIVERED, State.UNDELIVERABLE)


class UnknownSeries(Permanent):
    """No series with this UID is here."""

    def __init__(self, series_uid: str) -> None:
        super().__init__(f"no series {series_uid} is known here; `coronode series list` shows those that are")


class IllegalTransition(Permanent):
    """A change of state that the machine does not have."""


@dataclass(frozen=True, slots=True)
class SeriesState:
    """What is known of a series, without its patient. Empty texts where nothing is known."""

    series_uid: str
    study_uid: str
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


def get(where: Database | Session, series_uid: str) -> SeriesState:
    """The state of one series. Raises UnknownSeries."""
    query = _described().where(SeriesRow.series_instance_uid == series_uid)
    if isinstance(where, Session):
        found = where.execute(query).one_or_none()
    else:
        with where.reading() as session:
            found = session.execute(query).one_or_none()
    if found is None:
        raise UnknownSeries(series_uid)
    return _state(*found)


def list_series(db: Database, state: State | None = None, *, limit: int = 100, offset: int = 0) -> list[SeriesState]:
    """Series, the latest received first, of one state if asked."""
    query = _described().order_by(SeriesRow.last_received_at.desc(), SeriesRow.id.desc()).limit(limit).offset(offset)
    return _several(db, query if state is None else query.where(SeriesRow.state == state))


def receiving(db: Database) -> list[SeriesState]:
    """Series that may become complete, the longest quiet first."""
    return _several(db, _described().where(SeriesRow.state == State.RECEIVING).order_by(SeriesRow.last_received_at))


def unfinished(db: Database) -> list[SeriesState]:
    """Complete series whose score or report is still owed: what a start of the node must take up again.

    A scored series counts until its report is noted (`results.set_report`, in one transaction with `outbox.add`);
    from then on its deliveries stand in the outbox.
    """
    reported = exists().where(
        ResultRow.series_uid == SeriesRow.series_instance_uid,
        ResultRow.version == SeriesRow.version,
        ResultRow.sr_sop_instance_uid != "",
    )
    owed = or_(
        SeriesRow.state.in_((State.COMPLETE, State.SCORING)), and_(SeriesRow.state == State.SCORED, not_(reported))
    )
    return _several(db, _described().where(owed).order_by(SeriesRow.completed_at))


def wait(db: Database, series_uid: str, until: datetime, reason: str) -> None:
    """Note why a quiet series is not complete yet; the next slice clears it."""
    with db.session() as session:
        session.execute(
            _of(series_uid).where(SeriesRow.state == State.RECEIVING).values(wait_until=until, wait_reason=reason)
        )


def complete(
    db: Database,
    series_uid: str,
    now: datetime,
    *,
    flags: Iterable[str] = (),
    expected: int | None = None,
    in_transaction: Callable[[Session, int], None] | None = None,
) -> int | None:
    """Move a series from receiving to complete and return its new version.

    Args:
        db: the database.
        series_uid: the series.
        now: the time of the change.
        flags: what the completion check found (codes without a line break).
        expected: how many instances the check saw; another slice since then stops the change.
        in_transaction: called with the session and the version before the commit; what it writes there, and the
            change of state, happen both or not at all.

    Returns:
        None when the series is no longer receiving, or has more slices than were checked.

    Raises:
        UnknownSeries, IllegalTransition: the series is kept and never scored.
    """
    with db.session() as session:
        before = get(session, series_uid)
        if before.state == State.KEPT:
            raise IllegalTransition(f"series {series_uid} is kept, not scored")
        if before.state != State.RECEIVING or expected not in (None, before.instance_count):
            return None
        version = before.version + 1
        session.execute(
            _of(series_uid).values(
                state=State.COMPLETE,
                version=version,
                completed_at=now,
                updated_at=now,
                flags="\n".join(flags),
                wait_until=None,
                wait_reason="",
                reason_code="",
                reason="",
            )
        )
        audit.record(
            session, now, "complete", f"version {version}, {before.instance_count} objects", series_uid=series_uid
        )
        if in_transaction is not None:
            in_transaction(session, version)
        return version


def start_scoring(db: Database, series_uid: str, version: int, now: datetime) -> bool:
    """Mark a version as being scored; True again after a crash, False when it is out of date or already scored."""
    with db.session() as session:
        before = _of_version(session, series_uid, version)
        if before is None or before.state in _FINISHED:
            return False
        session.execute(_of(series_uid).values(state=State.SCORING, updated_at=now))
        return True


def finish(
    db: Database,
    series_uid: str,
    version: int,
    result_json: str,
    status: Literal["scored", "not_scorable"],
    *,
    now: datetime,
    reason_code: str = "",
    reason: str = "",
) -> bool:
    """Store the result of a version and end its scoring.

    Returns:
        False when a late slice has superseded the version: nothing is stored. True also when this version was finished
        before (the first result stays).
    """
    with db.session() as session:
        before = _of_version(session, series_uid, version)
        if before is None:
            return False
        if before.state in _FINISHED:
            return True
        results.save(session, series_uid, version, status, result_json, now=now)
        session.execute(
            _of(series_uid).values(state=State(status), reason_code=reason_code, reason=reason, updated_at=now)
        )
        audit.record(session, now, status, f"version {version} {reason_code}".rstrip(), series_uid=series_uid)
        return True


def deliver(
    where: Database | Session,
    series_uid: str,
    version: int,
    to: Reported,
    now: datetime,
) -> bool:
    """Note how the delivery of a version stands; False when the version is out of date.

    Raises:
        UnknownSeries, IllegalTransition: the version has no score that could be delivered.
    """
    with writing(where) as session:
        before = _of_version(session, series_uid, version)
        if before is None:
            return False
        if before.state not in REPORTED:
            raise IllegalTransition(f"series {series_uid} is {before.state} and has nothing to deliver")
        if before.state != to:
            session.execute(_of(series_uid).values(state=to, updated_at=now))
            audit.record(session, now, to, f"version {version}", series_uid=series_uid)
        return True


def rescore(db: Database, series_uid: str, now: datetime) -> None:
    """Send a series back to receiving, so that the completion check takes it up and scores a new version.

    Raises:
        UnknownSeries, IllegalTransition: the series is kept and never scored.
    """
    with db.session() as session:
        before = get(session, series_uid)
        if before.state == State.KEPT:
            raise IllegalTransition(
                f"series {series_uid} is kept, not scored: it is not CT, or it was made here ({before.modality})"
            )
        return_to_receiving(session, series_uid, now)
        audit.record(session, now, "rescore", f"after version {before.version}", series_uid=series_uid)


def return_to_receiving(session: Session, series_uid: str, now: datetime) -> None:
    """Put a series back to receiving in the caller's transaction; the running version is thereby out of date."""
    session.execute(
        _of(series_uid).values(
            state=State.RECEIVING, reason_code="", reason="", wait_until=None, wait_reason="", updated_at=now
        )
    )


def _of(series_uid: str) -> Update:
    return update(SeriesRow).where(SeriesRow.series_instance_uid == series_uid)


def _of_version(session: Session, series_uid: str, version: int) -> SeriesState | None:
    """The series if `version` is its current one and no slice has come since; else None."""
    state = get(session, series_uid)
    if version > state.version or state.state == State.KEPT:
        raise IllegalTransition(f"series {series_uid} has no version {version}")
    return state if version == state.version and state.state != State.RECEIVING else None


def _described() -> Select[SeriesRow, str]:
    return select(SeriesRow, StudyRow.study_instance_uid).join(StudyRow)


def _several(db: Database, query: Select[SeriesRow, str]) -> list[SeriesState]:
    with db.reading() as session:
        return [_state(*found) for found in session.execute(query)]


def _state(row: SeriesRow, study_uid: str) -> SeriesState:
    return SeriesState(
        series_uid=row.series_instance_uid,
        study_uid=study_uid,
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
    )

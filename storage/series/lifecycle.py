"""The states of a series, each change one short transaction.

    receiving --complete()--> complete --start_scoring()--> scoring --finish()--> scored --------> delivered
        ^                         |                            |                    |  ^
        |                         +---------finish()-----------+                    v  | retry()
        |                                      v                              undeliverable
        |                                not_scorable(reason)
        |
        +-- a late slice, or rescore(), from every state on the right

`complete()` raises `version` by one; `finish()` names the version that it worked on, which a late slice may have
superseded. Of two that work on one version the first to finish counts. Deliveries (storage.outbox) move a series
between scored, delivered and undeliverable. A series without a CT image, or that the node made, is `kept` and takes no
part.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Literal

from sqlalchemy import Update, update
from sqlalchemy.orm import Session

from config.errors import Value
from storage.database import audit
from storage.database.claims import may_claim
from storage.database.engine import Database, writing
from storage.database.models import SeriesRow
from storage.series import results, slices
from storage.series.states import FINISHED, REPORTED, Finished, IllegalTransition, Reported, SeriesState, State, get
from storage.series.summary import NOTHING


def complete(
    db: Database,
    series_instance_uid: str,
    now: datetime,
    *,
    expected: int,
    flags: Iterable[str] = (),
    in_transaction: Callable[[Session, int], None] | None = None,
) -> int | None:
    """Move a series from receiving to complete and return its new version; None when it has to be checked again.

    `expected` is the number of CT images that were checked. When the series has more by now, or is
    no longer receiving, nothing changes, so that `flags`, the findings of the check (without line breaks), always cover
    every slice that is scored. `in_transaction` is called with the transaction and the version before the commit; its
    writes and the change of state happen together or not at all.

    Raises UnknownSeries or IllegalTransition when the series is kept and never scored.
    """
    with db.session() as session:
        before = get(session, series_instance_uid)
        if before.state == State.KEPT:
            raise IllegalTransition(f"series {series_instance_uid} is kept, not scored")
        images = slices.count_images(session, series_instance_uid)
        if before.state != State.RECEIVING or expected != images:
            return None
        version = before.version + 1
        session.execute(
            _update_series(series_instance_uid).values(
                state=State.COMPLETE,
                version=version,
                completed_at=now,
                updated_at=now,
                images_deleted_at=None,
                flags="\n".join(flags),
                wait_until=None,
                wait_reason="",
                reason_code="",
                reason="",
            )
        )
        audit.record(
            session,
            now,
            "complete",
            f"version {version}, {images} images",
            series_instance_uid=series_instance_uid,
        )
        if in_transaction is not None:
            in_transaction(session, version)
        return version


def start_scoring(db: Database, series_instance_uid: str, version: int, now: datetime) -> bool:
    """Mark a version as being scored; True again after a crash, False when it is out of date or already scored."""
    with db.session() as session:
        before = _get_current(session, series_instance_uid, version)
        if before is None or before.state in FINISHED:
            return False
        session.execute(_update_series(series_instance_uid).values(state=State.SCORING, updated_at=now))
        return True


def finish(
    db: Database,
    series_instance_uid: str,
    version: int,
    result_json: str,
    status: Literal["scored", "not_scorable"],
    *,
    now: datetime,
    reason_code: str = "",
    reason: str = "",
    reason_values: Mapping[str, Value] | None = None,
    held: bool = False,
    owner: str = "",
) -> Finished:
    """Store the result of a version, `held` back or not, and end its scoring; only RECORDED has changed anything.

    `reason_values` are those of a reason without a result. With `owner` it counts only from a member of the group.
    """
    with db.session() as session:
        before = _get_current(session, series_instance_uid, version)
        if before is None:
            return Finished.SUPERSEDED
        if before.state in FINISHED:
            return Finished.KNOWN
        if not may_claim(session, owner):
            return Finished.DISOWNED
        results.save(session, series_instance_uid, version, status, result_json, now=now, held=held)
        more = {"reason_values": json.dumps(dict(reason_values))} if reason_values else {}
        session.execute(
            _update_series(series_instance_uid).values(
                **more,
                state=State(status),
                reason_code=reason_code,
                reason=reason,
                wait_until=None,
                wait_reason="",
                updated_at=now,
            )
        )
        audit.record(
            session, now, status, f"version {version} {reason_code}".rstrip(), series_instance_uid=series_instance_uid
        )
        return Finished.RECORDED


def deliver(
    where: Database | Session,
    series_instance_uid: str,
    version: int,
    to: Reported,
    now: datetime,
) -> bool:
    """Record the delivery state of a version; False when the version is out of date.

    Raises UnknownSeries or IllegalTransition when the version has no score that could be delivered.
    """
    with writing(where) as session:
        before = _get_current(session, series_instance_uid, version)
        if before is None:
            return False
        if before.state not in REPORTED:
            raise IllegalTransition(f"series {series_instance_uid} is {before.state}: there is nothing to deliver")
        if before.state != to:
            session.execute(_update_series(series_instance_uid).values(state=to, updated_at=now))
            audit.record(session, now, to, f"version {version}", series_instance_uid=series_instance_uid)
        return True


def rescore(db: Database, series_instance_uid: str, now: datetime, *, person: str = "") -> None:
    """Send a series back to receiving, so that the completion check takes it up and scores a new version.

    `person` is who asks for it, empty for the command line.

    Raises UnknownSeries, or IllegalTransition when the series is kept and never scored, or has no image left.
    """
    with db.session() as session:
        before = get(session, series_instance_uid)
        if before.state == State.KEPT:
            raise IllegalTransition(
                f"series {series_instance_uid} is kept, not scored: "
                f"it is not CT, or was made by this node ({before.modality})"
            )
        if not before.instance_count:
            raise IllegalTransition(f"series {series_instance_uid} has no objects: {_explain_absence(before)}")
        if not slices.count_images(session, series_instance_uid):
            raise IllegalTransition(
                f"series {series_instance_uid}: every image was rejected by a note; `coronode series restore "
                f"{series_instance_uid}` takes them back"
            )
        return_to_receiving(session, series_instance_uid, now)
        audit.record(
            session,
            now,
            "rescore",
            f"after version {before.version}",
            series_instance_uid=series_instance_uid,
            person=person,
        )


def return_to_receiving(session: Session, series_instance_uid: str, now: datetime) -> None:
    """Return a series to receiving in the caller's transaction, which makes the running version out of date."""
    session.execute(
        _update_series(series_instance_uid).values(
            **NOTHING,
            state=State.RECEIVING,
            reason_code="",
            reason="",
            wait_until=None,
            wait_reason="",
            updated_at=now,
        )
    )


def note_empty(session: Session, series_instance_uid: str, now: datetime) -> None:
    """Record in the caller's transaction that a series has lost all of its objects, which ends a running version."""
    session.execute(
        _update_series(series_instance_uid).values(
            **NOTHING,
            state=State.NOT_SCORABLE,
            reason_code="emptied",
            reason="its objects were replaced by those of another series, released from quarantine",
            wait_until=None,
            wait_reason="",
            updated_at=now,
        )
    )


def _explain_absence(series: SeriesState) -> str:
    if series.images_deleted_at is None:
        return series.reason
    return f"they were deleted on {series.images_deleted_at:%Y-%m-%d}; send or fetch the series again first"


def _update_series(series_instance_uid: str) -> Update:
    return update(SeriesRow).where(SeriesRow.series_instance_uid == series_instance_uid)


def _get_current(session: Session, series_instance_uid: str, version: int) -> SeriesState | None:
    """Return the series if `version` is current and no slice has arrived since, else None."""
    state = get(session, series_instance_uid)
    if version > state.version or state.state == State.KEPT:
        raise IllegalTransition(f"series {series_instance_uid} has no version {version}")
    return state if version == state.version and state.state != State.RECEIVING else None

"""What protects a series from deletion, as conditions on its row: the rules, `show` and the tests share them."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, not_, or_, select
from sqlalchemy.orm import Session, aliased

from storage.commitments.commitments import CommitmentState
from storage.database.commitment_rows import CommitmentRow
from storage.database.lifecycle_rows import DocumentRow
from storage.database.models import DeliveryRow, InstanceRow, ResultRow, SeriesRow
from storage.database.review_rows import ReviewRow
from storage.outbox.deliveries import DeliveryState
from storage.retention.rules import Hold, Kind, Policy
from storage.reviews.reviews import ReviewState
from storage.series.states import State

_OWED = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DEAD)
_PROMISES = (CommitmentState.PENDING, CommitmentState.REPORTING, CommitmentState.WAITING)
_OF_SCANS = (Kind.IMAGES, Kind.NOT_SCORABLE, Kind.RESULTS, Kind.REJECTED)


def list_holds(kind: Kind, policy: Policy, now: datetime) -> dict[Hold, ColumnElement[bool]]:
    """Return the conditions on `SeriesRow` that protect it from deletion by a rule."""
    holds = {
        Hold.UNFINISHED: _is_owed(kind),
        Hold.UNCOMMITTED: _lacks_commitment(kind, policy),
        Hold.PROMISED: _is_promised(policy, now),
    }
    if kind in _OF_SCANS:
        done: ColumnElement[bool] = SeriesRow.state.in_((State.DELIVERED, State.NOT_SCORABLE, State.KEPT))
        if not policy.has_destinations:
            done = or_(done, and_(SeriesRow.state == State.SCORED, _is_reported()))
        holds[Hold.UNFINISHED] = or_(not_(done), holds[Hold.UNFINISHED])
        open_review = exists().where(
            ReviewRow.series_instance_uid == SeriesRow.series_instance_uid, ReviewRow.state == ReviewState.OPEN
        )
        holds[Hold.REVIEWED] = open_review
        holds[Hold.HELD] = exists().where(
            ResultRow.series_instance_uid == SeriesRow.series_instance_uid, ResultRow.held
        )
    elif kind is Kind.DOCUMENTS:
        holds[Hold.UNFINISHED] = or_(_has_unfinished_source(policy), holds[Hold.UNFINISHED])
    return holds


def list_asked(session: Session) -> set[str]:
    """List the objects (SOP Instance UIDs) that peers wait for a promise of."""
    asked = session.scalars(select(CommitmentRow.references_json).where(CommitmentRow.state.in_(_PROMISES)))
    return {uid for text in asked for _, uid in json.loads(text)}


def is_asked(session: Session, series_id: int) -> bool:
    """Return whether a peer waits for a promise of an object of a series (ID of its row)."""
    asked = list_asked(session)
    if not asked:
        return False
    held = session.scalars(select(InstanceRow.sop_instance_uid).where(InstanceRow.series_id == series_id))
    return not asked.isdisjoint(held)


def _belongs(kind: Kind) -> ColumnElement[bool]:
    """Return the condition that a delivery belongs to a series: to its result, or to the documents in it."""
    if kind is not Kind.DOCUMENTS:
        return DeliveryRow.series_instance_uid == SeriesRow.series_instance_uid
    return DeliveryRow.sop_instance_uid.in_(_list_objects())


def _list_objects() -> Select[str]:
    objects = select(InstanceRow.sop_instance_uid).where(InstanceRow.series_id == SeriesRow.id)
    return objects.correlate(SeriesRow)


def _is_owed(kind: Kind) -> ColumnElement[bool]:
    return exists().where(_belongs(kind), DeliveryRow.state.in_(_OWED))


def _lacks_commitment(kind: Kind, policy: Policy) -> ColumnElement[bool]:
    unanswered = and_(
        DeliveryRow.state.in_((DeliveryState.DELIVERED, DeliveryState.UNCOMMITTED)), DeliveryRow.commit_at.is_not(None)
    )
    refused = and_(
        DeliveryRow.state == DeliveryState.UNCOMMITTED, DeliveryRow.destination.in_(policy.committing or ("",))
    )
    return exists().where(_belongs(kind), or_(unanswered, refused))


def _is_promised(policy: Policy, now: datetime) -> ColumnElement[bool]:
    promised = and_(SeriesRow.promised_at.is_not(None), SeriesRow.instance_count > 0)
    if policy.promised is None:
        return promised
    return and_(promised, SeriesRow.promised_at > now - policy.promised)


def _is_reported() -> ColumnElement[bool]:
    return exists().where(
        ResultRow.series_instance_uid == SeriesRow.series_instance_uid,
        ResultRow.version == SeriesRow.version,
        ResultRow.sr_sop_instance_uid != "",
    )


def _has_unfinished_source(policy: Policy) -> ColumnElement[bool]:
    """Return whether the series that a document was made of is being scored again, or its documents are still owed."""
    source = aliased(SeriesRow)
    finished = [State.DELIVERED, State.NOT_SCORABLE] + ([] if policy.has_destinations else [State.SCORED])
    return (
        select(source.id)
        .join(DocumentRow, DocumentRow.series_instance_uid == source.series_instance_uid)
        .where(DocumentRow.sop_instance_uid.in_(_list_objects()), source.state.not_in(finished))
        .correlate(SeriesRow)
        .exists()
    )

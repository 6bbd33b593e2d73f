"""No series in a protected state is ever selected, whatever else is true of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, update

from storage.commitments.commitments import CommitmentState
from storage.database.commitment_rows import CommitmentRow
from storage.database.engine import Database
from storage.database.models import DeliveryRow, ResultRow, SeriesRow
from storage.database.review_rows import ReviewRow
from storage.outbox.deliveries import DeliveryState
from storage.retention.deletion import delete_due
from storage.retention.rules import Kind, Policy
from storage.retention.selection import find_due
from storage.series import states
from storage.series.states import State
from tests.storage.conftest import Node, at, ct
from tests.storage.retention.conftest import LATER

AGE = timedelta(days=30)
ARCHIVE, VIEWER = "ARCHIVE", "VIEWER"
POLICY = Policy(images=AGE, not_scorable=AGE, results=AGE, committing=(ARCHIVE,))
_numbers = count(1)

_deliveries = st.lists(
    st.tuples(st.sampled_from(DeliveryState), st.sampled_from((ARCHIVE, VIEWER)), st.booleans()),
    max_size=2,
    unique_by=lambda item: item[1],
)
_promises = st.sampled_from((None, *CommitmentState))


def may_go(kind: Kind, state: State, deliveries: list[tuple[DeliveryState, str, bool]], *holds: bool) -> bool:
    """What the page on retention says, in other words than the code."""
    wanted = {Kind.IMAGES: {"delivered"}, Kind.NOT_SCORABLE: {"not_scorable"}}
    if state.value not in wanted.get(kind, {"delivered", "not_scorable"}) or any(holds):
        return False
    for delivery, destination, is_asked in deliveries:
        if delivery in ("pending", "sending", "dead"):
            return False
        if delivery == "uncommitted" and (is_asked or destination == ARCHIVE):
            return False
        if delivery == "delivered" and is_asked:
            return False
    return True


def _insert(db: Database, table: Any, **values: Any) -> None:
    with db.session() as session:
        session.execute(insert(table).values(**values))


def _add_delivery(node: Node, uid: str, state: DeliveryState, destination: str, *, is_asked: bool) -> None:
    _insert(
        node.db,
        DeliveryRow,
        series_instance_uid=uid,
        version=1,
        sop_instance_uid=f"{uid}.9",
        kind="sr",
        path="instances/none",
        destination=destination,
        state=state,
        attempts=1,
        next_attempt_at=at(1),
        last_error="",
        last_status=None,
        created_at=at(1),
        updated_at=at(1),
        delivered_at=None,
        transaction_uid="",
        commit_at=at(2) if is_asked else None,
        commit_attempts=0,
        commit_requests=0,
    )


def _add_review(node: Node, uid: str) -> None:
    _insert(
        node.db,
        ReviewRow,
        series_instance_uid=uid,
        base_version=1,
        series_version=1,
        state="open",
        revision=1,
        begun_at=at(1),
        account="",
        reader="",
    )


def _hold_back(node: Node, uid: str) -> None:
    _insert(
        node.db,
        ResultRow,
        series_instance_uid=uid,
        version=1,
        status="scored",
        score_json="{}",
        sr_sop_class_uid="",
        sr_sop_instance_uid="",
        sr_series_instance_uid="",
        created_at=at(1),
        held=True,
    )


@contextmanager
def _asking(node: Node, uid: str, state: CommitmentState | None) -> Iterator[None]:
    if state is not None:
        _insert(
            node.db,
            CommitmentRow,
            transaction_uid=uid,
            calling_ae="CT",
            host="127.0.0.1",
            digest="",
            is_repeated=False,
            references_json=json.dumps([["1.2.840.10008.5.1.4.1.1.2", f"{uid}.1"]]),
            failures_json="[]",
            reference_count=1,
            failure_count=0,
            state=state,
            attempts=0,
            next_attempt_at=at(1),
            last_error="",
            created_at=at(1),
            updated_at=at(1),
        )
    yield


@given(
    kind=st.sampled_from((Kind.IMAGES, Kind.NOT_SCORABLE, Kind.RESULTS)),
    state=st.sampled_from([state for state in State if state is not State.KEPT]),
    deliveries=_deliveries,
    is_reviewed=st.booleans(),
    is_held=st.booleans(),
    is_promised=st.booleans(),
    asked=_promises,
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_what_is_finished_goes(shared_node, kind, state, deliveries, is_reviewed, is_held, is_promised, asked):
    node: Node = shared_node
    uid = f"1.2.{next(_numbers)}.1"
    node.store(ct(SeriesInstanceUID=uid, SOPInstanceUID=f"{uid}.1", StudyInstanceUID=uid.removesuffix(".1")))
    for delivery, destination, is_asked in deliveries:
        _add_delivery(node, uid, delivery, destination, is_asked=is_asked)
    if is_reviewed:
        _add_review(node, uid)
    if is_held:
        _hold_back(node, uid)
    with node.db.session() as session:
        promised = at(5) if is_promised else None
        session.execute(
            update(SeriesRow).where(SeriesRow.series_instance_uid == uid).values(state=state, promised_at=promised)
        )
    is_waiting = asked in (CommitmentState.PENDING, CommitmentState.REPORTING, CommitmentState.WAITING)
    expected = may_go(kind, state, deliveries, is_reviewed, is_held, is_promised, is_waiting)
    with _asking(node, uid, asked):
        found = [one for one in find_due(node.db, kind, POLICY, LATER, age=AGE) if one.series_instance_uid == uid]
        gone = sum(delete_due(node.db, one, POLICY, LATER, age=AGE).series for one in found)
    assert bool(gone) == expected
    if not expected:
        assert states.get(node.db, uid).instance_count == 1
    with node.db.session() as session:  # so that the page holds the next one
        session.execute(update(SeriesRow).values(state=State.RECEIVING))


@pytest.mark.parametrize(("days", "goes"), [(None, False), (60, False), (39, True)])
def test_a_promise_is_kept_as_long_as_the_configuration_says(node: Node, days: int | None, goes: bool) -> None:
    uid = node.series(1)
    with node.db.session() as session:
        session.execute(update(SeriesRow).values(state=State.DELIVERED, promised_at=at(0)))
    policy = Policy(images=AGE, promised=None if days is None else timedelta(days=days))
    found = find_due(node.db, Kind.IMAGES, policy, LATER, age=AGE)
    assert [one.series_instance_uid for one in found] == ([uid] if goes else [])

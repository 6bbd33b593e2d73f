"""Deliveries and how the series follows them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from storage.database import audit
from storage.outbox import deliveries, outcomes, outgoing
from storage.outbox.deliveries import DeliveryState, Document, UnknownDelivery
from storage.series import lifecycle, results, states
from storage.series.states import State

UID = "1.2.1.1"
SR = Document(UID, 1, "9.1", "sr", "instances/sr.dcm")
PICTURE = Document(UID, 1, "9.2", "overlay", "instances/sc.dcm")


@pytest.fixture
def scored(node):
    node.series()
    node.complete(UID, 0)
    lifecycle.finish(node.db, UID, 1, "{}", "scored", now=node.at(0))
    return node


def state(node):
    return states.get(node.db, UID).state


def test_adding_twice_is_adding_once(scored):
    first = outgoing.add(scored.db, [SR, PICTURE], ["PACS", "ARCHIVE"], scored.at(1))
    assert len(set(first)) == 4
    assert outgoing.add(scored.db, [SR, PICTURE], ["PACS", "ARCHIVE"], scored.at(2)) == first
    assert len(deliveries.list_deliveries(scored.db)) == 4
    one = deliveries.get(scored.db, first[0])
    assert (one.kind, one.destination, one.path, one.state) == ("sr", "PACS", "instances/sr.dcm", "pending")
    assert (one.attempts, one.created_at) == (0, scored.at(1))


def test_report_and_outbox_in_one_transaction(scored):
    def publish():
        with scored.db.session() as session:
            results.set_report(session, UID, 1, results.Report("1.2.840.1", "9.1", "9.0"))
            outgoing.add(session, [SR], ["PACS"], scored.at(1))
            raise LookupError

    with pytest.raises(LookupError):
        publish()
    assert deliveries.list_deliveries(scored.db) == []
    assert results.get(scored.db, UID).report is None


def test_the_series_is_delivered_with_its_last_document(scored):
    first, second = outgoing.add(scored.db, [SR], ["PACS", "ARCHIVE"], scored.at(1))
    assert outgoing.claim(scored.db, first, scored.at(2)).attempts == 1
    outcomes.mark_delivered(scored.db, first, scored.at(3), status=0xB000)
    assert state(scored) == State.SCORED
    outgoing.claim(scored.db, second, scored.at(4))
    outcomes.mark_delivered(scored.db, second, scored.at(5))
    assert state(scored) == State.DELIVERED
    assert deliveries.get(scored.db, first).last_status == 0xB000
    assert deliveries.get(scored.db, second).delivered_at == scored.at(5)


def test_delivered_again_after_a_crash_is_harmless(scored):
    (one,) = outgoing.add(scored.db, [SR], ["PACS"], scored.at(1))
    outgoing.claim(scored.db, one, scored.at(2))
    outcomes.mark_delivered(scored.db, one, scored.at(3))
    outcomes.mark_delivered(scored.db, one, scored.at(4))
    assert deliveries.get(scored.db, one).delivered_at == scored.at(3)
    assert len(audit.list_events(scored.db, kind="delivery-delivered")) == 1


def test_failures_wait_and_come_due(scored):
    first, second = outgoing.add(scored.db, [SR, PICTURE], ["PACS"], scored.at(0))
    outgoing.claim(scored.db, first, scored.at(1))
    outcomes.mark_failed(
        scored.db, first, scored.at(2), error="connection refused", retry_at=scored.at(60), status=None
    )
    assert [one.id for one in deliveries.list_due(scored.db, scored.at(59))] == [second]
    assert [one.id for one in deliveries.list_due(scored.db, scored.at(60))] == [second, first]
    assert deliveries.get(scored.db, first).last_error == "connection refused"
    assert outgoing.claim(scored.db, first, scored.at(60)).attempts == 2
    assert state(scored) == State.SCORED


def test_a_dead_letter_makes_the_series_undeliverable_until_retried(scored):
    first, second = outgoing.add(scored.db, [SR, PICTURE], ["PACS"], scored.at(0))
    for one in (first, second):
        outgoing.claim(scored.db, one, scored.at(1))
    outcomes.mark_dead(scored.db, first, scored.at(2), error="SOP class not supported", status=0x0122)
    outcomes.mark_delivered(scored.db, second, scored.at(3))
    assert state(scored) == State.UNDELIVERABLE
    letter = deliveries.list_deliveries(scored.db, DeliveryState.DEAD)[0]
    assert (letter.last_error, letter.last_status) == ("SOP class not supported", 0x0122)
    again = outgoing.retry(scored.db, first, scored.at(100))
    assert (again.state, again.attempts, again.next_attempt_at) == ("pending", 0, scored.at(100))
    assert state(scored) == State.SCORED
    outgoing.claim(scored.db, first, scored.at(101))
    outcomes.mark_delivered(scored.db, first, scored.at(102))
    assert state(scored) == State.DELIVERED


def test_discarding_a_dead_letter_leaves_the_rest(scored):
    first, second = outgoing.add(scored.db, [SR, PICTURE], ["PACS"], scored.at(0))
    outcomes.mark_dead(scored.db, first, scored.at(2), error="no")
    outcomes.mark_delivered(scored.db, second, scored.at(3))
    outgoing.discard(scored.db, first, scored.at(4))
    assert state(scored) == State.DELIVERED
    assert deliveries.get(scored.db, first).state == DeliveryState.DISCARDED


def test_changes_that_do_not_fit_are_refused(scored):
    (one,) = outgoing.add(scored.db, [SR], ["PACS"], scored.at(0))
    with pytest.raises(UnknownDelivery, match="pending"):
        outgoing.retry(scored.db, one, scored.at(1))
    outgoing.claim(scored.db, one, scored.at(1))
    with pytest.raises(UnknownDelivery, match="sending"):
        outgoing.discard(scored.db, one, scored.at(1))
    outcomes.mark_delivered(scored.db, one, scored.at(2))
    for change in (outgoing.retry, outgoing.discard):
        with pytest.raises(UnknownDelivery, match="delivered"):
            change(scored.db, one, scored.at(3))
    for call in (lambda: deliveries.get(scored.db, 99), lambda: outgoing.retry(scored.db, 99, scored.at(1))):
        with pytest.raises(UnknownDelivery, match="outbox list"):
            call()


def test_one_thread_claims(scored):
    (one,) = outgoing.add(scored.db, [SR], ["PACS"], scored.at(0))
    with ThreadPoolExecutor(8) as pool:
        claimed = [
            found for found in pool.map(lambda _: outgoing.claim(scored.db, one, scored.at(1)), range(8)) if found
        ]
    assert len(claimed) == 1


def test_a_start_takes_up_what_was_being_sent(scored):
    first, second = outgoing.add(scored.db, [SR, PICTURE], ["PACS"], scored.at(0))
    outgoing.claim(scored.db, first, scored.at(1))
    assert deliveries.get(scored.db, first).state == DeliveryState.SENDING
    assert [one.id for one in deliveries.list_due(scored.db, scored.at(1))] == [second]
    assert outgoing.recover(scored.db, scored.at(9)) == 1
    assert deliveries.get(scored.db, first).state == DeliveryState.PENDING
    assert outgoing.recover(scored.db, scored.at(9)) == 0


def test_an_old_version_is_still_delivered_and_moves_nothing(scored):
    (old,) = outgoing.add(scored.db, [SR], ["PACS"], scored.at(0))
    lifecycle.rescore(scored.db, UID, scored.at(1))
    outgoing.claim(scored.db, old, scored.at(2))
    outcomes.mark_delivered(scored.db, old, scored.at(3))
    assert state(scored) == State.RECEIVING
    scored.complete(UID, 4)
    lifecycle.finish(scored.db, UID, 2, "{}", "scored", now=scored.at(5))
    (new,) = outgoing.add(scored.db, [Document(UID, 2, "9.3", "sr", "x")], ["PACS"], scored.at(6))
    assert state(scored) == State.SCORED
    outcomes.mark_delivered(scored.db, new, scored.at(7))
    assert state(scored) == State.DELIVERED


def test_predecessor_is_the_latest_earlier_report(scored):
    assert results.find_predecessor(scored.db, UID, 1) is None
    first = results.Report("1.2.840.1", "9.1", "9.0")
    results.set_report(scored.db, UID, 1, first)
    assert results.find_predecessor(scored.db, UID, 1) is None
    assert results.find_predecessor(scored.db, UID, 2) == first
    results.save(scored.db, UID, 2, "not_scorable", "{}", now=scored.at(1))
    assert results.find_predecessor(scored.db, UID, 3) == first, "a version without a report is passed over"
    assert results.get(scored.db, UID).version == 2
    assert results.get(scored.db, UID, 1).report == first
    with pytest.raises(LookupError, match="version 7"):
        results.set_report(scored.db, UID, 7, first)


def test_another_document_takes_the_place_of_one_that_is_not_accepted(scored):
    (refused,) = outgoing.add(scored.db, [SR], ["PACS"], scored.at(1))
    assert outgoing.claim(scored.db, refused, scored.at(2))
    outcomes.mark_replaced(scored.db, refused, [PICTURE], scored.at(3), error="PACS accepts no report")
    (other,) = [item for item in deliveries.list_deliveries(scored.db) if item.id != refused]
    assert (other.kind, other.destination, other.state) == ("overlay", "PACS", DeliveryState.PENDING)
    assert other.next_attempt_at == scored.at(3)
    first = deliveries.get(scored.db, refused)
    assert (first.state, first.last_error) == (DeliveryState.REPLACED, "PACS accepts no report")
    assert state(scored) == State.SCORED
    assert outgoing.claim(scored.db, other.id, scored.at(4))
    outcomes.mark_delivered(scored.db, other.id, scored.at(5))
    assert state(scored) == State.DELIVERED
    with pytest.raises(UnknownDelivery, match="replaced"):
        outgoing.discard(scored.db, refused, scored.at(6))
    assert outgoing.retry(scored.db, refused, scored.at(7)).state == DeliveryState.PENDING

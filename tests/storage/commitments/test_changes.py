"""A request of a peer is entered once, proved once, and owed until the peer has taken the result."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dicom.commitment import CommitmentRequest, CommitmentResult, FailureReason, Reference
from storage.commitments import changes, commitments
from storage.commitments.commitments import CommitmentState, UnknownCommitment
from storage.database import audit

CT = "1.2.840.10008.5.1.4.1.1.2"
ONE, TWO = Reference(CT, "1.2.3.1"), Reference(CT, "1.2.3.2")


def enter(node, *references, seconds=0, transaction="1.9", calling="CT1"):
    request = CommitmentRequest(transaction, references or (ONE, TWO))
    return changes.enter(node.db, request, calling, "10.0.0.1", node.at(seconds), due_at=node.at(seconds + 5))


def states(node):
    return [item.state for item in commitments.list_commitments(node.db)]


def test_from_the_request_to_the_report(node):
    asked = enter(node)
    assert commitments.load_request(node.db, asked.id) == CommitmentRequest("1.9", (ONE, TWO))
    assert commitments.load_result(node.db, asked.id) is None
    assert commitments.list_due(node.db, node.at(4)) == []
    (due,) = commitments.list_due(node.db, node.at(5))
    assert (due.calling_ae, due.host, due.reference_count, due.failure_count) == ("CT1", "10.0.0.1", 2, None)
    assert changes.claim(node.db, asked.id, node.at(6)).attempts == 1
    assert changes.claim(node.db, asked.id, node.at(6)) is None
    changes.mark_proved(node.db, asked.id, [(TWO, FailureReason.NO_SUCH_INSTANCE)], node.at(7))
    assert commitments.load_result(node.db, asked.id) == CommitmentResult("1.9", (ONE,), ((TWO, 0x0112),))
    changes.mark_failed(node.db, asked.id, node.at(8), error="no connection", retry_at=node.at(60))
    assert commitments.get(node.db, asked.id).last_error == "no connection"
    assert commitments.list_due(node.db, node.at(59)) == []
    assert changes.claim(node.db, asked.id, node.at(60)).attempts == 2
    changes.mark_reported(node.db, asked.id, node.at(61))
    told = commitments.get(node.db, asked.id)
    assert (told.state, told.failure_count, told.reported_at) == (CommitmentState.REPORTED, 1, node.at(61))
    kinds = [event.kind for event in audit.list_events(node.db)]
    assert kinds == ["commitment-reported", "commitment-asked"]
    assert audit.list_events(node.db)[0].text == "transaction 1.9, 2 objects, 1 of them not committed"


def test_the_same_request_again_is_proved_and_reported_again(node):
    asked = enter(node)
    changes.claim(node.db, asked.id, node.at(1))
    assert enter(node, TWO, ONE, seconds=2).state == CommitmentState.REPORTING  # it is being answered
    changes.mark_proved(node.db, asked.id, [(TWO, 0x0112)], node.at(3))
    changes.mark_reported(node.db, asked.id, node.at(4))
    again = enter(node, TWO, ONE, seconds=100)
    assert (again.id, again.state, again.attempts) == (asked.id, CommitmentState.PENDING, 0)
    assert commitments.load_result(node.db, asked.id) is None
    assert not again.is_repeated


def test_a_transaction_uid_with_other_objects_is_a_repeated_one(node):
    first, second = enter(node, ONE), enter(node, TWO)
    assert (first.is_repeated, second.is_repeated) == (False, True)
    assert not enter(node, TWO, calling="CT2").is_repeated
    assert len(states(node)) == 3


def test_too_many_unanswered_requests_of_one_caller(node, monkeypatch):
    monkeypatch.setattr(changes, "MOST_OPEN", 2)
    assert enter(node, transaction="1.1")
    assert enter(node, transaction="1.2")
    assert enter(node, transaction="1.3") is None
    assert enter(node, transaction="1.2")
    assert enter(node, transaction="1.3", calling="CT2")


def test_a_start_resumes_what_was_claimed_and_what_waited(node):
    for number, end in enumerate((None, changes.mark_waiting, changes.mark_dead, changes.mark_reported)):
        asked = enter(node, transaction=f"1.{number}")
        changes.claim(node.db, asked.id, node.at(1))
        if end is changes.mark_reported:
            end(node.db, asked.id, node.at(2))
        elif end is not None:
            end(node.db, asked.id, node.at(2), error="why")
    assert states(node) == ["reported", "dead", "waiting", "reporting"]
    changes.recover(node.db, node.at(3))
    assert states(node) == ["reported", "dead", "waiting", "pending"]
    changes.stop_waiting(node.db, node.at(3))
    assert states(node) == ["reported", "dead", "pending", "pending"]
    assert len(commitments.list_due(node.db, node.at(3))) == 2


def test_an_operator_retries_what_is_dead_or_waits(node):
    asked = enter(node)
    with pytest.raises(UnknownCommitment, match="is pending"):
        changes.retry(node.db, asked.id, node.at(1))
    changes.claim(node.db, asked.id, node.at(1))
    changes.mark_dead(node.db, asked.id, node.at(2), error="refused")
    assert changes.retry(node.db, asked.id, node.at(9)).state == CommitmentState.PENDING
    assert commitments.list_due(node.db, node.at(9))[0].attempts == 0
    with pytest.raises(UnknownCommitment, match="does not exist"):
        changes.retry(node.db, 99, node.at(1))


def test_what_was_reported_long_ago_is_forgotten(node):
    asked = enter(node)
    changes.claim(node.db, asked.id, node.at(1))
    changes.mark_reported(node.db, asked.id, node.at(2))
    later = changes.KEEP_REPORTED / timedelta(seconds=1) + 10
    enter(node, seconds=later, transaction="1.8")
    assert [item.transaction_uid for item in commitments.list_commitments(node.db)] == ["1.8"]

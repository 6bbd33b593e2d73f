"""A destination is asked to commit to what was delivered as often as is useful; the outbox says what came of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dicom.commitment import CommitmentResult, FailureReason, Reference
from storage.outbox import commitment, deliveries, outcomes, outgoing
from storage.outbox.deliveries import DeliveryState, Document
from storage.series import lifecycle, states
from storage.series.states import State

UID = "1.2.1.1"
SR = "1.2.840.10008.5.1.4.1.1.88.33"


class Site:
    """A series that is delivered to PACS and ARCHIVE, whose commitment is due."""

    def __init__(self, node):
        self.node = node
        node.series()
        node.complete(UID, 0)
        lifecycle.finish(node.db, UID, 1, "{}", "scored", now=node.at(0))
        documents = []
        for number in (1, 2):
            uid = f"1.2.9.{number}"
            node.store(
                node.ct(SOPClassUID=SR, SOPInstanceUID=uid, SeriesInstanceUID="1.2.9", Modality="SR"), origin="made"
            )
            documents.append(Document(UID, 1, uid, "sr", f"instances/{number}.dcm"))
        self.ids = outgoing.add(node.db, documents, ["PACS"], node.at(0))
        self.elsewhere = outgoing.add(node.db, documents, ["ARCHIVE"], node.at(0))
        self.send(*self.ids, *self.elsewhere)

    def send(self, *ids, seconds=1):
        for each in ids:
            outgoing.claim(self.node.db, each, self.node.at(seconds))
            outcomes.mark_delivered(self.node.db, each, self.node.at(seconds), commit_at=self.node.at(seconds))

    def ask(self, transaction, seconds, destination="PACS"):
        return commitment.begin(
            self.node.db, destination, transaction, self.node.at(seconds), answer_by=self.node.at(seconds + 100)
        )

    def tell(self, transaction, committed=(), failed=(), seconds=50, destinations=("PACS",)):
        result = CommitmentResult(
            transaction,
            tuple(Reference(SR, uid) for uid in committed),
            tuple((Reference(SR, uid), reason) for uid, reason in failed),
        )
        return commitment.settle(self.node.db, destinations, result, self.node.at(seconds))

    def states(self):
        return [deliveries.get(self.node.db, each).state for each in self.ids]

    def errors(self):
        return [deliveries.get(self.node.db, each).last_error for each in self.ids]

    @property
    def state(self):
        return states.get(self.node.db, UID).state


@pytest.fixture
def site(node):
    return Site(node)


def test_what_is_delivered_is_asked_about_once_and_committed(site):
    assert commitment.list_due(site.node.db, site.node.at(0)) == []
    assert dict(commitment.list_due(site.node.db, site.node.at(1))) == {
        "PACS": site.node.at(1),
        "ARCHIVE": site.node.at(1),
    }
    request = site.ask("1.7", 2)
    assert request.transaction_uid == "1.7"
    assert request.references == (Reference(SR, "1.2.9.1"), Reference(SR, "1.2.9.2"))
    assert site.ask("1.8", 3) is None
    assert site.states() == ["delivered", "delivered"]
    assert site.tell("1.7", ["1.2.9.1", "1.2.9.2"]) == commitment.Settled(2, 0)
    assert site.states() == ["committed", "committed"]
    assert deliveries.get(site.node.db, site.elsewhere[0]).state == DeliveryState.DELIVERED
    assert site.state == State.DELIVERED
    assert site.tell("1.7", ["1.2.9.1", "1.2.9.2"]) == commitment.Settled(0, 0)


def test_a_report_for_another_destination_or_transaction_is_none_of_ours(site):
    site.ask("1.7", 2)
    assert site.tell("1.8", ["1.2.9.1"]) is None
    assert site.tell("1.7", ["1.2.9.1"], destinations=("ARCHIVE",)) is None
    assert site.tell("1.7", ["1.2.9.1"], destinations=()) is None
    assert site.states() == ["delivered", "delivered"]


def test_a_document_that_the_destination_has_lost_is_sent_again_and_at_last_dead(site):
    for number in range(1, 4):
        site.ask(f"1.{number}", 10 * number)
        settled = site.tell(
            f"1.{number}", ["1.2.9.1"] if number == 1 else [], [("1.2.9.2", 0x0112)], seconds=10 * number + 1
        )
        assert settled.failed == 1
        if number < 3:
            assert site.states() == ["committed", "pending"]
            assert site.state == State.SCORED
            site.send(site.ids[1], seconds=10 * number + 2)
    assert site.states() == ["committed", "dead"]
    assert site.errors()[1] == "the destination does not commit to it: failure reason 0x0112 (3 requests)"
    assert site.state == State.UNDELIVERABLE
    outgoing.retry(site.node.db, site.ids[1], site.node.at(60))
    site.send(site.ids[1], seconds=61)
    assert len(site.ask("1.9", 62).references) == 1


def test_no_answer_is_asked_again_and_at_last_uncommitted(site):
    for number in range(1, 4):
        assert len(site.ask(f"1.{number}", 1000 * number).references) == 2
        assert site.ask("1.99", 1000 * number + 99) is None
    assert site.ask("1.4", 4000) is None
    assert site.states() == ["uncommitted", "uncommitted"]
    assert site.errors()[0] == "not committed: no answer to 3 requests"
    assert site.state == State.DELIVERED
    assert commitment.list_due(site.node.db, site.node.at(9000)) == [("ARCHIVE", site.node.at(1))]
    # the answer that comes at last still counts, whichever request it is for
    assert site.tell("1.2", ["1.2.9.1"], seconds=9999) == commitment.Settled(1, 0)
    assert site.states() == ["committed", "uncommitted"]


def test_a_failure_of_an_earlier_request_is_out_of_date(site):
    site.ask("1.1", 10)
    site.ask("1.2", 1000)
    assert site.tell("1.1", [], [("1.2.9.1", 0x0112)], seconds=1001) == commitment.Settled(0, 0)
    assert site.states() == ["delivered", "delivered"]


def test_a_transaction_uid_in_use_is_replaced_without_sending_again(site):
    site.ask("1.1", 10)
    site.tell("1.1", [], [("1.2.9.1", FailureReason.DUPLICATE_TRANSACTION)], seconds=11)
    assert site.states() == ["delivered", "delivered"]
    assert site.ask("1.2", 12).references == (Reference(SR, "1.2.9.1"),)


def test_a_destination_that_cannot_be_asked_is_tried_again_with_pauses_and_given_up(site):
    pauses = {1: timedelta(seconds=10), 2: timedelta(seconds=20)}
    for number, seconds in enumerate((1, 11, 31)):
        assert site.ask(f"1.{number}", seconds), seconds
        commitment.postpone(site.node.db, f"1.{number}", site.node.at(seconds), error="no connection", pause=pauses.get)
        assert site.ask("1.99", seconds + 9) is None
    assert site.states() == ["uncommitted", "uncommitted"]
    assert site.errors()[0] == "not committed: no connection (given up after 3 attempts)"


def test_attempts_are_counted_from_the_last_request_that_was_taken(site):
    site.ask("1.1", 1)
    commitment.postpone(site.node.db, "1.1", site.node.at(1), error="busy", pause=lambda _: timedelta(seconds=1))
    site.ask("1.2", 2)
    commitment.note_asked(site.node.db, "1.2")
    attempts = []
    site.ask("1.3", 200)
    commitment.postpone(
        site.node.db, "1.3", site.node.at(200), error="busy", pause=lambda n: attempts.append(n) or timedelta(seconds=1)
    )
    assert attempts == [1, 1]


def test_a_destination_without_the_service_is_not_asked_again(site):
    site.ask("1.1", 1)
    commitment.give_up(site.node.db, "1.1", site.node.at(2), error="accepts none of it")
    assert site.states() == ["uncommitted", "uncommitted"]
    assert site.errors()[0] == "not committed: accepts none of it"
    assert site.ask("1.2", 9999) is None
    assert outgoing.retry(site.node.db, site.ids[0], site.node.at(9999)).state == DeliveryState.PENDING


def test_a_destination_that_is_no_longer_to_be_asked(site):
    commitment.forget(site.node.db, "PACS")
    assert commitment.list_due(site.node.db, site.node.at(1)) == [("ARCHIVE", site.node.at(1))]
    assert site.states() == ["delivered", "delivered"]

"""Members of a group: only one that shows no life is expelled, and what it had in hand is free again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dicom.commitment import CommitmentRequest, FailureReason, Reference
from storage.commitments import changes, commitments
from storage.commitments.commitments import CommitmentState
from storage.group import associations, duties, members
from storage.group.in_hand import list_in_hand
from storage.group.members import Member
from storage.outbox import deliveries, outcomes, outgoing
from storage.outbox.deliveries import DeliveryState, Document
from tests.storage.group.rows import add_series

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def make(name: str) -> Member:
    return Member(name, "host", 7, ("receive", "score"), "1.0", 0, NOON)


def listed(db) -> dict[str, Member]:
    return {member.id: member for member in members.list_members(db)}


def test_a_member_that_beats_is_not_expelled(db):
    members.join(db, make("a"))
    seen = listed(db)["a"]
    assert members.beat(db, "a")
    assert not members.expel(db, seen, NOON)
    assert listed(db)["a"].beat == 1
    assert members.expel(db, listed(db)["a"], NOON)
    assert not listed(db)
    assert not members.beat(db, "a")


def test_only_one_of_the_others_expels_a_member(db):
    members.join(db, make("a"))
    seen = listed(db)["a"]
    assert [members.expel(db, seen, NOON) for _ in range(2)] == [True, False]


def test_what_an_expelled_member_had_in_hand_is_free_and_what_others_have_is_not(db):
    for name in ("dead", "living"):
        members.join(db, make(name))
    add_series(db, "1.2")
    documents = [Document("1.2", 1, f"1.2.{number}", "sr", f"p{number}") for number in range(2)]
    outgoing.add(db, documents, ["pacs"], NOON)
    ids = [item.id for item in deliveries.list_due(db, NOON)]
    for number, owner in zip(ids, ("dead", "living"), strict=True):
        assert outgoing.claim(db, number, NOON, owner) is not None
    assert duties.take(db, "dead", ["completion"]) == {"completion"}
    assert duties.take(db, "living", ["completion", "audit"]) == {"audit"}
    for owner in ("dead", "living"):
        associations.enter(db, owner, "1", f"1.2.{owner}")

    assert members.expel(db, listed(db)["dead"], NOON + timedelta(minutes=1))

    states = {item.id: item.state for item in deliveries.list_deliveries(db)}
    assert states == dict(zip(ids, (DeliveryState.PENDING, DeliveryState.SENDING), strict=True))
    assert associations.is_open(db, "1.2.living")
    assert not associations.is_open(db, "1.2.dead")
    assert duties.take(db, "living", ["completion"]) == {"completion", "audit"}


def test_an_expelled_member_claims_nothing_more(db):
    members.join(db, make("a"))
    add_series(db, "1.2")
    (number,) = outgoing.add(db, [Document("1.2", 1, "1.2.1", "sr", "p")], ["pacs"], NOON)
    members.expel(db, listed(db)["a"], NOON)
    assert outgoing.claim(db, number, NOON, "a") is None
    assert duties.take(db, "a", ["audit"]) == frozenset()
    associations.enter(db, "a", "1", "1.2")
    assert not associations.is_open(db, "1.2")


def test_an_outcome_of_an_expelled_member_does_not_undo_the_claim_of_another(db):
    for name in ("slow", "other"):
        members.join(db, make(name))
    add_series(db, "1.2")
    (number,) = outgoing.add(db, [Document("1.2", 1, "1.2.1", "sr", "p")], ["pacs"], NOON)
    outgoing.claim(db, number, NOON, "slow")
    members.expel(db, listed(db)["slow"], NOON)
    outgoing.claim(db, number, NOON, "other")
    outcomes.mark_failed(db, number, NOON, error="late", retry_at=NOON + timedelta(hours=1), owner="slow")
    outcomes.mark_dead(db, number, NOON, error="late", owner="slow")
    outcomes.mark_replaced(db, number, [], NOON, error="late", owner="slow")
    assert deliveries.get(db, number).state is DeliveryState.SENDING
    outcomes.mark_delivered(db, number, NOON, owner="slow")  # it is there, whoever sent it
    outcomes.mark_failed(db, number, NOON, error="again", retry_at=NOON, owner="other")
    assert deliveries.get(db, number).state is DeliveryState.DELIVERED


CT = Reference("1.2.840.10008.5.1.4.1.1.2", "1.2.1")


def ask_to_keep(db) -> int:
    """Enter a request of a peer, due at noon."""
    asked = changes.enter(db, CommitmentRequest("1.9", (CT,)), "CT1", "10.0.0.1", NOON, due_at=NOON)
    assert asked is not None
    return asked.id


MARKS = {
    "proved": lambda db, number, owner: changes.mark_proved(
        db, number, [(CT, FailureReason.NO_SUCH_INSTANCE)], NOON, owner=owner
    ),
    "reported": lambda db, number, owner: changes.mark_reported(db, number, NOON, owner=owner),
    "failed": lambda db, number, owner: changes.mark_failed(
        db, number, NOON, error="late", retry_at=NOON + timedelta(hours=1), owner=owner
    ),
    "waiting": lambda db, number, owner: changes.mark_waiting(db, number, NOON, error="late", owner=owner),
    "dead": lambda db, number, owner: changes.mark_dead(db, number, NOON, error="late", owner=owner),
}


@pytest.mark.parametrize("mark", MARKS)
def test_a_commitment_that_another_reports_by_now_is_left_alone(db, mark):
    for name in ("slow", "other"):
        members.join(db, make(name))
    number = ask_to_keep(db)
    assert changes.claim(db, number, NOON, owner="slow")
    members.expel(db, listed(db)["slow"], NOON)
    assert changes.claim(db, number, NOON, owner="other")
    before = commitments.get(db, number), commitments.load_request(db, number), commitments.load_result(db, number)
    assert not MARKS[mark](db, number, "slow")
    assert before == (
        commitments.get(db, number),
        commitments.load_request(db, number),
        commitments.load_result(db, number),
    )
    assert MARKS[mark](db, number, "other")


@pytest.mark.parametrize("mark", MARKS)
def test_an_expelled_member_has_lost_its_claim_though_nobody_has_claimed_since(db, mark):
    members.join(db, make("slow"))
    number = ask_to_keep(db)
    changes.claim(db, number, NOON, owner="slow")
    members.expel(db, listed(db)["slow"], NOON + timedelta(minutes=1))
    is_told = mark == "reported"  # and need not be told again
    assert MARKS[mark](db, number, "slow") == is_told
    assert commitments.get(db, number).state == (CommitmentState.REPORTED if is_told else CommitmentState.PENDING)
    assert len(commitments.list_due(db, NOON + timedelta(minutes=1))) == (not is_told)


def test_a_report_on_an_earlier_request_is_none_on_the_same_request_made_anew(db):
    members.join(db, make("slow"))
    number = ask_to_keep(db)
    changes.claim(db, number, NOON, owner="slow")
    members.expel(db, listed(db)["slow"], NOON)
    assert ask_to_keep(db) == number
    assert not changes.mark_reported(db, number, NOON, owner="slow")
    assert commitments.get(db, number).state is CommitmentState.PENDING
    assert commitments.load_request(db, number).references == (CT,)


def test_what_was_reported_is_not_reported_again_without_its_objects(db):
    number = ask_to_keep(db)
    changes.claim(db, number, NOON)
    changes.mark_proved(db, number, [], NOON)
    assert commitments.load_result(db, number).committed == (CT,)
    changes.mark_reported(db, number, NOON)
    assert commitments.load_result(db, number) is None


def test_a_node_alone_takes_out_all_others(db):
    for name in ("a", "b", "c"):
        members.join(db, make(name))
    duties.take(db, "b", ["audit"])
    assert members.expel_others(db, "c", NOON) == 2
    assert set(listed(db)) == {"c"}
    assert duties.list_duties(db) == {}


def test_an_association_counts_once_however_many_series_it_brings(db):
    members.join(db, make("a"))
    for series in ("1.2", "1.3"):
        associations.enter(db, "a", "7", series)
    assert associations.count_open(db) == {"a": 1}
    associations.close(db, "a", ["7"])
    assert not associations.is_open(db, "1.2")


@pytest.mark.parametrize("name", ["a", "b"])
def test_duties_are_kept_while_their_member_lives(db, name):
    for one in ("a", "b"):
        members.join(db, make(one))
    duties.take(db, name, ["witness"])
    members.leave(db, {"a": "b", "b": "a"}[name], NOON)
    assert duties.list_duties(db) == {"witness": name}


def test_what_each_member_has_in_hand(db):
    for name in ("a", "b"):
        members.join(db, make(name))
    add_series(db, "1.2")
    (number,) = outgoing.add(db, [Document("1.2", 1, "1.2.1", "sr", "p")], ["pacs"], NOON)
    outgoing.claim(db, number, NOON, "b")
    duties.take(db, "a", ["witness", "audit"])
    associations.enter(db, "b", "1", "1.2")
    one, other = list_in_hand(db)
    assert (one.duties, one.associations, one.deliveries) == (("audit", "witness"), 0, 0)
    assert (other.duties, other.associations, other.deliveries, other.commitments) == ((), 1, 1, 0)

"""The open review of a series, its edits, and its signature."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from storage.database import audit
from storage.reviews import drafts, reviews, signing
from storage.reviews.drafts import Author, Basis, Stale, TooManyEdits
from storage.reviews.reviews import ReviewState
from storage.series import lifecycle, results, states
from storage.series.states import State

UID = "1.2.1.1"
ANNA, BEN = Author("anna", "Dr. Anna"), Author("ben", "Dr. Ben")


@pytest.fixture
def scored(node):
    node.series()
    node.complete(UID, 60)
    lifecycle.start_scoring(node.db, UID, 1, node.at(61))
    lifecycle.finish(node.db, UID, 1, "{}", "scored", now=node.at(62))
    return node


def basis(revision, version=1, base=1):
    return Basis(UID, version, base, revision)


def add(node, revision, author=ANNA, **options):
    drafts.add_edit(node.db, basis(revision, **options), author, f'{{"n": {revision}}}', "{}", node.at(100 + revision))


def listed(node):
    return [(item.number, item.account, item.undone, item.discarded) for item in current(node).edits]


def current(node):
    return reviews.find_latest(node.db, UID)


def sign(node, revision, **options):
    return signing.sign(node.db, basis(revision, **options), BEN, '{"signed": 1}', node.at(200), person="ben", text="x")


def test_the_first_edit_opens_the_review(scored):
    assert current(scored) is None
    add(scored, 0)
    review = current(scored)
    assert (review.state, review.revision, review.account, review.begun_at) == ("open", 1, "anna", scored.at(100))
    assert listed(scored) == [(1, "anna", False, False)]


def test_a_second_reader_works_in_the_same_review(scored):
    add(scored, 0)
    add(scored, 1, BEN)
    assert listed(scored) == [(1, "anna", False, False), (2, "ben", False, False)]
    assert current(scored).account == "anna"


def test_whoever_has_not_seen_the_latest_edit_changes_nothing(scored):
    add(scored, 0)
    for change in (drafts.undo, drafts.redo, drafts.restart):
        with pytest.raises(Stale):
            change(scored.db, basis(0), BEN, scored.at(101))
    with pytest.raises(Stale):
        add(scored, 0, BEN)
    with pytest.raises(Stale):
        sign(scored, 0)
    assert listed(scored) == [(1, "anna", False, False)]


def test_undone_edits_are_done_again_in_order_until_another_follows(scored):
    for revision in range(3):
        add(scored, revision)
    drafts.undo(scored.db, basis(3), BEN, scored.at(110))
    drafts.undo(scored.db, basis(4), BEN, scored.at(111))
    assert [item.number for item in current(scored).counting] == [1]
    drafts.redo(scored.db, basis(5), BEN, scored.at(112))
    assert [item.number for item in current(scored).counting] == [1, 2]
    assert current(scored).can_redo
    add(scored, 6)
    assert listed(scored) == [
        (1, "anna", False, False),
        (2, "anna", False, False),
        (3, "anna", True, True),
        (4, "anna", False, False),
    ]
    assert not current(scored).can_redo
    drafts.redo(scored.db, basis(7), BEN, scored.at(113))
    assert current(scored).revision == 7, "there was nothing to do again"


def test_a_restart_undoes_all_and_can_be_taken_back(scored):
    add(scored, 0)
    add(scored, 1)
    drafts.restart(scored.db, basis(2), ANNA, scored.at(110))
    assert current(scored).counting == ()
    drafts.redo(scored.db, basis(3), ANNA, scored.at(111))
    assert [item.number for item in current(scored).counting] == [1]


def test_a_review_has_so_many_edits(scored, monkeypatch):
    monkeypatch.setattr(drafts, "MOST_EDITS", 1)
    add(scored, 0)
    with pytest.raises(TooManyEdits):
        add(scored, 1)


def test_a_signature_makes_the_next_version(scored):
    add(scored, 0)
    assert sign(scored, 1) == 2
    state = states.get(scored.db, UID)
    assert (state.state, state.version, state.updated_at) == (State.SCORED, 2, scored.at(200))
    assert results.get(scored.db, UID).score_json == '{"signed": 1}'
    assert results.get(scored.db, UID, 1).score_json == "{}"
    review = current(scored)
    assert (review.state, review.signed_version, review.reader) == (ReviewState.SIGNED, 2, "Dr. Ben")
    (signed,) = reviews.list_signed(scored.db)
    assert (signed.automatic_version, signed.signed_version, signed.reader) == (1, 2, "Dr. Ben")
    event = audit.list_events(scored.db, kind="signed")[0]
    assert (event.person, event.text, event.series_instance_uid) == ("ben", "version 2 x", UID)
    assert [item.series_instance_uid for item in states.list_unfinished(scored.db)] == [UID], "its documents are owed"


def test_a_result_can_be_signed_without_an_edit(scored):
    assert sign(scored, 0) == 2
    assert current(scored).edits == ()


@pytest.mark.parametrize("state", ["receiving", "complete", "scoring"])
def test_a_signature_loses_against_a_late_image_and_the_edits_stay(scored, state):
    add(scored, 0)
    lifecycle.rescore(scored.db, UID, scored.at(150))
    if state != "receiving":
        scored.complete(UID, 160)
    if state == "scoring":
        lifecycle.start_scoring(scored.db, UID, 2, scored.at(161))
    with pytest.raises(Stale):
        sign(scored, 1)
    assert results.get(scored.db, UID).version == 1
    assert listed(scored) == [(1, "anna", False, False)]
    assert reviews.list_signed(scored.db) == []
    assert audit.list_events(scored.db, kind="signed") == []


def test_a_newer_automatic_result_overtakes_the_review(scored):
    add(scored, 0)
    lifecycle.rescore(scored.db, UID, scored.at(150))
    scored.complete(UID, 160)
    lifecycle.start_scoring(scored.db, UID, 2, scored.at(161))
    lifecycle.finish(scored.db, UID, 2, "{}", "scored", now=scored.at(162))
    with pytest.raises(Stale):
        add(scored, 1)
    assert drafts.choose_current(current(scored), 2) is None
    add(scored, 0, BEN, version=2, base=2)
    assert (current(scored).series_version, listed(scored)) == (2, [(1, "ben", False, False)])
    with scored.db.reading() as session:
        assert session.scalars(text("SELECT state FROM reviews ORDER BY id")).all() == ["overtaken", "open"]


def test_a_signed_result_is_reviewed_again_from_where_it_was(scored):
    for revision in range(2):
        add(scored, revision)
    drafts.undo(scored.db, basis(2), ANNA, scored.at(110))
    sign(scored, 3)
    assert drafts.next_number(current(scored)) == 2
    add(scored, 3, BEN, version=2)
    assert listed(scored) == [(1, "anna", False, False), (2, "ben", False, False)]
    assert sign(scored, 4, version=2) == 3
    (signed,) = reviews.list_signed(scored.db)
    assert (signed.automatic_version, signed.signed_version) == (1, 3)
    assert reviews.find_signed(scored.db, UID) == signed


def test_of_many_signatures_at_once_one_counts(scored):
    outcomes = []
    ready = threading.Barrier(8)

    def try_it():
        ready.wait(10)
        try:
            outcomes.append(sign(scored, 0))
        except Stale:
            outcomes.append(None)

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes, key=str) == [2, *[None] * 7]
    assert results.get(scored.db, UID).version == 2

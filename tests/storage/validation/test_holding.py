"""What is held back is nobody's work, until a person releases it."""

import pytest

from storage.database import audit
from storage.series import lifecycle, priors, results, states
from storage.validation import holding

UID = "1.2.1.1"


def score(node, uid=UID, *, version=1, held=True, seconds=80):
    node.complete(uid, seconds)
    lifecycle.start_scoring(node.db, uid, version, node.at(seconds))
    lifecycle.finish(node.db, uid, version, "{}", "scored", now=node.at(seconds), held=held)


def unfinished(node):
    return [one.series_instance_uid for one in states.list_unfinished(node.db)]


@pytest.fixture
def two(node):
    """One series that is held back, one that is not."""
    node.series(1)
    node.series(1, "1.2.1.2")
    score(node)
    score(node, "1.2.1.2", held=False)
    return node


def test_only_what_is_not_held_is_taken_up(two):
    assert unfinished(two) == ["1.2.1.2"]
    assert [one.series_instance_uid for one in holding.list_held(two.db)] == [UID]
    assert (holding.count_held(two.db), holding.is_held(two.db, UID), holding.is_held(two.db, "1.2.1.2")) == (
        1,
        True,
        False,
    )


def test_a_released_result_is_taken_up_and_stands_in_the_audit(two):
    assert holding.release(two.db, two.at(90), series_instance_uids=[UID, "9"], person="weber") == [UID]
    assert set(unfinished(two)) == {UID, "1.2.1.2"}
    assert holding.release(two.db, two.at(91)) == []
    (event,) = audit.list_events(two.db, kind="released")
    assert (event.person, event.series_instance_uid) == ("weber", UID)


def test_a_correction_of_what_is_held_is_held_too(two):
    """A reader's version is saved without a word about holding."""
    results.save(two.db, UID, 2, "scored", "{}", now=two.at(90))
    results.save(two.db, "1.2.1.2", 2, "scored", "{}", now=two.at(90))
    assert [results.get(two.db, uid).held for uid in (UID, "1.2.1.2")] == [True, False]


def test_a_late_slice_makes_a_result_that_is_held_or_not_by_itself(two):
    lifecycle.rescore(two.db, UID, two.at(100))
    score(two, version=2, held=False, seconds=110)
    assert holding.list_held(two.db) == []
    assert UID in unfinished(two)


def test_a_held_result_is_nobodys_prior(node):
    for number, held in ((1, True), (2, False), (3, False)):
        attributes = {"StudyInstanceUID": f"1.{number}", "PatientID": "P", "StudyDate": f"2026010{number}"}
        node.series(1, f"1.{number}.1", **attributes)
        score(node, f"1.{number}.1", held=held)
    found = priors.find(node.db, "1.3.1", ())
    assert [one.series_instance_uid for one in found.results] == ["1.2.1"]

from datetime import timedelta

import pytest

from storage.series import expectations, lifecycle, states
from storage.series.expectations import Announcement, Expectation
from storage.series.states import State

SERIES = "1.2.1.1"


def named(*numbers, origin="1.2.9.1", final=True) -> Announcement:
    return Announcement(SERIES, "mpps", origin, frozenset(f"1.2.1.1.{number}" for number in numbers), final)


def listed(node) -> list[Expectation]:
    return expectations.list_expectations(node.db, SERIES)


def test_named_images_are_compared_with_what_is_stored(node):
    expectations.announce(node.db, named(1, 2, 3), node.at(0))
    assert listed(node) == [Expectation("mpps", "1.2.9.1", 3, 3, final=True)]
    node.series(2)
    assert listed(node) == [Expectation("mpps", "1.2.9.1", 3, 1, final=True)]
    assert expectations.list_expectations(node.db, "1.2.1.2") == []


def test_number_is_compared_with_the_objects_of_the_series(node):
    expectations.announce(node.db, Announcement(SERIES, "witness", "PACS", 3, final=False), node.at(0))
    node.series(2)
    assert listed(node) == [Expectation("witness", "PACS", 3, 1, final=False)]
    expectations.announce(node.db, Announcement(SERIES, "witness", "PACS", 1), node.at(1))
    assert listed(node) == [Expectation("witness", "PACS", 1, 0, final=True)]


def test_request_for_commitment_of_a_part_is_no_last_word(node):
    node.series(3)
    uids = frozenset(f"{SERIES}.{number}" for number in (1, 2, 3))
    expectations.announce(node.db, Announcement(SERIES, "commitment", "1.2.7", uids), node.at(0))
    assert listed(node) == [Expectation("commitment", "1.2.7", 3, 0, final=True)]
    node.series(4)
    assert listed(node) == [Expectation("commitment", "1.2.7", 3, 0, final=False)]


def test_later_announcement_of_an_origin_takes_the_place_of_the_earlier(node):
    expectations.announce(node.db, named(1, 2, final=False), node.at(0))
    assert expectations.find_announced(node.db, [SERIES]) == set()
    expectations.announce(node.db, named(2, 3, 4), node.at(1))
    expectations.announce(node.db, named(origin="1.2.9.2"), node.at(2))
    assert [(item.origin, item.expected) for item in listed(node)] == [("1.2.9.1", 3), ("1.2.9.2", 0)]
    assert expectations.find_announced(node.db, [SERIES, "1.2.1.2"]) == {SERIES}


def test_withdrawn_and_old_ones_are_forgotten(node):
    expectations.announce(node.db, named(1, 2), node.at(0))
    expectations.announce(node.db, named(1, origin="1.2.9.2"), node.at(5))
    expectations.withdraw(node.db, "mpps", "1.2.9.2")
    assert [item.origin for item in listed(node)] == ["1.2.9.1"]
    expectations.forget_before(node.db, node.at(0))
    assert listed(node)
    expectations.forget_before(node.db, node.at(0) + timedelta(seconds=1))
    assert listed(node) == []


def test_old_ones_are_forgotten_a_few_at_a_time(node, monkeypatch):
    monkeypatch.setattr(expectations, "MOST_FORGOTTEN", 2)
    for number in (3, 1, 2):
        expectations.announce(node.db, named(1, origin=f"1.2.9.{number}"), node.at(number))
    expectations.forget_before(node.db, node.at(10))
    assert [item.origin for item in listed(node)] == ["1.2.9.3"]
    expectations.forget_before(node.db, node.at(10))
    assert listed(node) == []


@pytest.fixture
def finished(node):
    """A series of two images that was scored."""
    node.series(2)
    lifecycle.complete(node.db, SERIES, node.at(10), expected=2)
    lifecycle.finish(node.db, SERIES, 1, "{}", "scored", now=node.at(11))
    return node


def test_finished_series_returns_to_receiving_when_an_image_turns_out_to_be_missing(finished):
    expectations.announce(finished.db, named(1, 2), finished.at(20))
    assert states.get(finished.db, SERIES).state == State.SCORED
    expectations.announce(finished.db, named(1, 2, 3), finished.at(20))
    assert states.get(finished.db, SERIES).state == State.RECEIVING


def test_what_is_known_to_be_missing_returns_it_only_once(finished):
    expectations.announce(finished.db, named(1, 2, 3), finished.at(20))
    lifecycle.complete(finished.db, SERIES, finished.at(30), expected=2)
    for origin in ("1.2.9.1", "1.2.9.7", "1.2.9.8"):
        expectations.announce(finished.db, named(1, 2, 3, origin=origin), finished.at(40))
    assert states.get(finished.db, SERIES).state == State.COMPLETE


def test_word_that_is_not_the_last_returns_nothing(finished):
    expectations.announce(finished.db, named(1, 2, 3, final=False), finished.at(20))
    assert states.get(finished.db, SERIES).state == State.SCORED


def test_ten_thousand_images(node):
    expectations.announce(node.db, named(*range(1, 10_001)), node.at(0))
    node.series(2)
    assert listed(node) == [Expectation("mpps", "1.2.9.1", 10_000, 9_998, final=True)]

"""Repeats of an event: the first at once, the others counted, what is remembered bounded."""

from scp.gathering import Gathering


def test_the_first_is_due_at_once_and_its_repeats_together():
    gathering = Gathering(10, 60)
    assert gathering.take("a", "a1", 0) == [("a1", 1)]
    assert gathering.take("a", "a2", 1) == []
    assert gathering.take("b", "b1", 2) == [("b1", 1)]
    assert gathering.take("a", "a3", 3) == []
    assert gathering.collect(59) == []
    assert gathering.collect(60) == [("a3", 2)]


def test_what_goes_on_is_counted_anew_and_what_has_ended_is_forgotten():
    gathering = Gathering(10, 60)
    gathering.take("a", "a1", 0)
    gathering.take("a", "a2", 1)
    assert gathering.collect(60) == [("a2", 1)]
    assert gathering.find_next() == 120
    assert gathering.take("a", "a3", 61) == []
    assert gathering.collect(120) == [("a3", 1)]
    assert gathering.collect(180) == []
    assert gathering.find_next() is None
    assert gathering.take("a", "a4", 181) == [("a4", 1)]


def test_the_oldest_makes_room_with_its_count():
    gathering = Gathering(2, 60)
    gathering.take("a", "a1", 0)
    gathering.take("b", "b1", 1)
    gathering.take("a", "a2", 2)
    assert gathering.take("c", "c1", 3) == [("a2", 1), ("c1", 1)]
    assert not gathering.knows("a")
    assert gathering.knows("b")


def test_at_the_end_all_counts_are_due():
    gathering = Gathering(2, 60)
    for item in ("a1", "a2", "a3"):
        gathering.take("a", item, 0)
    gathering.take("b", "b1", 0)
    assert gathering.collect_all() == [("a3", 2)]
    assert gathering.collect_all() == []

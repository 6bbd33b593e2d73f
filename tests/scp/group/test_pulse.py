"""Who is dead is decided by beats that do not change, on the clock of whoever looks."""

from dataclasses import replace
from datetime import UTC, datetime

from scp.group.pulse import Pulse
from storage.group.members import Member

ONE = Member("one", "host", 1, ("receive",), "1", 0, datetime(2026, 5, 1, tzinfo=UTC))


def look(pulse, times, beat=lambda _: 0) -> list[float]:
    """The times at which `ONE` was seen dead."""
    return [now for now in times if pulse.look([replace(ONE, beat=beat(now))], now)]


def test_a_member_that_beats_lives_however_its_machine_set_its_clock():
    pulse = Pulse()
    assert look(pulse, range(0, 200, 2), beat=lambda now: now // 4) == []


def test_a_member_that_shows_no_life_for_twenty_seconds_is_dead():
    assert look(Pulse(), range(0, 26, 2)) == [20, 22, 24]


def test_who_has_not_looked_for_a_while_begins_to_count_anew():
    pulse = Pulse()
    assert look(pulse, range(0, 18, 2)) == []
    assert look(pulse, range(100, 120, 2)) == []  # it was itself asleep, or the database away
    assert look(pulse, [120]) == [120]


def test_one_that_came_back_counts_from_its_last_beat():
    pulse = Pulse()
    assert look(pulse, range(0, 20, 2)) == []
    assert look(pulse, range(20, 38, 2), beat=lambda _: 1) == []
    assert look(pulse, [40], beat=lambda _: 1) == [40]

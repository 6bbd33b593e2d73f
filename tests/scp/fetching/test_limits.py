"""Rates and hours, on clocks that a test moves."""

from datetime import datetime

import pytest

from scp.fetching.limits import Hours, RateLimit, Stopped, Throttle
from scp.fetching.patience import GaveUp, Patience


class Clock:
    """Seconds that pass only while somebody waits."""

    def __init__(self):
        self.now = 100.0
        self.waits = []
        self.is_stopping = False

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.waits.append(seconds)
        self.now += seconds
        return self.is_stopping


@pytest.fixture
def standing():
    return Clock()


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("20", 20, "objects"),
        ("20/s", 20, "objects"),
        ("0.5 objects/s", 0.5, "objects"),
        ("5MB", 5e6, "bytes"),
        ("1.5 mb/s", 1.5e6, "bytes"),
        ("500kB", 5e5, "bytes"),
    ],
)
def test_rates(text, amount, unit):
    assert RateLimit.parse(text) == RateLimit(amount, unit)


@pytest.mark.parametrize("text", ["", "0", "0MB", "-1", "fast", "5 GB", "5/min"])
def test_what_is_no_rate(text):
    with pytest.raises(ValueError, match="is no rate"):
        RateLimit.parse(text)


def test_what_is_spent_is_spread_over_time(standing):
    throttle = Throttle(RateLimit(10, "objects"), wait=standing.wait, clock=standing)
    for _ in range(31):
        throttle.spend("objects", 1)
    assert standing.now == pytest.approx(103)
    standing.now += 60  # what was not used is not saved up
    throttle.spend("objects", 1)
    throttle.spend("objects", 1)
    assert standing.waits[-1] == pytest.approx(0.1)


def test_the_other_unit_and_no_limit_cost_nothing(standing):
    for limit in (RateLimit(1, "bytes"), None):
        throttle = Throttle(limit, wait=standing.wait, clock=standing)
        for _ in range(10):
            throttle.spend("objects", 1)
    assert standing.waits == []


def test_a_wait_that_is_interrupted_stops(standing):
    throttle = Throttle(RateLimit(1, "bytes"), wait=standing.wait, clock=standing)
    throttle.spend("bytes", 1000)
    standing.is_stopping = True
    with pytest.raises(Stopped):
        throttle.spend("bytes", 1)


@pytest.mark.parametrize(
    ("hours", "now", "seconds"),
    [
        ("22:00-06:00", "22:00:00", 0),
        ("22:00-06:00", "23:59:59", 0),
        ("22:00-06:00", "05:59:59", 0),
        ("22:00-06:00", "06:00:00", 16 * 3600),
        ("22:00-06:00", "21:59:30", 30),
        ("9:00-17:30", "08:00:00", 3600),
        ("9:00-17:30", "17:29:59", 0),
        ("9:00-17:30", "17:30:00", 15.5 * 3600),
        ("18:00-24:00", "23:30:00", 0),
        ("18:00-24:00", "00:00:00", 18 * 3600),
    ],
)
def test_hours(hours, now, seconds):
    at = datetime.fromisoformat(f"2026-03-02T{now}+01:00")
    assert Hours.parse(hours).measure_wait(at) == seconds


@pytest.mark.parametrize("text", ["", "22-6", "24:00-06:00", "22:60-06:00", "22:00", "10:00-10:00"])
def test_what_are_no_hours(text):
    with pytest.raises(ValueError, match=r"are no hours|at the same time"):
        Hours.parse(text)


def test_pauses_grow_and_end(standing):
    told = []
    patience = Patience(100, wait=standing.wait, tell=lambda reason, _: told.append(reason), clock=standing)
    for _ in range(8):
        patience.wait("it is away")
    with pytest.raises(GaveUp, match="it is away"):
        patience.wait("it is away")
    assert standing.waits == [1, 2, 4, 8, 16, 30, 30, 9]
    assert len(told) == 8


def test_an_answer_restores_the_patience(standing):
    patience = Patience(100, wait=standing.wait, tell=lambda *_: None, clock=standing)
    for _ in range(3):
        patience.wait("it is away")
    patience.note_success()
    standing.now += 1000
    patience.wait("it is away")
    assert standing.waits == [1, 2, 4, 1]


def test_many_failures_in_a_row_are_an_absence(standing):
    patience = Patience(100, wait=standing.wait, tell=lambda *_: None, clock=standing)
    for _ in range(4):
        patience.note_failure("C000")
    patience.note_success()
    for _ in range(4):
        patience.note_failure("C000")
    assert standing.waits == []
    patience.note_failure("C000")
    assert standing.waits == [1]
    standing.is_stopping = True
    with pytest.raises(Stopped):
        patience.note_failure("C000")

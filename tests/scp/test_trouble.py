"""An outage is told once when it begins, and once when it ends."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from config.errors import Transient
from scp import trouble
from scp.trouble import Trouble


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def made(clock):
    return Trouble("cannot", "can again", monotonic=clock)


@pytest.fixture
def lines():
    with capture_logs() as captured:
        yield captured


def lost(words: str) -> Transient:
    """An error as a server makes it that goes away."""
    error = Transient(words)
    error.__cause__ = OperationalError("SELECT 1", {}, Exception(words), connection_invalidated=True)
    return error


def test_a_failure_is_told_once_and_its_end_once(made, clock, lines):
    for _ in range(100):
        made.note(Transient("the disk is full"), series="1.2")
        clock.now += 3
    made.end()
    made.end()
    assert lines == [
        {"log_level": "warning", "event": "cannot", "reason": "the disk is full", "series": "1.2"},
        {"log_level": "info", "event": "can again", "failures": 100, "seconds": 297},
    ]
    made.note(Transient("the disk is full"))
    assert len(lines) == 3, "the next one is told again"


def test_nothing_is_told_of_what_succeeds(made, lines):
    made.end()
    assert lines == []


def test_a_server_that_goes_is_one_outage_in_whatever_words(made, lines):
    for words in ("terminating connection due to administrator command", "connection refused", "starting up"):
        made.note(lost(words))
    assert [line["reason"] for line in lines] == ["terminating connection due to administrator command"]


def test_another_reason_is_told_too_up_to_a_limit(made, lines):
    for _ in range(2):
        for number in range(20):
            made.note(Transient(f"reason {number}"))
    assert [line["reason"] for line in lines] == [f"reason {number}" for number in range(8)]
    made.end()
    assert lines[-1]["failures"] == 40


def test_a_failure_long_after_the_last_one_is_another_outage(made, clock, lines):
    made.note(Transient("away"))
    clock.now = trouble.APART_SECONDS
    made.note(Transient("away"))
    clock.now += trouble.APART_SECONDS + 1
    made.note(Transient("away"))
    assert len(lines) == 2
    made.end()
    assert lines[-1]["failures"] == 1

"""A clock that jumps deletes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scp.retention.steadiness import STEADY, Steadiness
from storage.database.engine import Database

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clocks:
    """A wall clock that can jump, and one that cannot."""

    def __init__(self) -> None:
        self.now, self.seconds = START, 0.0

    def wait(self, span: timedelta) -> None:
        self.now += span
        self.seconds += span.total_seconds()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    db = Database.open(f"sqlite:///{tmp_path / 'index.db'}")
    db.migrate()
    yield db
    db.close()


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def begin(database: Database, clocks: Clocks) -> Steadiness:
    return Steadiness(database, clock=lambda: clocks.now, monotonic=lambda: clocks.seconds)


def watch(steadiness: Steadiness, clocks: Clocks, span: timedelta) -> str:
    """Look every five minutes for a while and return the last doubt."""
    doubt = ""
    end = clocks.now + span
    while clocks.now < end:
        clocks.wait(timedelta(minutes=5))
        doubt = steadiness.find_doubt()
    return doubt


def test_a_new_node_watches_for_a_day(database: Database, clocks: Clocks) -> None:
    steadiness = begin(database, clocks)
    assert steadiness.find_doubt() == ("the clock is being watched; nothing is deleted before 2026-03-02 12:00 UTC")
    assert watch(steadiness, clocks, STEADY - timedelta(minutes=5))
    assert watch(steadiness, clocks, timedelta(minutes=5)) == ""


@pytest.mark.parametrize(
    ("jump", "words"),
    [(timedelta(days=365), "8760 hours"), (timedelta(hours=1), "60 minutes"), (timedelta(hours=-1), "-60 minutes")],
)
def test_a_jump_is_noticed_and_waited_for(database: Database, clocks: Clocks, jump: timedelta, words: str) -> None:
    steadiness = begin(database, clocks)
    steadiness.find_doubt()
    assert watch(steadiness, clocks, STEADY) == ""
    clocks.now += jump
    assert f"the clock has jumped by {words}; nothing is deleted before" in steadiness.find_doubt()
    assert watch(steadiness, clocks, STEADY - timedelta(minutes=10))
    assert watch(steadiness, clocks, timedelta(minutes=15)) == ""


def test_a_restart_within_a_day_goes_on(database: Database, clocks: Clocks) -> None:
    steadiness = begin(database, clocks)
    steadiness.find_doubt()
    assert watch(steadiness, clocks, STEADY) == ""
    clocks.wait(timedelta(hours=10))
    assert begin(database, clocks).find_doubt() == ""


def test_a_start_with_the_clock_a_year_ahead_deletes_nothing(database: Database, clocks: Clocks) -> None:
    steadiness = begin(database, clocks)
    steadiness.find_doubt()
    assert watch(steadiness, clocks, STEADY) == ""
    clocks.now += timedelta(days=365)
    again = begin(database, clocks)
    assert "the clock is 8760 hours from that of the last look" in again.find_doubt()
    clocks.wait(timedelta(minutes=5))
    assert again.find_doubt().startswith("the clock is being watched")

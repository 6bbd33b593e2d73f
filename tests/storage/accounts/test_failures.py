"""Failed attempts by name: growing pauses that end by themselves, in a bounded table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage.accounts import failures

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def db(node):
    return node.db


def test_the_first_attempts_are_free_then_pauses_grow_up_to_a_limit(db):
    now, pauses = NOW, []
    for _ in range(20):
        assert failures.attempt(db, "k", now) is None
        until = failures.find_pause(db, "k", now)
        pauses.append(until - now if until else timedelta(0))
        now = until or now
    seconds = [int(pause.total_seconds()) for pause in pauses]
    assert seconds == [0, 0, 0, 0, 30, 60, 120, 240, 480, *[900] * 11]


def test_a_pause_refuses_and_does_not_grow_by_being_tried(db):
    for _ in range(failures.FREE_ATTEMPTS):
        assert failures.attempt(db, "k", NOW) is None
    until = failures.find_pause(db, "k", NOW)
    for _ in range(50):
        assert failures.attempt(db, "k", NOW) == until
    assert failures.attempt(db, "other", NOW) is None
    assert failures.attempt(db, "k", until) is None


def test_what_is_cleared_or_a_day_old_is_forgotten(db):
    for _ in range(failures.FREE_ATTEMPTS - 1):
        failures.attempt(db, "k", NOW)
    assert failures.clear(db, "k")
    assert not failures.clear(db, "k")
    for _ in range(failures.FREE_ATTEMPTS - 1):
        failures.attempt(db, "k", NOW)
    failures.attempt(db, "k", NOW + timedelta(days=1))
    assert failures.find_pause(db, "k", NOW + timedelta(days=1)) is None


def test_the_table_is_bounded(db, monkeypatch):
    monkeypatch.setattr(failures, "MOST_KEYS", 3)
    for number in range(5):
        for _ in range(failures.FREE_ATTEMPTS):
            failures.attempt(db, str(number), NOW + timedelta(seconds=number))
    assert sorted(failures.list_paused(db, NOW)) == ["2", "3", "4"]

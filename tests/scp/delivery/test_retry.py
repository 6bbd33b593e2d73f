"""Doubling, cap, jitter and last attempt of the retry strategy, as a table."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.results import ResultsSettings
from scp.delivery.retry import Retry


def always(value: float):
    return lambda: value


@pytest.mark.parametrize(
    ("failed", "seconds"),
    [(1, 5), (2, 10), (3, 20), (4, 40), (7, 320), (8, 640), (9, 900), (10, 900), (99, 900), (100, None), (101, None)],
)
def test_the_pause_doubles_up_to_the_cap_until_the_last_attempt(failed, seconds):
    retry = Retry(first_seconds=5, longest_seconds=900, attempts=100, jitter=always(1.0))
    assert retry.pause(failed) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 4), (0.25, 5), (0.5, 6), (0.75, 7), (1.0, 8)])
@pytest.mark.parametrize(("first", "longest", "failed"), [(8, 100, 1), (2, 100, 3), (50, 8, 1), (5, 8, 9)])
def test_jitter_takes_away_up_to_half_of_the_pause(jitter, seconds, first, longest, failed):
    """Also of a pause at the cap: the jitter comes after it."""
    assert Retry(first, longest, 10, always(jitter)).pause(failed) == timedelta(seconds=seconds)


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_no_pause_follows_the_last_attempt(attempts):
    pauses = [Retry(1, 1, attempts, always(1.0)).pause(failed) for failed in range(1, attempts + 2)]
    assert pauses == [timedelta(seconds=1)] * (attempts - 1) + [None, None]


def test_a_strategy_for_ever_stays_at_its_cap():
    assert Retry(1, 900, 10**9, always(1.0)).pause(10**6) == timedelta(seconds=900)


@given(st.floats(0.01, 60), st.floats(0.01, 3600), st.integers(1, 200))
def test_unless_it_is_given_the_jitter_is_random_within_its_bounds(first, longest, failed):
    pauses = [Retry(first, longest, 201).pause(failed).total_seconds() for _ in range(8)]
    whole = min(longest, first * 2 ** (failed - 1))
    assert all(whole / 2 - 1e-6 <= pause <= whole + 1e-6 for pause in pauses)
    assert whole < 0.001 or len(set(pauses)) > 1


def test_the_strategy_is_the_configured_one():
    settings = ResultsSettings(retry_first_seconds=3, retry_longest_seconds=70, retry_attempts=4)
    retry = Retry.from_settings(settings)
    assert (retry.first_seconds, retry.longest_seconds, retry.attempts) == (3, 70, 4)


@pytest.mark.parametrize(("jitter", "days"), [(0.0, 10), (1.0, 20)])
def test_by_default_a_destination_may_be_away_for_more_than_a_week(jitter, days):
    retry = replace(Retry.from_settings(ResultsSettings()), jitter=always(jitter))
    waited, failed = timedelta(), 0
    while (pause := retry.pause(failed := failed + 1)) is not None:
        waited += pause
    assert timedelta(days=days) < waited < timedelta(days=days + 1)

"""A clock that is set while the node is down, or runs, ends no wait for missing images early, and none much later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from config.settings import CompletionSettings
from scp.reception.completion import NOTE_SECONDS, Completion
from scp.reception.facts import IndexFacts
from storage.series import lifecycle, states, waits
from storage.series.states import State

DEADLINE, QUIET = 900.0, 10.0
SETTINGS = CompletionSettings(quiet_seconds=QUIET, gap_deadline_seconds=DEADLINE, hold_seconds=60)
IMAGE = {"Rows": 2, "Columns": 2, "PixelSpacing": [1, 1], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}


class Process:
    """A process that watches an index from its start on; its own clock begins anew with it."""

    def __init__(self, installation) -> None:
        self.here = installation
        self.now = 0.0
        self.completion = Completion(
            SETTINGS,
            clock=lambda: self.now,
            facts=IndexFacts(installation.database, installation.clock),
            complete=self._complete,
            wait=lambda uid, seconds, why: waits.wait(
                installation.database, uid, installation.clock() + timedelta(seconds=seconds), why
            ),
        )
        self.look()

    def _complete(self, uid, checked, why):
        lifecycle.complete(self.here.database, uid, self.here.clock(), flags=why, expected=checked)

    def look(self) -> None:
        self.completion.look()
        self.completion.tick()

    def watch(self, seconds: float, uid: str) -> float:
        """Watch for so long, every 3 seconds; return when the series was complete, infinite if it was not."""
        end = self.now + seconds
        while self.now < end:
            self.now += 3
            self.here.clock.advance(3)
            self.look()
            if states.get(self.here.database, uid).state == State.COMPLETE:
                return self.now
        return float("inf")


@pytest.fixture
def series(install, receive) -> Callable[[], str]:
    """Receive a series with a gap."""

    def make() -> str:
        for number, z in enumerate((0, 3, 9, 12), 1):
            receive(install(), 1, first=number, ImagePositionPatient=[0, 0, z], InstanceNumber=number, **IMAGE)
        return "1.2.1.1"

    return make


@pytest.fixture
def begin(install) -> Callable[[], Process]:
    """Start a process on the index."""
    return lambda: Process(install())


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 86400.0 * 365])
def test_a_jump_while_the_node_runs_changes_nothing(series, begin, clock, jump):
    uid, node = series(), begin()
    assert node.watch(300, uid) == float("inf")
    clock.advance(jump)
    assert node.watch(DEADLINE, uid) == DEADLINE


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 86400.0 * 365])
def test_a_jump_while_the_node_is_down_ends_no_wait_early_and_delays_it_by_a_minute_at_most(series, begin, clock, jump):
    """Killed, so that what was waited since the last note is waited once more."""
    uid, first = series(), begin()
    waited = 630.0
    assert first.watch(waited, uid) == float("inf")
    clock.advance(jump)
    then = begin().watch(2 * DEADLINE, uid)
    assert DEADLINE - waited <= then <= DEADLINE - waited + NOTE_SECONDS


def test_a_jump_before_a_second_restart_ends_no_wait_early(series, begin, clock):
    uid, waited = series(), 0.0
    for jump in (3600, -7200, 3600, 86400):
        process = begin()
        assert process.watch(150, uid) == float("inf")
        waited += 150
        clock.advance(jump)
    then = begin().watch(2 * DEADLINE, uid)
    assert DEADLINE - waited <= then <= DEADLINE - waited + 4 * NOTE_SECONDS


def test_the_time_for_which_a_node_was_down_is_not_waited(series, begin, clock):
    """Nobody could have sent the missing image then."""
    uid, first = series(), begin()
    first.watch(100, uid)
    clock.advance(8 * 3600)
    assert begin().watch(2 * DEADLINE, uid) >= DEADLINE - 100 - 3


def test_a_series_whose_wait_has_ended_is_not_waited_for_again(series, begin, install, clock):
    uid = series()
    assert begin().watch(2 * DEADLINE, uid) == DEADLINE
    clock.advance(86400)
    lifecycle.rescore(install().database, uid, clock())
    assert QUIET <= begin().watch(DEADLINE, uid) <= QUIET + 3

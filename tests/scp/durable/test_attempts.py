"""What follows a failure of the work on a series: a table, and the loop that carries it out."""

from datetime import timedelta

import pytest

from config.errors import NotScorable, Permanent, Transient
from scp.delivery.retry import Retry
from scp.durable.attempts import ATTEMPTS, GiveUp, LeaveForLater, TryAgain, attempt, decide

LOST = FileNotFoundError(2, "No such file or directory", "/store/1.dcm")
BUG, AWAY = ZeroDivisionError("oops"), Transient("the database is busy")
RETRY = Retry(first_seconds=2, longest_seconds=4, attempts=3, jitter=lambda: 1.0)


@pytest.mark.parametrize(
    ("error", "number", "stopping", "decision"),
    [
        (BUG, 1, False, TryAgain(timedelta(seconds=2))),
        (BUG, 2, False, TryAgain(timedelta(seconds=4))),
        (BUG, 3, False, GiveUp("internal error (oops), see the node's log")),
        (AssertionError(), 3, False, GiveUp("internal error, see the node's log")),
        (Permanent("no such series"), 3, False, GiveUp("no such series")),
        (
            NotScorable("timeout", seconds=60.0),
            3,
            False,
            GiveUp("Scoring took longer than 60 s (scoring.timeout_seconds)"),
        ),
        (AWAY, 1, False, TryAgain(timedelta(seconds=2))),
        (AWAY, 3, False, LeaveForLater()),
        (LOST, 1, False, TryAgain(timedelta(seconds=2))),
        (LOST, 3, False, LeaveForLater()),
        (OSError("a library's words"), 3, False, GiveUp("internal error (a library's words), see the node's log")),
        (BUG, 1, True, LeaveForLater()),
        (BUG, 3, True, LeaveForLater()),
        (AWAY, 1, True, LeaveForLater()),
    ],
)
def test_decisions(error, number, stopping, decision):
    assert decide(error, number, retry=RETRY, stopping=stopping) == decision


def test_the_scoring_worker_is_held_for_six_seconds_at_most():
    pauses = [ATTEMPTS.pause(number) for number in (1, 2, 3)]
    assert pauses == [timedelta(seconds=2), timedelta(seconds=4), None]


class FakeWork:
    """Fails with each of the errors in turn, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.runs, self.reasons, self.postponed = list(errors), 0, [], []

    def run(self, series_instance_uid: str, version: int) -> None:
        assert (series_instance_uid, version) == ("1.2", 3)
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)

    def postpone(self, series_instance_uid: str, version: int, reason: str) -> None:
        assert (series_instance_uid, version) == ("1.2", 3)
        self.postponed.append(reason)
        if reason == "the database is busy":
            raise AWAY

    def abandon(self, series_instance_uid: str, version: int, reason: str) -> None:
        assert (series_instance_uid, version) == ("1.2", 3)
        self.reasons.append(reason)


class FakeStop:
    """Never waits; the node stops during the wait of this number."""

    def __init__(self, at: int = 0) -> None:
        self.at, self.waits = at, []

    def is_set(self) -> bool:
        return 0 < self.at <= len(self.waits)

    def wait(self, timeout: float) -> bool:
        self.waits.append(timeout)
        return self.is_set()


def run(work: FakeWork, stop: FakeStop) -> None:
    attempt(work, "1.2", 3, retry=RETRY, stop=stop)


def test_success_at_once():
    work, stop = FakeWork(), FakeStop()
    run(work, stop)
    assert (work.runs, work.reasons, stop.waits) == (1, [], [])


def test_a_failure_that_passes():
    work, stop = FakeWork(BUG, AWAY), FakeStop()
    run(work, stop)
    assert (work.runs, work.reasons, stop.waits) == (3, [], [2, 4])


def test_a_series_that_is_given_up_holds_the_worker_no_longer():
    work, stop = FakeWork(BUG, BUG, BUG), FakeStop()
    run(work, stop)
    assert (work.runs, work.reasons, stop.waits) == (3, ["internal error (oops), see the node's log"], [2, 4])


@pytest.mark.parametrize(
    ("error", "reason"), [(AWAY, "the database is busy"), (LOST, "/store/1.dcm: No such file or directory")]
)
def test_a_fault_of_the_machine_is_no_verdict_and_says_why_it_waits(error, reason):
    work, stop = FakeWork(error, error, error), FakeStop()
    with pytest.raises(Transient, match=reason):
        run(work, stop)
    assert (work.runs, work.reasons, work.postponed) == (3, [], [reason])


@pytest.mark.parametrize("error", [BUG, AWAY])
def test_a_stop_between_two_attempts_leaves_the_series_for_the_next_start(error):
    work, stop = FakeWork(error, error, error), FakeStop(at=1)
    with pytest.raises(Transient, match="the node is stopping"):
        run(work, stop)
    assert (work.runs, work.reasons, work.postponed, stop.waits) == (1, [], [], [2])


def test_what_fails_because_the_node_stops_is_left_for_the_next_start():
    stop = FakeStop(at=1)
    stop.waits.append(0.0)
    work = FakeWork(BUG)
    with pytest.raises(ZeroDivisionError):
        run(work, stop)
    assert (work.runs, work.reasons) == (1, [])

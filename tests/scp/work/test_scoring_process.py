"""The scorer with a worker that is no process: replaced once, given up in time, ended in the middle."""

import threading
from collections import deque

import pytest

from config.errors import ConfigurationError, NotScorable, Transient
from config.settings import ScoringSettings, SelectionSettings
from scoring.report.common.catalogue import sentence
from scoring.report.common.texts import load_english
from scp.work.requests import ScoreRequest
from scp.work.scoring_process import MOST_DEATHS, ScoringProcess
from scp.work.worker import Died, Failed, TookTooLong


class FakeWorker:
    """Answers from a list that all workers of a test share: a value, or an exception that `ask` raises."""

    def __init__(self, outcomes: deque) -> None:
        self.outcomes, self.is_alive, self.closed = outcomes, True, False
        self.asked, self.killed = [], threading.Event()

    def ask(self, request, timeout):
        assert self.is_alive
        assert not self.closed
        self.asked.append((request, timeout))
        outcome = self.outcomes.popleft()
        if callable(outcome):
            outcome = outcome(self)
        if isinstance(outcome, Died):
            self.is_alive = False
        if isinstance(outcome, Died | TookTooLong):
            raise outcome
        return outcome

    def kill(self):
        self.killed.set()

    def close(self):
        self.closed = True


class Site:
    def __init__(self, *outcomes) -> None:
        self.outcomes, self.workers = deque(outcomes), []
        self.scorer = ScoringProcess(60, start_worker=self._start)

    def _start(self):
        self.workers.append(FakeWorker(self.outcomes))
        return self.workers[-1]

    def score(self):
        return self.scorer.score(["a.dcm"], ScoringSettings(), SelectionSettings())


def test_one_worker_serves_several_series(score):
    site = Site(score.to_json(), score.to_json())
    site.scorer.start()
    assert site.score() == site.score() == score
    (worker,) = site.workers
    request = ScoreRequest(("a.dcm",), ScoringSettings(), SelectionSettings())
    assert worker.asked == [(request, 60)] * 2


def test_a_worker_that_was_ended_from_outside_is_replaced(score):
    site = Site(Died(-9), score.to_json())
    assert site.score() == score
    assert [worker.closed for worker in site.workers] == [True, False]


def test_a_worker_that_died_between_two_series_is_replaced(score):
    site = Site(score.to_json(), score.to_json())
    site.score()
    site.workers[0].is_alive = False
    assert site.score() == score
    assert [worker.closed for worker in site.workers] == [True, False]


@pytest.mark.parametrize("codes", [(-9, -9), (-15, -15), (-11, -9), (-9, -11)])
def test_a_worker_that_is_killed_again_and_again_is_no_verdict_on_the_series(score, codes):
    site = Site(*map(Died, codes), score.to_json())
    with pytest.raises(Transient, match="killed from outside"):
        site.score()
    assert site.score() == score


@pytest.mark.parametrize("code", [-11, -6, -7, 1])
def test_a_series_on_which_the_worker_always_crashes_is_not_scorable(score, code):
    site = Site(*[Died(code)] * MOST_DEATHS, score.to_json())
    with pytest.raises(NotScorable) as caught:
        site.score()
    assert caught.value.code == "crashed"
    assert f"exit code {code}" in str(caught.value)
    assert site.score() == score
    assert [worker.closed for worker in site.workers] == [True] * MOST_DEATHS + [False]


def test_a_series_that_takes_too_long_is_not_scorable_and_the_next_one_is_served(score):
    site = Site(TookTooLong(), score.to_json())
    with pytest.raises(NotScorable) as caught:
        site.score()
    assert caught.value.code == "timeout"
    assert site.score() == score
    assert [worker.closed for worker in site.workers] == [True, False]


def test_an_error_of_ours_travels_as_it_is_and_the_worker_stays():
    site = Site(ConfigurationError("there is no engine named 'mine'"), NotScorable("contrast", blood_hu=200))
    with pytest.raises(ConfigurationError, match="there is no engine named 'mine'"):
        site.score()
    with pytest.raises(NotScorable):
        site.score()
    assert [worker.closed for worker in site.workers] == [False]


def test_an_error_that_nobody_foresaw_is_told_in_words_and_logged_with_its_place(caplog):
    site = Site(Failed("oops", 'File "geometry.py", line 7\nZeroDivisionError'))
    with pytest.raises(NotScorable) as caught:
        site.score()
    assert (caught.value.code, caught.value.values) == ("internal", {"error": "oops"})
    words = sentence(caught.value, load_english())
    assert words == "Scoring failed because of an error in the software (oops); the log has the details"
    assert "geometry.py" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert [worker.closed for worker in site.workers] == [False]


def test_a_closed_scorer_takes_nothing():
    site = Site()
    site.scorer.close()
    for call in (site.scorer.start, site.score):
        with pytest.raises(Transient, match="stopping"):
            call()
    assert site.workers == []


def test_closing_in_the_middle_is_no_verdict_on_the_series():
    """Another thread closes while the worker is asked; the worker dies of it, and is not replaced."""
    closing = []

    def until_killed(worker):
        closing.append(threading.Thread(target=site.scorer.close))
        closing[0].start()
        assert worker.killed.wait(60)
        return Died(-9)

    site = Site(until_killed)
    with pytest.raises(Transient, match="stopping"):
        site.score()
    closing[0].join(60)
    assert not closing[0].is_alive()
    assert [worker.closed for worker in site.workers] == [True]

import os
import threading
import time
from contextlib import closing

import pytest

from config.errors import ConfigurationError, NotScorable, Transient
from config.settings import ScoringSettings, SelectionSettings
from scp.work import scoring_process as module
from scp.work.scoring_process import Scorer


def ask(scorer, files=(), **scoring):
    return scorer.score(files, ScoringSettings(**scoring), SelectionSettings())


@pytest.fixture
def images(small_series, tmp_path):
    paths = []
    for number, image in enumerate(small_series):
        paths.append(tmp_path / f"{number}.dcm")
        image.save_as(paths[-1], enforce_file_format=True)
    return paths


@pytest.fixture
def dying(monkeypatch):
    """Let the first so many processes end at once: os._exit takes no pipe, so it fails before it has begun."""

    def first(count):
        started, start, serve = [], Scorer._ensure, module._serve

        def ensure(self):
            monkeypatch.setattr(module, "_serve", os._exit if len(started) < count else serve)
            started.append(None)
            return start(self)

        monkeypatch.setattr(Scorer, "_ensure", ensure)
        return started

    return first


def test_one_process_serves_several_series(images):
    with closing(Scorer(60)) as scorer:
        first = ask(scorer, images)
        process = scorer._process.pid
        assert first.status == "scored"
        assert ask(scorer, images) == first
        assert scorer._process.pid == process


def test_a_process_that_was_ended_from_outside_is_replaced(images, dying):
    started = dying(1)
    with closing(Scorer(60)) as scorer:
        assert ask(scorer, images).status == "scored"
    assert len(started) == 2


def test_a_series_on_which_the_process_dies_twice_is_not_scorable(dying):
    started = dying(2)
    with closing(Scorer(60)) as scorer, pytest.raises(NotScorable, match=r"died twice \(exit code 1\)") as caught:
        ask(scorer)
    assert caught.value.code == "crashed"
    assert len(started) == 2


def test_a_series_that_takes_too_long_is_not_scorable_and_the_next_one_is_served(images):
    with closing(Scorer(0.01)) as scorer:
        scorer.start()
        with pytest.raises(NotScorable, match=r"longer than 0\.01 s"):
            ask(scorer, images)
        scorer._timeout = 60
        assert ask(scorer, images).status == "scored"


def test_an_error_of_ours_travels_as_it_is():
    with closing(Scorer(60)) as scorer, pytest.raises(ConfigurationError, match="no engine is named 'mine'"):
        ask(scorer, engine="mine")


def test_a_closed_scorer_takes_nothing():
    scorer = Scorer(60)
    scorer.close()
    with pytest.raises(Transient, match="stopping"):
        ask(scorer)


def test_closing_in_the_middle_is_no_verdict_on_the_series(images):
    scorer, verdicts = Scorer(60), []

    def work():
        try:
            while True:
                ask(scorer, images)
        except Transient as error:
            verdicts.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 60
    while scorer._process is None and time.monotonic() < deadline:
        time.sleep(0.01)
    scorer.close()
    thread.join(60)
    assert [type(verdict) for verdict in verdicts] == [Transient]

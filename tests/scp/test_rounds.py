"""Work that is looked at again and again."""

import threading

import pytest
from structlog.testing import capture_logs

from config.errors import Transient
from scp.rounds import Rounds


@pytest.mark.parametrize("fault", [Transient("away"), ValueError("odd")])
def test_a_look_that_fails_is_followed_by_the_next(fault):
    looks, enough = [], threading.Event()

    def look() -> None:
        looks.append(1)
        if len(looks) == 3:
            enough.set()
        raise fault

    rounds = Rounds("looking", look, 0.001, failed="looking failed", again="looking again")
    rounds.start()
    assert enough.wait(20)
    rounds.stop()
    count = len(looks)
    assert rounds.is_stopping
    assert len(looks) == count


def test_it_begins_once_and_may_end_without_a_beginning():
    rounds = Rounds("looking", lambda: None, 60, failed="looking failed", again="looking again")
    rounds.stop()
    assert not rounds.has_begun
    rounds.start()
    rounds.start()
    assert rounds.has_begun
    rounds.stop()


def test_the_first_look_can_wait():
    looks: list[int] = []
    rounds = Rounds(
        "looking", lambda: looks.append(1), 60, failed="looking failed", again="looking again", at_once=False
    )
    rounds.start()
    rounds.stop()
    assert looks == []


def test_an_outage_is_told_when_it_begins_and_when_it_ends():
    looks, enough = [], threading.Event()

    def look() -> None:
        looks.append(1)
        if len(looks) < 5:
            raise Transient("away")
        if len(looks) == 7:
            enough.set()

    with capture_logs() as lines:
        rounds = Rounds("looking", look, 0.001, failed="looking failed", again="looking again")
        rounds.start()
        assert enough.wait(20)
        rounds.stop()
    assert [(line["event"], line.get("reason"), line.get("failures")) for line in lines] == [
        ("looking failed", "away", None),
        ("looking again", None, 4),
    ]

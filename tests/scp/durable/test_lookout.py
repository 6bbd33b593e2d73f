"""A loop over a queue waits for long, and looks at once where it is nudged."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from queue import Queue

import pytest

from scp.durable.lookout import Lookout


@pytest.fixture
def loop():
    """A loop that waits for an hour, and the times of its looks."""
    lookout, looks = Lookout(), Queue()

    def run():
        while not lookout.wait(3600):
            looks.put(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    yield lookout, looks
    lookout.set()
    thread.join(30)
    assert not thread.is_alive()


def test_a_nudge_brings_a_few_looks_of_which_the_first_is_now(loop):
    lookout, looks = loop
    lookout.nudge()
    times = [looks.get(timeout=30) for _ in range(4)]
    assert times[-1] - times[0] >= 1.2
    assert looks.empty()


def test_a_nudge_within_the_pause_after_another_is_not_left_for_later(loop):
    lookout, looks = loop
    lookout.nudge()
    for _ in range(3):
        looks.get(timeout=30)
    lookout.nudge()  # in the pause of a second before the last look
    times = [looks.get(timeout=30) for _ in range(5)]
    assert times[-1] - times[0] >= 1.2
    assert looks.empty()


def test_between_two_looks_there_is_time_to_count_what_the_first_has_taken(loop):
    lookout, looks = loop
    times = []
    for _ in range(3):
        lookout.nudge()
        times.append(looks.get(timeout=30))
    assert all(later - earlier >= 0.04 for earlier, later in pairwise(times))
    for _ in range(3):
        looks.get(timeout=30)


def test_a_look_under_way_can_be_waited_for():
    lookout, looking, end, waited = Lookout(), threading.Event(), threading.Event(), threading.Event()

    def run():
        while not lookout.wait(3600):
            looking.set()
            assert end.wait(30)

    def settle():
        lookout.settle(30)
        waited.set()

    lookout.settle(30)  # there is none yet
    threads = [threading.Thread(target=run), threading.Thread(target=settle)]
    threads[0].start()
    lookout.nudge()
    assert looking.wait(30)
    threads[1].start()
    assert not waited.wait(0.05)
    end.set()
    assert waited.wait(30)
    lookout.settle(30)
    lookout.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_without_a_nudge_it_looks_after_its_time():
    lookout = Lookout()
    assert lookout.wait(0.01) is False
    assert not lookout.is_set()


def test_the_end_is_told_at_once_and_again():
    lookout = Lookout()
    lookout.nudge()
    lookout.set()
    assert lookout.wait(3600)
    assert lookout.wait()
    assert lookout.is_set()

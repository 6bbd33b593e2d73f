"""Turns: of each name so many at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from scp.durable.turns import Turns


@contextmanager
def waiting(turns: Turns, name: str) -> Iterator[threading.Event]:
    """A thread that takes a turn; the event tells that it has it."""
    has_it = threading.Event()

    def take():
        with turns.take(name):
            has_it.set()

    thread = threading.Thread(target=take)
    thread.start()
    yield has_it
    thread.join(30)
    assert not thread.is_alive()


@pytest.mark.parametrize("together", [1, 3])
def test_a_turn_is_waited_for_until_another_is_given_back(together):
    turns = Turns(together)
    with ExitStack() as end:
        with ExitStack() as taken:
            for _ in range(together):
                taken.enter_context(turns.take("PACS"))
            has_it = end.enter_context(waiting(turns, "PACS"))
            assert not has_it.wait(0.05)
        assert has_it.wait(30)


def test_names_do_not_wait_for_each_other():
    turns = Turns()
    with turns.take("PACS"), waiting(turns, "ARCHIVE") as has_it:
        assert has_it.wait(30)


def test_a_turn_is_given_back_by_who_fails_and_its_name_forgotten():
    turns = Turns()
    with pytest.raises(ValueError, match="oops"), turns.take("PACS"):
        raise ValueError("oops")
    assert not turns._taken
    with waiting(turns, "PACS") as has_it:
        assert has_it.wait(30)

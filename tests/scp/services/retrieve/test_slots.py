import threading
from contextlib import ExitStack

import pytest

from scp.services.retrieve.slots import Busy, Slots


def hold(stack, slots, destination):
    return stack.enter_context(slots.taken(destination, lambda: True, seconds=0))


def test_moves_to_one_destination_and_in_all_are_limited(monkeypatch):
    monkeypatch.setattr("scp.services.retrieve.slots._LOOK_SECONDS", 0.01)
    slots = Slots(3, 2)
    with ExitStack() as stack:
        assert hold(stack, slots, "A")
        assert hold(stack, slots, "A")
        with pytest.raises(Busy):
            hold(stack, slots, "A")
        assert hold(stack, slots, "B")
        with pytest.raises(Busy):
            hold(stack, slots, "C")
    with ExitStack() as stack:
        assert hold(stack, slots, "C")


def test_who_waits_is_asked_whether_to_go_on(monkeypatch):
    monkeypatch.setattr("scp.services.retrieve.slots._LOOK_SECONDS", 0.01)
    slots = Slots(1, 1)
    answers = iter([True, True, False])
    with (
        slots.taken("A", lambda: True, seconds=0),
        slots.taken("A", lambda: next(answers), seconds=60) as is_free,
    ):
        assert not is_free
    with slots.taken("A", lambda: True, seconds=0) as is_free:
        assert is_free, "who gave up holds nothing"


def test_a_slot_that_becomes_free_is_taken_at_once():
    slots = Slots(1, 1)
    waits, got = threading.Event(), threading.Event()

    def wait() -> bool:
        waits.set()
        return True

    def second() -> None:
        with slots.taken("A", wait, seconds=60):
            got.set()

    thread = threading.Thread(target=second)
    with slots.taken("A", lambda: True, seconds=0):
        thread.start()
        assert waits.wait(30)
        assert not got.is_set()
    assert got.wait(30)
    thread.join(30)


def test_an_error_frees_the_slot():
    slots = Slots(1, 1)
    with pytest.raises(KeyError), slots.taken("A", lambda: True, seconds=0):
        raise KeyError
    with slots.taken("A", lambda: True, seconds=0) as is_free:
        assert is_free

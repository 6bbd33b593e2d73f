"""What a receiver tells its node: gathered, in order, with the ends of associations; seats are the node's to give."""

from __future__ import annotations

import multiprocessing
import threading

import pytest

from scp.receivers.link import News, SeatAnswered, SeatWanted
from scp.receivers.pipe import Pipe
from scp.receivers.reporter import AskedSeats, Reporter


class Association:
    alive = True

    def is_alive(self):
        return self.alive


@pytest.fixture
def ends():
    ours, theirs = multiprocessing.Pipe()
    yield ours, theirs
    ours.close()
    theirs.close()


def take(seats, node, holder, refusal=None):
    """Ask for a seat in a thread, and answer as the node."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(seats.take(holder, "SCANNER 10.0.0.1")))
    thread.start()
    asked = node.recv()
    assert asked == SeatWanted(asked.association, "SCANNER 10.0.0.1")
    assert seats.note(SeatAnswered(asked.association, refusal))
    thread.join(20)
    return asked.association, answers[0]


def test_seats_are_asked_for_and_their_ends_told(ends):
    mine, node = ends
    seats, one, other = AskedSeats(Pipe(mine)), Association(), Association()
    first, answer = take(seats, node, one)
    assert answer is None
    assert take(seats, node, other, "peer_limit")[1] == "peer_limit"
    assert seats.count() == 1
    assert (seats.find_number(one), seats.find_number(other)) == (first, None)
    one.alive = False
    assert (seats.take_ended(), seats.take_ended(), seats.count()) == ([first], [], 0)


def test_without_an_answer_there_is_no_seat_and_a_late_one_is_given_back(ends, monkeypatch):
    monkeypatch.setattr("scp.receivers.questions.ANSWER_SECONDS", 0.01)
    mine, node = ends
    seats = AskedSeats(Pipe(mine))
    assert seats.take(Association(), "SCANNER") == "limit"
    assert not seats.note(SeatAnswered(node.recv().association, None))
    node.close()
    assert seats.take(Association(), "SCANNER") == "limit"


def test_what_came_is_gathered(ends):
    mine, node = ends
    seats, holder = AskedSeats(Pipe(mine)), Association()
    number, _ = take(seats, node, holder)
    reporter = Reporter(Pipe(mine), seats)
    for series in ("1.1", "1.2", "1.1"):
        reporter.note_instance(series, holder)
    reporter.note_instance("1.3")
    reporter.note_announcement("1.4")
    reporter.start()
    assert node.recv() == News((("1.2", number), ("1.1", number), ("1.3", None)), ("1.4",))
    holder.alive = False
    assert node.recv() == News(ended=(number,))
    reporter.give_back(9)
    reporter.stop()
    assert node.recv() == News(ended=(9,))


def test_the_end_of_an_association_that_brought_nothing_is_told_too(ends):
    mine, node = ends
    seats, holder = AskedSeats(Pipe(mine)), Association()
    reporter = Reporter(Pipe(mine), seats)
    reporter.start()
    number, _ = take(seats, node, holder)
    holder.alive = False
    assert node.poll(20)
    assert node.recv() == News(ended=(number,))
    reporter.stop()

"""A receiver's side of the pipe: it asks for seats and reports what came, a few times a second at most."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from scp.receivers.link import News, SeatAnswered, SeatWanted
from scp.receivers.pipe import Pipe
from scp.receivers.questions import Questions
from scp.reception.seats import Refusal, Seats
from scp.reception.watch import Holder

_GATHER_SECONDS: Final = 0.05
"""What comes within this time is one report."""
_LOOK_SECONDS: Final = 0.25


class AskedSeats(Seats):
    """The seats of the whole node, as one of its receivers sees them: the node gives them."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(0, 0)
        self._questions: Questions[SeatAnswered] = Questions(pipe)
        self._known: dict[int, Holder] = {}
        self._numbers: dict[Holder, int] = {}
        self._lock = threading.Lock()
        self.on_taken: Callable[[], None] = lambda: None

    def take(self, holder: Holder, peer: str) -> Refusal | None:
        """Ask the node for a seat; without an answer there is none."""
        number, answer = self._questions.ask(lambda number: SeatWanted(number, peer))
        if answer is None:
            return "limit"
        if answer.refusal is None:
            with self._lock:
                self._known[number], self._numbers[holder] = holder, number
                self.on_taken()
        return answer.refusal

    def adopt(self, most: int, most_of_peer: int) -> None:
        """Do nothing: the node has the limits."""

    def note(self, answer: SeatAnswered) -> bool:
        """Hand an answer to the thread that waits for it; False when it waits no longer, and the seat is free again."""
        return self._questions.note(answer.association, answer)

    def count(self) -> int:
        """Return the number of open associations here."""
        with self._lock:
            return sum(holder.is_alive() for holder in self._known.values())

    def are_taken(self) -> bool:
        """Return whether the node has to be told of the end of an association."""
        with self._lock:
            return bool(self._known)

    def find_number(self, holder: Holder | None) -> int | None:
        """Return the number of an association that has a seat."""
        with self._lock:
            return None if holder is None else self._numbers.get(holder)

    def take_ended(self) -> list[int]:
        """Return the associations that have ended since the last call."""
        with self._lock:
            ended = [number for number, holder in self._known.items() if not holder.is_alive()]
            for number in ended:
                self._numbers.pop(self._known.pop(number), None)
            return ended


class Reporter:
    """Gathers what came, and tells the node in a thread of its own, from `start` to `stop`."""

    def __init__(self, pipe: Pipe, seats: AskedSeats) -> None:
        self._pipe = pipe
        self._seats = seats
        self._instances: dict[tuple[str, int | None], None] = {}
        self._announced: dict[str, None] = {}
        self._unwanted: list[int] = []
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
        seats.on_taken = self._news.set  # an association may bring nothing, and its end is to be told all the same

    def note_instance(self, series_instance_uid: str, holder: Holder | None = None) -> None:
        """Note that an object of a series came on the association `holder`."""
        key = series_instance_uid, self._seats.find_number(holder)
        with self._lock:
            self._instances.pop(key, None)
            self._instances[key] = None
        self._news.set()

    def note_announcement(self, series_instance_uid: str) -> None:
        """Note that something was announced of a series."""
        with self._lock:
            self._announced[series_instance_uid] = None
        self._news.set()

    def give_back(self, association: int) -> None:
        """Note that a seat is not wanted any more."""
        with self._lock:
            self._unwanted.append(association)
        self._news.set()

    def start(self) -> None:
        """Begin to report."""
        self._thread.start()

    def stop(self) -> None:
        """Report what is left, and end."""
        self._stop.set()
        self._news.set()
        self._thread.join()
        with suppress(OSError):  # the node is gone
            self._tell()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._news.wait(_LOOK_SECONDS if self._seats.are_taken() else None)
            self._stop.wait(_GATHER_SECONDS)
            self._news.clear()
            try:
                self._tell()
            except OSError:  # the node is gone, and this process goes, too
                return

    def _tell(self) -> None:
        ended = self._seats.take_ended()
        with self._lock:
            ended += self._unwanted
            news = News(tuple(self._instances), tuple(self._announced), tuple(ended))
            self._instances, self._announced, self._unwanted = {}, {}, []
        if news != News():
            self._pipe.send(news)

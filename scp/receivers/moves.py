"""A receiver's side of the limit on moves: the node hands out the slots, for all receivers together."""

from __future__ import annotations

import threading
import time
from typing import Final

from scp.receivers.link import MoveAnswered, MoveEnded, MoveWanted
from scp.receivers.reporter import Pipe
from scp.services.retrieve.slots import Slots

_ANSWER_SECONDS: Final = 10.0
_ASK_SECONDS: Final = 0.1
"""Between two questions of a move that waits."""


class AskedSlots(Slots):
    """The slots of the whole node, as one of its receivers sees them."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(0, 0)
        self._pipe = pipe
        self._answers: dict[int, MoveAnswered | None] = {}
        self._answered = threading.Condition()
        self._last = 0
        self._held: dict[str, list[int]] = {}

    def take(self, destination: str, seconds: float) -> bool:
        """Take a slot, waiting until one is free; False when none becomes free, or the node does not answer."""
        deadline = time.monotonic() + seconds
        while not self._ask(destination):
            if time.monotonic() + _ASK_SECONDS > deadline:
                return False
            time.sleep(_ASK_SECONDS)
        return True

    def give_back(self, destination: str) -> None:
        """Give a slot back; never raises."""
        with self._answered:
            number = self._held[destination].pop()
        self._end(number)

    def note(self, answer: MoveAnswered) -> None:
        """Hand an answer to the thread that waits for it; a slot for which nobody waits any longer is given back."""
        with self._answered:
            if answer.move in self._answers:
                self._answers[answer.move] = answer
                self._answered.notify_all()
                return
        if answer.is_free:
            self._end(answer.move)

    def _ask(self, destination: str) -> bool:
        with self._answered:
            self._last += 1
            number = self._last
            self._answers[number] = None
        try:
            self._pipe.send(MoveWanted(number, destination))
            with self._answered:
                self._answered.wait_for(lambda: self._answers[number] is not None, _ANSWER_SECONDS)
        except OSError:  # the node is gone, and this process goes, too
            pass
        with self._answered:
            answer = self._answers.pop(number)
            if answer is None or not answer.is_free:
                return False
            self._held.setdefault(destination, []).append(number)
            return True

    def _end(self, number: int) -> None:
        try:
            self._pipe.send(MoveEnded(number))
        except OSError:  # the node is gone, and its slots with it
            return

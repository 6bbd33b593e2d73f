"""A receiver's side of the limit on moves: the node hands out the slots, for all receivers together."""

from __future__ import annotations

import threading
import time
from typing import Final

from scp.receivers.link import MoveAnswered, MoveEnded, MoveWanted
from scp.receivers.pipe import Pipe
from scp.receivers.questions import Questions
from scp.services.retrieve.slots import Slots

_ASK_SECONDS: Final = 0.1
"""Between two questions of a move that waits."""


class AskedSlots(Slots):
    """The slots of the whole node, as one of its receivers sees them."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(0, 0)
        self._pipe = pipe
        self._questions: Questions[MoveAnswered] = Questions(pipe)
        self._held: dict[str, list[int]] = {}
        self._lock = threading.Lock()

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
        with self._lock:
            number = self._held[destination].pop()
        self._end(number)

    def note(self, answer: MoveAnswered) -> None:
        """Hand an answer to the thread that waits for it; a slot for which nobody waits any longer is given back."""
        if not self._questions.note(answer.move, answer) and answer.is_free:
            self._end(answer.move)

    def _ask(self, destination: str) -> bool:
        number, answer = self._questions.ask(lambda number: MoveWanted(number, destination))
        if answer is None or not answer.is_free:
            return False
        with self._lock:
            self._held.setdefault(destination, []).append(number)
        return True

    def _end(self, number: int) -> None:
        try:
            self._pipe.send(MoveEnded(number))
        except OSError:  # the node is gone, and its slots with it
            return

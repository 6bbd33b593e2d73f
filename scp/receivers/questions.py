"""Numbered questions of a receiver to its node, each answered through the pipe or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from scp.receivers.pipe import Pipe

ANSWER_SECONDS: Final = 10.0

Answer = TypeVar("Answer")


class Questions(Generic[Answer]):
    """Questions of one kind; thread-safe."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._answers: dict[int, Answer | None] = {}
        self._answered = threading.Condition()
        self._last = 0

    def ask(self, make: Callable[[int], object]) -> tuple[int, Answer | None]:
        """Send the question that `make` makes of its number, and return the number and the answer; None without one."""
        with self._answered:
            self._last += 1
            number = self._last
            self._answers[number] = None
        try:
            self._pipe.send(make(number))
            with self._answered:
                self._answered.wait_for(lambda: self._answers[number] is not None, ANSWER_SECONDS)
        except OSError:  # the node is gone, and this process goes, too
            pass
        with self._answered:
            return number, self._answers.pop(number)

    def note(self, number: int, answer: Answer) -> bool:
        """Hand an answer to the thread that waits for it; False when it waits no longer."""
        with self._answered:
            if number not in self._answers:
                return False
            self._answers[number] = answer
            self._answered.notify_all()
            return True

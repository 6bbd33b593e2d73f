"""A limit on the associations with move destinations that are open at the same time, in all and to each."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from config.errors import Transient

_LOOK_SECONDS: Final = 0.5


class Busy(Transient):
    """No slot became free in time."""


class Slots:
    """Hands out slots to moves; thread-safe. `clock` is monotonic seconds."""

    def __init__(self, most: int, most_to_one: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most: Final = most
        self._most_to_one: Final = most_to_one
        self._clock = clock
        self._taken: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, destination: str, go_on: Callable[[], bool], *, seconds: float) -> Iterator[bool]:
        """Hold a slot for a block, waiting until one is free; False when `go_on`, asked meanwhile, says no.

        Raises Busy when none becomes free within `seconds`, and what `go_on` raises.
        """
        if not self._wait(destination, go_on, self._clock() + seconds):
            yield False
            return
        try:
            yield True
        finally:
            self.give_back(destination)

    def take(self, destination: str, seconds: float) -> bool:
        """Take a slot, waiting until one is free; False when none becomes free. Whoever has one gives it back."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_free(destination), seconds):
                return False
            self._taken[destination] += 1
            return True

    def give_back(self, destination: str) -> None:
        """Give a slot back."""
        with self._changed:
            self._taken[destination] -= 1
            self._changed.notify_all()

    def _wait(self, destination: str, go_on: Callable[[], bool], deadline: float) -> bool:
        while not self.take(destination, _LOOK_SECONDS):
            if self._clock() > deadline:
                raise Busy("too many retrievals are under way; try again later")
            if not go_on():
                return False
        return True

    def _is_free(self, destination: str) -> bool:
        return self._taken.total() < self._most and self._taken[destination] < self._most_to_one

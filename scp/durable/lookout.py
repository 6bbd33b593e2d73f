"""Looks at one queue: seldom while nothing happens, at once where this process has put work into it or has done some.

The library looks at a queue again and again, however empty: two looks a second take a hundredth of a core. Here its
loop waits for an event that can be nudged.
"""

from __future__ import annotations

import threading
import time
from typing import Final

_SOON: Final = (0.0, 0.05, 0.2, 1.0)
"""Pauses before the looks after a nudge: a transaction may still have to be committed, a job's end to be noted."""
_BETWEEN_SECONDS: Final = 0.05
"""That the library gets to count the jobs that it has taken in one look as running, before the next."""


class Lookout:
    """The end of a loop, as `threading.Event` is one, for a loop that waits with a timeout between its looks."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_set = False
        self._soon: list[float] = []
        self._nudges = 0
        self._not_before = 0.0
        self._looks = 0
        self._is_looking = False

    def is_set(self) -> bool:
        """Return whether the loop is to end."""
        return self._is_set

    def set(self) -> None:
        """End the loop."""
        with self._changed:
            self._is_set = True
            self._changed.notify_all()

    def nudge(self) -> None:
        """Have the loop look now, and a few times more within the next second or two."""
        with self._changed:
            self._soon = list(_SOON)
            self._nudges += 1
            self._changed.notify_all()

    def settle(self, timeout: float) -> None:
        """Wait until the look that is under way is over, for at most `timeout` seconds."""
        with self._changed:
            if self._is_looking:
                looks = self._looks
                self._changed.wait_for(lambda: self._looks != looks, timeout)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is time for the next look, and return whether the loop is to end instead."""
        with self._changed:
            self._looks += 1
            self._is_looking = False
            self._changed.notify_all()
            if self._changed.wait_for(lambda: self._is_set or bool(self._soon), timeout) and not self._is_set:
                pause, nudges = self._soon.pop(0), self._nudges
                self._changed.wait_for(lambda: self._is_set or self._nudges != nudges, pause)
                self._changed.wait_for(lambda: self._is_set, max(0.0, self._not_before - time.monotonic()))
            self._not_before = time.monotonic() + _BETWEEN_SECONDS
            self._is_looking = not self._is_set
            return self._is_set

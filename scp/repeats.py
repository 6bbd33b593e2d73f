"""The same thing said again and again: told at once, then once a minute with the number of times left out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Final

EVERY_SECONDS: Final = 60.0
_MOST: Final = 1024


class Repeats:
    """Decides what is told; thread-safe. Of the things that it knows, at most 1024, the one told longest ago goes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, every_seconds: float = EVERY_SECONDS) -> None:
        self._clock = clock
        self._every = every_seconds
        self._told: dict[Hashable, tuple[float, int]] = {}  # when it was last told, and how often left out since
        self._lock = threading.Lock()

    def take(self, key: Hashable) -> int | None:
        """Return how often this was left out since it was last told; None when it is to be left out now."""
        now = self._clock()
        with self._lock:
            at, left_out = self._told.get(key, (-float("inf"), 0))
            if now - at < self._every:
                self._told[key] = (at, left_out + 1)
                return None
            self._told.pop(key, None)
            if len(self._told) >= _MOST:
                self._told.pop(next(iter(self._told)))
            self._told[key] = (now, 0)
            return left_out

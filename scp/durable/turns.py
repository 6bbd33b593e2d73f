"""Turns at running jobs: of each name only so many run at a time in this process.

The library counts its running jobs for that, but counts one only some time after it has taken it out of the queue: a
look at the queue in between takes another one.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Turns of which `together` may be taken at a time under one name; thread-safe."""

    def __init__(self, together: int = 1) -> None:
        self._together = together
        self._taken: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def take(self, name: str) -> Iterator[None]:
        """Wait for a turn and keep it for the block."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken[name] < self._together)
            self._taken[name] += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken[name] -= 1
                self._taken += Counter()  # without the names that nobody has taken
                self._changed.notify_all()

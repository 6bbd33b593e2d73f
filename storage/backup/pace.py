"""How fast a backup or a check reads: a limit leaves the disk to the node."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pacer:
    """Waits after each piece so that no more than `bytes_per_second` are read; 0 is no limit."""

    def __init__(
        self,
        bytes_per_second: float = 0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._sleep = sleep
        self._due = clock()

    def __call__(self, size: int) -> None:
        """Wait until `size` more bytes were due."""
        if not self._rate:
            return
        now = self._clock()
        self._due = max(self._due, now) + size / self._rate
        self._sleep(self._due - now)


def quietly(*_: object) -> None:
    """Tell nobody how far the work is."""

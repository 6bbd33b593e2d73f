"""Waiting for an archive that is away, in pauses that grow, for a limited time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from scp.fetching.limits import Stopped

_FIRST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 30.0
_MANY: Final = 5
"""Failures without a success between them that mean that the archive is away, although it can be called."""


class GaveUp(Stopped):
    """The archive has been away for too long; the text says what it did last."""


class Patience:
    """Pauses after failures of the archive; thread-safe. `wait` sleeps, or returns True because it is time to stop."""

    def __init__(
        self,
        most_seconds: float,
        *,
        wait: Callable[[float], bool],
        tell: Callable[[str, float], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._most = most_seconds
        self._wait = wait
        self._tell = tell
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self._pause = _FIRST_SECONDS
        self._failures = 0

    def note_success(self) -> None:
        """Note that the archive answered."""
        with self._lock:
            self._since, self._pause, self._failures = None, _FIRST_SECONDS, 0

    def note_failure(self, reason: str) -> None:
        """Note that the archive failed a study; after many in a row, wait. Raises as `wait` does."""
        with self._lock:
            self._failures += 1
            is_away = self._failures >= _MANY
        if is_away:
            self.wait(reason)

    def wait(self, reason: str) -> None:
        """Wait for a while. Raises Stopped when it is time to stop, GaveUp when the archive has been away too long."""
        with self._lock:
            now = self._clock()
            self._since = now if self._since is None else self._since
            left = self._since + self._most - now
            seconds = min(self._pause, left)
            self._pause = min(self._pause * 2, _LONGEST_SECONDS)
        if left <= 0:
            raise GaveUp(reason)
        self._tell(reason, seconds)
        if self._wait(seconds):
            raise Stopped

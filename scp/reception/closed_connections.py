"""Connections that were closed before they were an association: counted, and logged once a minute for each address.

Load balancers and port scanners connect many times a minute; the log says so once, and the metric counts each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Literal

import structlog

from scp import metrics

log = structlog.get_logger(__name__)

_EVERY_SECONDS: Final = 60.0
_MOST_ADDRESSES: Final = 1024

Why = Literal["stranger", "silent", "tls"]
_WORDS: Final = {
    "stranger": "no peer has this address: add it to [peers], or correct the peer's host",
    "silent": "many connections that ask for no association: the oldest made room",
    "tls": "no secure connection",
}


class ClosedConnections:
    """Notes each closed connection; thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # when it was last logged, and how many since
        self._told: dict[tuple[Why, str, str], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def note(self, why: Why, address: str, details: str = "") -> None:
        """Count a closed connection, and log it unless the same was logged for this address within a minute.

        `details` come from a limited number of sentences: each is logged of its own.
        """
        metrics.REFUSED.labels(why).inc()
        now = self._clock()
        with self._lock:
            at, unsaid = self._told.pop((why, address, details), (None, 0))
            is_due = at is None or now - at >= _EVERY_SECONDS
            if len(self._told) >= _MOST_ADDRESSES:
                self._told.pop(next(iter(self._told)))
            self._told[why, address, details] = (now, 0) if at is None or is_due else (at, unsaid + 1)
        if is_due:
            reason = f"{_WORDS[why]}: {details}" if details else _WORDS[why]
            log.warning("connection closed", host=address, count=unsaid + 1, reason=reason)

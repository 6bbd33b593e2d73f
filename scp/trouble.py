"""Work that cannot be done for now: told once when that begins, and once when it ends, however often it is tried."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from storage.database.reach import is_unreachable

log = structlog.get_logger(__name__)

APART_SECONDS: Final = 600.0
"""A failure so long after the one before belongs to another outage, of which nobody has seen the first one's end."""
_MOST_KINDS: Final = 8
_AWAY: Final = "the database is away"


class Trouble:
    """One kind of work in one room; `begins` and `ends` are what the log says of it. Thread-safe.

    Another reason is told, too, but a database that is away is one reason, in whatever words: a server that stops says
    more than one thing. `monotonic` is seconds.
    """

    def __init__(self, begins: str, ends: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._begins: Final = begins
        self._ends: Final = ends
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self._count = 0
        self._began = self._latest = 0.0

    def note(self, error: Exception, **values: object) -> None:
        """Take note of a failure; `values` say more of the first one."""
        reason = _AWAY if is_unreachable(error) else str(error)
        with self._lock:
            now = self._monotonic()
            if not self._count or now - self._latest > APART_SECONDS:
                self._began, self._count, self._told = now, 0, set()
            self._count, self._latest = self._count + 1, now
            is_news = reason not in self._told and len(self._told) < _MOST_KINDS
            if is_news:
                self._told.add(reason)
        if is_news:
            log.warning(self._begins, reason=str(error), **values)

    def end(self) -> None:
        """Take note that it succeeds."""
        if not self._count:  # the usual case costs no lock
            return
        with self._lock:
            count, self._count, self._told = self._count, 0, set()
            lasted = self._latest - self._began
        if count:
            log.info(self._ends, failures=count, seconds=round(lasted))

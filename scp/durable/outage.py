"""Outages of the database as the library of durable work meets them: each is told once, and once its end.

The library says in each of its loops what it could not do, in words of its own and partly with traces.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from config.errors import Transient
from storage.database.reach import is_unreachable

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 1.0
_SETTLE_SECONDS: Final = 10.0
"""After an outage: what was lost in it may be found out as late as this."""


class Outages:
    """Decides which records of the library are worth showing; `ping` raises Transient while the database is away."""

    def __init__(
        self,
        ping: Callable[[], None],
        *,
        look_seconds: float = _LOOK_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ping = ping
        self._look_seconds = look_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._began: float | None = None
        self._settled_at = -float("inf")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def is_news(self, record: logging.LogRecord) -> bool:
        """Return whether a record is worth showing: work left for later is not, nor what an outage brings with it.

        The first that comes of an outage begins it. The library names the error of a record, or is handling it.
        """
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, Transient):
            return False
        error = error or sys.exc_info()[1]
        if not is_unreachable(error):
            return True
        self._begin(error)
        return False

    def stop(self) -> None:
        """Look no longer for the end of an outage."""
        with self._lock:
            self._stop.set()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _begin(self, error: BaseException | None) -> None:
        with self._lock:
            now = self._monotonic()
            if self._began is not None or now < self._settled_at or self._stop.is_set():
                return
            self._began = now
            self._thread = threading.Thread(target=self._await_end, name="database outage", daemon=True)
            self._thread.start()
        words = str(getattr(error, "orig", None) or error).strip()
        log.warning(
            "the database does not answer: work that is under way waits for it", reason=words.partition("\n")[0]
        )

    def _await_end(self) -> None:
        while not self._stop.wait(self._look_seconds):
            try:
                self._ping()
            except Exception:  # noqa: BLE001, S112  # whatever it is, it is no answer
                continue
            break
        else:
            return
        with self._lock:
            now = self._monotonic()
            lasted, self._began = now - (self._began or now), None
            self._settled_at = now + _SETTLE_SECONDS
        log.info("the database answers again", seconds=round(lasted))

"""Limits that spare an archive: a rate, and hours of the day."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from time import monotonic
from typing import Final, Literal, Self

_RATE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(objects|MB|kB)?(?:/s)?", re.IGNORECASE)
_HOURS: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9]) ?- ?([01]?[0-9]|2[0-4]):([0-5][0-9])")
_FACTORS: Final = {"mb": 1e6, "kb": 1e3}

Unit = Literal["objects", "bytes"]


class Stopped(Exception):
    """Somebody asked to stop while something was waited for."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A number of objects or bytes per second."""

    amount: float
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a text like "20", "20/s", "5MB" or "500 kB/s". Raises ValueError."""
        parts = _RATE.fullmatch(text.strip())
        if parts is None or not float(parts[1]):
            raise ValueError(f"{text!r} is no rate; allowed: objects per second (20), or bytes per second (5MB, 500kB)")
        factor = _FACTORS.get((parts[2] or "").casefold())
        return cls(float(parts[1]), "objects") if factor is None else cls(float(parts[1]) * factor, "bytes")


class Throttle:
    """Keeps what several threads spend together below a rate, if there is one.

    `wait` sleeps for a number of seconds, or returns True because it is time to stop.
    """

    def __init__(
        self,
        limit: RateLimit | None,
        *,
        wait: Callable[[float], bool],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._limit = limit
        self._wait = wait
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = clock()

    def spend(self, unit: Unit, amount: float) -> None:
        """Wait until what was spent before is within the rate, and add `amount`. Raises Stopped."""
        if self._limit is None or self._limit.unit != unit:
            return
        with self._lock:
            now = self._clock()
            seconds = self._free_at - now
            self._free_at = max(now, self._free_at) + amount / self._limit.amount
        if seconds > 0 and self._wait(seconds):
            raise Stopped


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of every day in the machine's own time, possibly over midnight."""

    begin: time
    end: time

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a text like "22:00-06:00". Raises ValueError."""
        parts = _HOURS.fullmatch(text.strip())
        if parts is None:
            raise ValueError(f"{text!r} are no hours; allowed: HH:MM-HH:MM, as in 22:00-06:00")
        begin, end = time(int(parts[1]), int(parts[2])), time(int(parts[3]) % 24, int(parts[4]))
        if begin == end:
            raise ValueError(f"{text!r} begins and ends at the same time")
        return cls(begin, end)

    def measure_wait(self, now: datetime) -> float:
        """Return the seconds until the hours begin; 0 within them. `now` is local time."""
        time_of_day = now.time()
        if self.begin < self.end:
            is_inside = self.begin <= time_of_day < self.end
        else:
            is_inside = time_of_day >= self.begin or time_of_day < self.end
        if is_inside:
            return 0
        begin = now.replace(hour=self.begin.hour, minute=self.begin.minute, second=0, microsecond=0)
        if begin <= now:
            begin += timedelta(days=1)
        return (begin - now).total_seconds()

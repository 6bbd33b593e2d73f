"""Quiet timers of the series that are being received; no input, no output, on a given clock."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from config.settings import CompletionSettings
from storage.series.waits import Silence


class Holder(Protocol):
    """Something that keeps a series open as long as it is alive: an association."""

    def is_alive(self) -> bool:
        """Return whether it is still alive."""
        ...


@dataclass(frozen=True, slots=True)
class Last:
    """The last instance of a series by the tables: when it was received, and how long ago that is.

    Both are of a clock that can be set; `silent_seconds` are those for which the series has been waited for since.
    """

    at: datetime
    seconds_ago: float
    silent_seconds: float = 0.0


@dataclass(slots=True)
class _Timer:
    """`last` is when the quiet time began, `silent_since` when the sender was last heard, before a restart too.

    `polled_at` is when the tables were last looked at, `mark` what they said then of what was announced; `is_told`
    that it was announced to this process since.
    """

    last: float
    silent_since: float
    polled_at: float
    holders: list[Holder] = field(default_factory=list)
    ripe_at: float | None = None
    has_news: bool = True
    stored_at: datetime | None = None
    mark: Hashable = None
    is_marked: bool = False
    is_told: bool = False


class Watch:
    """Quiet timers of the series being received. Times are seconds of one monotonic clock."""

    def __init__(self, settings: CompletionSettings) -> None:
        self._settings = settings
        self._timers: dict[str, _Timer] = {}
        self._lock = threading.Lock()

    def set_times(self, settings: CompletionSettings) -> None:
        """Go on by other times."""
        self._settings = settings

    def note_instance(self, series_instance_uid: str, now: float, holder: Holder | None = None) -> None:
        """Restart the timer of a series, which `holder` keeps open while alive."""
        with self._lock:
            timer = self._restart(series_instance_uid, now)
            if holder is not None and holder not in timer.holders:
                timer.holders.append(holder)

    def note_announcement(self, series_instance_uid: str, now: float) -> None:
        """Restart the timer of a series because something was announced of it."""
        with self._lock:
            self._restart(series_instance_uid, now).is_told = True

    def note_mark(self, series_instance_uid: str, now: float, mark: Hashable) -> None:
        """Restart the timer of a series if `mark` has changed: something was announced of it to another process."""
        with self._lock:
            timer = self._timers.get(series_instance_uid)
            if timer is None:
                return
            is_news = timer.is_marked and mark != timer.mark and not timer.is_told
            timer.mark, timer.is_marked, timer.is_told = mark, True, False
            if is_news:
                self._restart(series_instance_uid, now)

    def adopt(self, series_instance_uid: str, now: float, last: Last | None = None) -> None:
        """Start the timer of a series that is not watched yet.

        `last` is its last instance by the tables. The quiet time begins anew, because a sender that was cut off may be
        about to go on; deadlines count what was waited since that instance. One that another process stored later
        restarts the timer: it came after the tables were looked at the last time, whatever that process's clock says.
        """
        with self._lock:
            age = 0.0 if last is None else max(0.0, last.seconds_ago)
            silence = 0.0 if last is None else max(0.0, last.silent_seconds)
            timer = self._timers.setdefault(series_instance_uid, _Timer(now, now - silence, now))
            polled_at, timer.polled_at = timer.polled_at, now
            if last is None or last.at == timer.stored_at:
                return
            # told once by its time of day, which may be set back; by its age, no later than now
            at, is_first, timer.stored_at = max(now - age, polled_at), timer.stored_at is None, last.at
            if not is_first and at > timer.last:
                timer.last, timer.silent_since, timer.ripe_at, timer.has_news = at, at, None, True

    def take_news(self) -> list[str]:
        """List series of which something came since they were last taken: an instance, an announcement, themselves."""
        with self._lock:
            fresh = [(uid, timer) for uid, timer in self._timers.items() if timer.has_news]
            for _, timer in fresh:
                timer.has_news = False
            return [uid for uid, _ in fresh]

    def renew(self, series_instance_uids: Iterable[str]) -> None:
        """Give news back that could not be looked at."""
        with self._lock:
            for uid in series_instance_uids:
                if uid in self._timers:
                    self._timers[uid].has_news = True

    def is_empty(self) -> bool:
        """Return whether no series is being received."""
        return not self._timers

    def clear(self) -> None:
        """Forget every series: another process watches them."""
        with self._lock:
            self._timers.clear()

    def list_due(self, now: float) -> list[str]:
        """List series that have been quiet long enough, are not held open, and are not postponed."""
        with self._lock:
            return [uid for uid, timer in self._timers.items() if self._is_due(timer, now)]

    def measure_silence(self, series_instance_uid: str, now: float) -> float:
        """Return the seconds since the sender was last heard; infinite for a series that is not watched."""
        with self._lock:
            timer = self._timers.get(series_instance_uid)
            return float("inf") if timer is None else now - timer.silent_since

    def list_silences(self, now: float) -> list[Silence]:
        """List for how long the series that were put off have been silent, those that the tables have told of."""
        with self._lock:
            return [
                Silence(uid, timer.stored_at, now - timer.silent_since)
                for uid, timer in self._timers.items()
                if timer.stored_at is not None and timer.ripe_at is not None
            ]

    def put_off(self, series_instance_uid: str, until: float) -> None:
        """Postpone a series until `until`, or until the next instance."""
        with self._lock:
            if series_instance_uid in self._timers:
                self._timers[series_instance_uid].ripe_at = until

    def forget(self, series_instance_uid: str, last: float) -> None:
        """Stop watching, unless an instance arrived after `last`."""
        with self._lock:
            timer = self._timers.get(series_instance_uid)
            if timer is not None and timer.last < last:
                del self._timers[series_instance_uid]

    def _restart(self, series_instance_uid: str, now: float) -> _Timer:
        timer = self._timers.setdefault(series_instance_uid, _Timer(now, now, now))
        timer.last = timer.silent_since = now
        timer.ripe_at, timer.has_news = None, True
        return timer

    def _is_due(self, timer: _Timer, now: float) -> bool:
        if timer.ripe_at is not None:
            return now >= timer.ripe_at
        timer.holders = [holder for holder in timer.holders if holder.is_alive()]
        quiet = now - timer.last
        needed = self._settings.quiet_seconds
        return quiet >= (max(needed, self._settings.hold_seconds) if timer.holders else needed)

"""Whether the clock can be trusted with deleting: one that jumps a year ahead would make everything old."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from storage.database.engine import Database
from storage.retention.looks import Look, find_look, note_look, read_database_time

STEADY: Final = timedelta(hours=24)
"""For which nothing is deleted after the clock has jumped, or has not been watched."""
_TOLERATED: Final = timedelta(minutes=5)


class Steadiness:
    """Watches the clock from look to look; across a restart by what the tables say."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._last: tuple[datetime, float] | None = None

    def find_doubt(self) -> str:
        """Look at the clock, and return in words why nothing may be deleted now; "" when it is steady.

        Raises Transient when the database does not answer.
        """
        now = self._clock()
        server = read_database_time(self._database)
        if server is not None and abs(server - now) > _TOLERATED:
            return f"this machine's clock and the database's differ by {_describe(server - now)}: correct one of them"
        before = find_look(self._database)
        jump = self._find_jump(now, before)
        trusted_from = now + STEADY if before is None or jump else before.trusted_from
        note_look(self._database, Look(now, trusted_from))
        self._last = now, self._monotonic()
        if now >= trusted_from:
            return ""
        return f"{jump or 'the clock is being watched'}; nothing is deleted before {trusted_from:%Y-%m-%d %H:%M} UTC"

    def _find_jump(self, now: datetime, before: Look | None) -> str:
        if self._last is not None:
            then, at = self._last
            ahead = now - then - timedelta(seconds=self._monotonic() - at)
            return f"the clock has jumped by {_describe(ahead)}" if abs(ahead) > _TOLERATED else ""
        if before is None or before.looked_at - _TOLERATED <= now <= before.looked_at + STEADY:
            return ""
        return f"the clock is {_describe(now - before.looked_at)} from that of the last look"


def _describe(span: timedelta) -> str:
    minutes = round(abs(span) / timedelta(minutes=1))
    words = f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"  # noqa: PLR2004
    return f"{'-' if span < timedelta(0) else ''}{words}"

"""Who of the others shows life: their beats, and since when each has not changed; no input, no output."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from storage.group.members import Member

DEAD_SECONDS: Final = 20.0
"""After so long without a beat the others take a member for dead."""
_BLIND_SECONDS: Final = 8.0
"""Who has not looked for so long, itself or the database having been away, begins to count anew."""


@dataclass(slots=True)
class _Sign:
    beat: int
    since: float


class Pulse:
    """The beats of the other members, by the monotonic clock of whoever looks."""

    def __init__(self) -> None:
        self._signs: dict[str, _Sign] = {}
        self._looked_at: float | None = None

    def look(self, others: Iterable[Member], now: float) -> list[Member]:
        """Take note of the others' beats, and return those that have shown no life for too long."""
        is_blind = self._looked_at is None or now - self._looked_at > _BLIND_SECONDS
        self._looked_at = now
        earlier, self._signs = self._signs, {}
        dead = []
        for member in others:
            sign = earlier.get(member.id)
            if sign is None or is_blind or sign.beat != member.beat:
                sign = _Sign(member.beat, now)
            self._signs[member.id] = sign
            if now - sign.since >= DEAD_SECONDS:
                dead.append(member)
        return dead

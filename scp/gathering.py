"""The same event again and again: the first is due at once, its repeats together after some minutes, counted."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

_Item = TypeVar("_Item")


@dataclass(slots=True)
class _Seen(Generic[_Item]):
    """The latest of the same events, and how many came since one was due."""

    item: _Item
    since: float
    count: int = 0


class Gathering(Generic[_Item]):
    """Remembers at most `most` events, each for `seconds` after it was last due. Not thread-safe."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most: Final = most
        self._seconds: Final = seconds
        self._seen: dict[Hashable, _Seen[_Item]] = {}  # in the order of their times

    def knows(self, key: Hashable) -> bool:
        """Return whether an event is remembered, or there is room for it."""
        return key in self._seen or len(self._seen) < self._most

    def take(self, key: Hashable, item: _Item, now: float) -> list[tuple[_Item, int]]:
        """Take an event, and return what is due now with its count.

        An event that is not remembered is due at once; the one that was due longest ago makes room for it.
        """
        seen = self._seen.get(key)
        if seen is not None:
            seen.item, seen.count = item, seen.count + 1
            return []
        due = []
        if not self.knows(key):
            oldest = self._seen.pop(next(iter(self._seen)))
            if oldest.count:
                due.append((oldest.item, oldest.count))
        self._seen[key] = _Seen(item, now)
        return [*due, (item, 1)]

    def collect(self, now: float) -> list[tuple[_Item, int]]:
        """Return the repeats whose time has come, and forget what has not come again."""
        due = []
        for key, seen in list(self._seen.items()):
            if now - seen.since < self._seconds:
                break
            del self._seen[key]
            if seen.count:
                due.append((seen.item, seen.count))
                self._seen[key] = _Seen(seen.item, now)
        return due

    def collect_all(self) -> list[tuple[_Item, int]]:
        """Return all repeats, and forget everything."""
        due = [(seen.item, seen.count) for seen in self._seen.values() if seen.count]
        self._seen = {}
        return due

    def find_next(self) -> float | None:
        """Return when something is to be collected or forgotten; None while nothing is remembered."""
        first = next(iter(self._seen.values()), None)
        return None if first is None else first.since + self._seconds

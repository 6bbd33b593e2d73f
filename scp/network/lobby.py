"""Connections without an association: those that have yet to ask for one, and those that only wait to be closed.

A peer that opens connections and says nothing must not take the places of the others. So there are limits, for each
host and for all, and whoever exceeds one takes the place of the connection that has waited longest.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final, Protocol


class Guest(Protocol):
    """A connection as the lobby sees it."""

    def is_open(self) -> bool:
        """Return whether it has become an association, which is not ours to count."""
        ...

    def stop(self) -> None:
        """Close the connection."""
        ...


class Lobby:
    """The connections without an association; thread-safe."""

    def __init__(self, most: int, most_of_host: int) -> None:
        self._most: Final = most
        self._most_of_host: Final = most_of_host
        self._guests: dict[Guest, str] = {}  # all connections, in order of arrival: an association may end here again
        self._lock = threading.Lock()

    def enter(self, guest: Guest, host: str) -> list[str]:
        """Let a connection in, stop those that must make room for it, and return their hosts.

        Of one host the oldest goes. Of all, the oldest of the host that has most goes: a crowd makes room first.
        """
        with self._lock:
            waiting = {other: of for other, of in self._guests.items() if not other.is_open()}
            leaving: list[Guest] = []
            while (counts := Counter(waiting.values()))[host] >= self._most_of_host or counts.total() >= self._most:
                crowded = host if counts[host] >= self._most_of_host else counts.most_common(1)[0][0]
                oldest = next(other for other, of in waiting.items() if of == crowded)
                del waiting[oldest]
                leaving.append(oldest)
            hosts = [self._guests.pop(other) for other in leaving]
            self._guests[guest] = host
        for other in leaving:
            other.stop()
        return hosts

    def leave(self, guest: Guest) -> None:
        """Forget a connection that is closed."""
        with self._lock:
            self._guests.pop(guest, None)

"""Limits on the number of open associations, in total and per peer."""

from __future__ import annotations

import threading
from typing import Literal

from scp.reception.watch import Holder

Refusal = Literal["limit", "peer_limit"]


class Seats:
    """Counts the open associations; thread-safe."""

    def __init__(self, most: int, most_of_peer: int) -> None:
        self._most = most
        self._most_of_peer = most_of_peer
        self._taken: list[tuple[Holder, str]] = []
        self._lock = threading.Lock()

    def adopt(self, most: int, most_of_peer: int) -> None:
        """Go on by other limits; who has a seat keeps it."""
        with self._lock:
            self._most, self._most_of_peer = most, most_of_peer

    def take(self, holder: Holder, peer: str) -> Refusal | None:
        """Give `holder` a seat as long as it is alive, or return the limit that is reached."""
        with self._lock:
            self._taken = [(other, name) for other, name in self._taken if other.is_alive()]
            if len(self._taken) >= self._most:
                return "limit"
            if sum(name == peer for _, name in self._taken) >= self._most_of_peer:
                return "peer_limit"
            self._taken.append((holder, peer))
            return None

    def count(self) -> int:
        """Return the number of open associations."""
        with self._lock:
            return sum(holder.is_alive() for holder, _ in self._taken)

"""The pace that a peer must keep: its silence, its slowness, and how long it may take altogether."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scp.network.errors import Expired


@dataclass(frozen=True, slots=True)
class Pace:
    """Limits on a peer's silence, in seconds, and on its slowness.

    `idle` limits the silence between messages, `stalled` that within one. A message that takes longer than `stalled`
    must arrive, and what is sent must be taken, at an average of `bytes_per_second` (0: at any rate). `total` limits
    the life of the connection.
    """

    idle: float
    stalled: float
    bytes_per_second: float = 0
    total: float | None = None


class Timers:
    """The timers of one connection, both ways; `clock` is monotonic seconds. Every check raises Expired."""

    def __init__(self, pace: Pace, clock: Callable[[], float]) -> None:
        self._pace = pace
        self._clock = clock
        self._silence = pace.idle
        self._phase_seconds = self._phase_end = math.inf
        self._begun: float | None = None
        self._received = 0
        self._deadline = math.inf if pace.total is None else clock() + pace.total

    def now(self) -> float:
        """Return the time on the clock."""
        return self._clock()

    def begin(self) -> None:
        """Begin a message: the peer must now keep up the pace."""
        if self._begun is None:
            self._begun, self._received, self._silence = self._clock(), 0, self._pace.stalled
            self._phase_end = math.inf

    def end(self) -> None:
        """End a message: the peer may now be idle."""
        self._begun, self._silence = None, self._pace.idle
        self._phase_end = math.inf

    def finish_within(self, seconds: float) -> None:
        """Limit all that is read until a message begins or ends to this time, however slowly it comes (ARTIM)."""
        self._silence = self._phase_seconds = seconds
        self._phase_end = self._clock() + seconds

    def take(self, count: int) -> None:
        """Count bytes that have arrived, and check their pace."""
        self._received += count
        self._check_rate()

    def await_more(self, since: float) -> None:
        """Check a peer of which nothing has come since then."""
        if self._clock() - since > self._silence:
            raise Expired(f"nothing received for {self._silence:g} s")
        self._check_rate()

    def await_reading(self, since: float) -> None:
        """Check a peer that has read nothing since then."""
        self.check()
        if self._clock() - since > self._pace.stalled:
            raise Expired(f"the peer read nothing for {self._pace.stalled:g} s")

    def check(self) -> None:
        """Check the limits on the connection and on what must be finished within some time."""
        now = self._clock()
        if now > self._deadline:
            raise Expired(f"it took longer than {self._pace.total:g} s")
        if now > self._phase_end:
            raise Expired(f"not complete within {self._phase_seconds:g} s")

    def check_average(self, count: int, seconds: float) -> None:
        """Check how fast these bytes went."""
        if seconds > self._pace.stalled and count < self._pace.bytes_per_second * seconds:
            raise Expired(
                f"only {count / seconds:.0f} bytes a second for {seconds:.0f} s, "
                f"the minimum is {self._pace.bytes_per_second:g}"
            )

    def _check_rate(self) -> None:
        self.check()
        if self._begun is not None:
            self.check_average(self._received, self._clock() - self._begun)

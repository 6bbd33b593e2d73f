"""When to try again: a strategy is a value; it decides, and never sleeps."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from config.settings import ResultsSettings

_MOST_DOUBLINGS: Final = 60  # 2 to the power of 60 seconds is longer than any pause, and still a float


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential backoff with jitter between half of the pause and all of it.

    The pause after the first failure is `first_seconds`; it doubles with each further one up to `longest_seconds`, and
    no try follows the last of `attempts`. `jitter` returns a number in [0, 1), so that many deliveries that failed
    together do not come back together; a constant 1 gives the whole pause.
    """

    first_seconds: float
    longest_seconds: float
    attempts: int
    jitter: Callable[[], float] = random.random

    @classmethod
    def from_settings(cls, settings: ResultsSettings) -> Self:
        """The strategy that is configured for deliveries."""
        return cls(settings.retry_first_seconds, settings.retry_longest_seconds, settings.retry_attempts)

    def pause(self, attempts: int) -> timedelta | None:
        """The time to wait after `attempts` failed tries, counted from 1; None when that was the last one."""
        if attempts >= self.attempts:
            return None
        whole = min(self.longest_seconds, self.first_seconds * 2.0 ** min(attempts - 1, _MOST_DOUBLINGS))
        return timedelta(seconds=whole * (0.5 + 0.5 * self.jitter()))

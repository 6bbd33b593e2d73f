"""Retry strategies as values: they decide when to try again, and never sleep."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol, Self

from config.results import ResultsSettings
from scp.installation import Installation

_MOST_DOUBLINGS: Final = 60  # 2 to the power of 60 seconds is longer than any pause, and still a float


class Pauses(Protocol):
    """Says how long to wait after a failure."""

    def pause(self, attempts: int) -> timedelta | None:
        """Return the pause after `attempts` failures, counted from 1; None after the last attempt."""
        ...


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential backoff, with jitter between half the pause and the full pause.

    The pause after the first failure is `first_seconds`; it doubles with each further failure up to `longest_seconds`,
    and there is no retry after the last of `attempts`. `jitter` returns a number in [0, 1), so that deliveries that
    failed together are not retried together; a constant 1 gives the full pause.
    """

    first_seconds: float
    longest_seconds: float
    attempts: int
    jitter: Callable[[], float] = random.random

    @classmethod
    def from_settings(cls, settings: ResultsSettings) -> Self:
        """Make the strategy configured for deliveries."""
        return cls(settings.retry_first_seconds, settings.retry_longest_seconds, settings.retry_attempts)

    def pause(self, attempts: int) -> timedelta | None:
        """Return the pause after `attempts` failures, counted from 1; None after the last attempt."""
        if attempts >= self.attempts:
            return None
        whole = min(self.longest_seconds, self.first_seconds * 2.0 ** min(attempts - 1, _MOST_DOUBLINGS))
        return timedelta(seconds=whole * (0.5 + 0.5 * self.jitter()))


@dataclass(frozen=True, slots=True)
class ConfiguredRetry:
    """The strategy of the configuration that is in force at the failure."""

    installation: Installation

    def pause(self, attempts: int) -> timedelta | None:
        """Return the pause as `Retry` does."""
        return Retry.from_settings(self.installation.settings.results).pause(attempts)

"""Attempts at one series: after a failure it is retried, given up with a reason, or left for later.

`decide` is the policy and does nothing itself; `attempt` carries it out. Every series gets an answer, and a failure
of disk, database or machine is never a verdict on it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Final, NoReturn, Protocol

import structlog

from config.errors import CoronodeError, NotScorable, Transient, describe_fault, is_fault
from scoring.report.common.catalogue import sentence
from scoring.report.common.texts import load_english
from scp.delivery.retry import Retry

log = structlog.get_logger(__name__)

ATTEMPTS: Final = Retry(first_seconds=2, longest_seconds=4, attempts=3, jitter=lambda: 1.0)
"""Two retries, after 2 and 4 seconds, because the only scoring process, and so every other series, waits meanwhile."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Try the same version again after a pause."""

    pause: timedelta


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Give the version up, with a reason for the operator."""

    reason: str


@dataclass(frozen=True, slots=True)
class LeaveForLater:
    """Leave the version as it is: it is still pending in the tables and will be resumed."""


def decide(error: Exception, attempts: int, *, retry: Retry, stopping: bool) -> TryAgain | GiveUp | LeaveForLater:
    """Decide what follows when attempt number `attempts`, counted from 1, ended with `error`."""
    if stopping:
        return LeaveForLater()
    pause = retry.pause(attempts)
    if pause is not None:
        return TryAgain(pause)
    return LeaveForLater() if isinstance(error, Transient) or is_fault(error) else GiveUp(_explain(error))


class Work(Protocol):
    """Work on one version of a series, which may be repeated."""

    def run(self, series_instance_uid: str, version: int) -> None:
        """Do the remaining work."""
        ...

    def postpone(self, series_instance_uid: str, version: int, reason: str) -> None:
        """Record that it is tried again later, and why."""
        ...

    def abandon(self, series_instance_uid: str, version: int, reason: str) -> None:
        """Record that nothing more will be tried, and why."""
        ...


class Stop(Protocol):
    """Signals that the node is stopping; a `threading.Event` will do."""

    def is_set(self) -> bool:
        """Return whether the node is stopping."""
        ...

    def wait(self, timeout: float) -> bool:
        """Wait for some seconds or until the node is stopping, and return whether it is stopping."""
        ...


def attempt(work: Work, series_instance_uid: str, version: int, *, retry: Retry, stop: Stop) -> None:
    """Work on a version until it is done or given up.

    Raises Transient when the version is left for later because of a fault, or when the node stops between two attempts,
    and the last error when the node is stopping already.
    """
    for number in count(1):
        try:
            work.run(series_instance_uid, version)
        except Exception as error:  # the edge of a job: every series gets an answer
            decision = decide(error, number, retry=retry, stopping=stop.is_set())
            if isinstance(decision, LeaveForLater):
                if stop.is_set():
                    raise
                _leave(work, series_instance_uid, version, error)
            note = log.warning if isinstance(error, Transient) else log.exception
            note("processing failed", series=series_instance_uid, version=version, attempt=number, error=str(error))
            if isinstance(decision, GiveUp):
                work.abandon(series_instance_uid, version, decision.reason)
                return
            pause = decision.pause.total_seconds()
        else:
            return
        if stop.wait(pause):
            raise Transient("the node is stopping")


def _explain(error: Exception) -> str:
    """Say why a version is given up; for what nobody foresaw the log has the trace."""
    if isinstance(error, NotScorable):
        return sentence(error, load_english())
    if isinstance(error, CoronodeError):
        return str(error)
    words = str(error)
    return f"internal error ({words}), see the node's log" if words else "internal error, see the node's log"


def _leave(work: Work, series_instance_uid: str, version: int, error: Exception) -> NoReturn:
    """Postpone a version after a fault of the machine, and raise Transient."""
    reason = describe_fault(error) if isinstance(error, OSError) else str(error)
    log.warning("processing postponed", series=series_instance_uid, version=version, error=reason)
    with suppress(Transient):  # a database that is away takes no note; the next reconciliation tries again
        work.postpone(series_instance_uid, version, reason)
    raise Transient(reason) from error

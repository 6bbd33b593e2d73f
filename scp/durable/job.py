"""Jobs for the durable engine, and the interface to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from storage.database.engine import Transaction


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: its workflow with a single step, and its queue.

    A process runs as many jobs of a queue at a time as it has scorers; of a kind with `partner`, the first and the end
    of the arguments that name the partner, one for each partner. Kinds that share a queue are alike in this. A queue is
    looked at every `look_seconds` for what other processes have put there, and at once for what this one has.
    """

    workflow: str
    step: str
    queue: str
    partner: tuple[int, int] | None = None
    look_seconds: float = 1.0

    def name_partition(self, arguments: Sequence[object]) -> str | None:
        """Name the partition of a job: the jobs for one partner; None where there is no partner."""
        if self.partner is None:
            return None
        first, end = self.partner
        return ":".join((self.workflow, *map(str, arguments[first:end])))


SCORE: Final = Kind("score_series", "process", "score")
DELIVER: Final = Kind("deliver_batch", "send", "deliver", partner=(2, 3))
REPORT_COMMITMENT: Final = Kind("report_commitment", "report", "chores", partner=(0, -1), look_seconds=5.0)
ASK_COMMITMENT: Final = Kind("ask_commitment", "ask", "chores", partner=(0, -1), look_seconds=5.0)


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a workflow: enqueued twice under one `workflow_id`, it runs once.

    Of the jobs that wait in a queue the one with the smallest `priority` goes first, then the oldest.
    """

    kind: Kind
    workflow_id: str
    arguments: tuple[str | int, ...]
    priority: int = 0

    @property
    def partition(self) -> str | None:
        """The jobs of which one runs at a time in a process."""
        return self.kind.name_partition(self.arguments)

    @classmethod
    def score(cls, series_instance_uid: str, version: int, priority: int = 0) -> Job:
        """Make the job that scores one version of a series."""
        workflow_id = f"score:{series_instance_uid}:{version}"
        return cls(SCORE, workflow_id, (series_instance_uid, version), priority=priority)


class Engine(Protocol):
    """A durable engine: it runs each job at least once, even across crashes."""

    def start(
        self, steps: Mapping[Kind, Callable[..., None]], *, around: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        """Start running jobs of these kinds: each step gets the job's arguments, inside the block `around()`.

        Without any kind this process enqueues jobs, and runs none.
        """
        ...

    def rename(self, member: str) -> None:
        """Run jobs from now on as another member of the group."""
        ...

    def hand_on(self, living: Collection[str]) -> None:
        """Give jobs back to their queues that a process was running that is none of the living members."""
        ...

    def enqueue(self, job: Job, transaction: Transaction | None = None) -> None:
        """Enqueue a job, in the caller's transaction if given; a known job stays unchanged."""
        ...

    def forget_ended(self, workflow_id: str) -> None:
        """Forget a job that has ended, successfully or not, so that it can be enqueued again."""
        ...

    def forget_before(self, moment: datetime) -> None:
        """Forget the jobs that ended before a given time."""
        ...

    def stop(self, *, busy: bool) -> None:
        """Stop; with `busy`, the outcome of steps that have just ended is stored first."""
        ...

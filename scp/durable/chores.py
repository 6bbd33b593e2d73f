"""Chores: what is owed to peers beside scores and deliveries, as durable jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from scp.durable.job import Job, Kind


class Errands(Protocol):
    """Work that stands in our tables: due for some partner at some time, and repeatable."""

    def list_due(self) -> Sequence[tuple[tuple[str, ...], datetime]]:
        """List the arguments of `run` for each partner that something is owed to, and since when."""
        ...

    @property
    def run(self) -> Callable[..., None]:
        """Do what is due for one partner, and record the outcome of each piece."""
        ...

    def recover(self) -> None:
        """Make due again what an earlier process has left in the middle; called before the first job."""
        ...

    def release(self) -> None:
        """Make due again what is claimed and no longer in progress."""
        ...


@dataclass(frozen=True, slots=True)
class Chore:
    """Errands as jobs of a kind: one partner after the other, each in a partition of its own."""

    kind: Kind
    errands: Errands

    def list_jobs(self) -> Iterator[Job]:
        """List the jobs that are due: a new one each time that something falls due."""
        for arguments, due in self.errands.list_due():
            workflow_id = ":".join((self.kind.workflow, *arguments, due.isoformat()))
            yield Job(self.kind, workflow_id, (*arguments, due.isoformat()))

    def run(self, *arguments: Any) -> None:
        """Run a job; its last argument, the time since when it is due, belongs to its identity alone."""
        self.errands.run(*arguments[:-1])

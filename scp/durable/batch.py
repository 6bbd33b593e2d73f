"""Deliveries sent together: one association, one job."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from scp.durable.job import DELIVER, Job
from storage.outbox.deliveries import Delivery


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents of one result version for one destination that are due together; `due` is an ISO 8601 time."""

    series_instance_uid: str
    version: int
    destination: str
    due: str

    @classmethod
    def from_delivery(cls, delivery: Delivery) -> Self:
        """Return the batch of a delivery."""
        due = delivery.next_attempt_at.isoformat()
        return cls(delivery.series_instance_uid, delivery.version, delivery.destination, due)

    @property
    def job(self) -> Job:
        """The job of this batch: a new one each time it falls due, in the partition of its destination."""
        workflow_id = f"deliver:{self.destination}:{self.series_instance_uid}:{self.version}:{self.due}"
        arguments = (self.series_instance_uid, self.version, self.destination, self.due)
        return Job(DELIVER, workflow_id, arguments)


def group_deliveries(deliveries: Iterable[Delivery]) -> list[Batch]:
    """Group deliveries into batches, in the order of their first delivery."""
    return list(dict.fromkeys(map(Batch.from_delivery, deliveries)))

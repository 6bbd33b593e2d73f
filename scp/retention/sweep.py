"""One round of deletion: by age, then by how full the disk is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from scp import metrics
from storage.database.engine import Database
from storage.objects.files import Files
from storage.retention.deletion import Deleted, delete_due, delete_quarantined
from storage.retention.rules import YOUNGEST, Kind, Policy
from storage.retention.selection import Candidate, Place, find_due
from storage.series import removals

log = structlog.get_logger(__name__)


def measure_use(files: Files) -> float:
    """Return how much of the store's disk is in use, percent of what users may write to."""
    usage = shutil.disk_usage(files.root)
    return 100.0 * usage.used / max(1, usage.used + usage.free)


@dataclass
class Swept:
    """What a round has deleted, by kind."""

    by_kind: dict[Kind, Deleted] = field(default_factory=dict)

    def add(self, kind: Kind, deleted: Deleted) -> None:
        """Add one deletion."""
        before = self.by_kind.get(kind, Deleted())
        self.by_kind[kind] = Deleted(
            before.series + deleted.series, before.objects + deleted.objects, before.bytes + deleted.bytes
        )


class Sweep:
    """Deletes what a policy says, a series a transaction, as long as `may_go_on` says so before each."""

    def __init__(
        self,
        database: Database,
        files: Files,
        policy: Policy,
        *,
        clock: Callable[[], datetime],
        may_go_on: Callable[[], bool],
    ) -> None:
        self._database = database
        self._files = files
        self._policy = policy
        self._clock = clock
        self._may_go_on = may_go_on
        self.swept = Swept()

    def delete_old(self) -> None:
        """Delete what is older than the rules say. Raises Transient."""
        for kind, age in self._policy.list_rules():
            if kind is Kind.QUARANTINE:
                self._delete_quarantined(age)
            else:
                self._delete_series(kind, age, enough=lambda: False)

    def make_room(self, high: float, low: float, measure: Callable[[], float]) -> float:
        """Delete images of delivered series, the oldest first, from `high` percent down to `low`; return what is left.

        Raises Transient.
        """
        if measure() >= high:
            self._delete_series(Kind.IMAGES, YOUNGEST, enough=lambda: measure() <= low)
        return measure()

    def _delete_series(self, kind: Kind, age: timedelta, *, enough: Callable[[], bool]) -> None:
        after: Place | None = None
        while True:
            page = find_due(self._database, kind, self._policy, self._clock(), age=age, after=after)
            if not page:
                return
            for candidate in page:
                if not self._may_go_on() or enough():
                    return
                self._delete_one(candidate, age)
            after = page[-1].received_at, page[-1].series_id

    def _delete_one(self, candidate: Candidate, age: timedelta) -> None:
        deleted = delete_due(self._database, candidate, self._policy, self._clock(), age=age)
        if not deleted.series:
            return
        removals.carry_out(self._database, self._files, self._clock())
        self._count(candidate.kind, deleted)
        log.info(
            "deleted",
            kind=candidate.kind,
            series=candidate.series_instance_uid,
            objects=deleted.objects,
            bytes=deleted.bytes,
        )

    def _delete_quarantined(self, age: timedelta) -> None:
        while self._may_go_on():
            deleted = delete_quarantined(self._database, self._clock(), age=age)
            if not deleted.objects:
                return
            removals.carry_out(self._database, self._files, self._clock())
            self._count(Kind.QUARANTINE, deleted)
            log.info("deleted", kind=Kind.QUARANTINE, objects=deleted.objects, bytes=deleted.bytes)

    def _count(self, kind: Kind, deleted: Deleted) -> None:
        self.swept.add(kind, deleted)
        metrics.DELETED_SERIES.labels(kind).inc(deleted.series)
        metrics.DELETED_OBJECTS.labels(kind).inc(deleted.objects)
        metrics.DELETED_BYTES.labels(kind).inc(deleted.bytes)

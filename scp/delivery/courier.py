"""Delivery of a result's documents to one destination: when to try again, and when to give up.

A retry strategy decides and never sleeps; the durable workflow waits.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

import structlog
from pydicom.uid import UID

from config.errors import Permanent, Transient
from config.settings import PeerSettings, ResultsSettings, Settings
from scp.delivery import substitutes
from scp.delivery.store_scu import Sending, associated, store
from scp.network.requestor import Requestor
from scp.work.documents import Reporting
from storage.database.engine import Database
from storage.objects.files import Files
from storage.outbox import deliveries, outgoing
from storage.outbox.deliveries import Delivery, DeliveryState

log = structlog.get_logger(__name__)

_MANY: Final = 100_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents of one result version for one destination that are due together; `due` is an ISO 8601 time."""

    series_instance_uid: str
    version: int
    destination: str
    due: str

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """The batch that a delivery belongs to."""
        due = delivery.next_attempt_at.isoformat()
        return cls(delivery.series_instance_uid, delivery.version, delivery.destination, due)

    @property
    def workflow_id(self) -> str:
        """One for each time that the batch falls due."""
        return f"deliver:{self.destination}:{self.series_instance_uid}:{self.version}:{self.due}"

    @property
    def arguments(self) -> tuple[str, int, str, str]:
        """What the workflow is given."""
        return self.series_instance_uid, self.version, self.destination, self.due


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential backoff with full jitter between half and the whole of the pause.

    The pause starts at `first_seconds`, doubles up to `longest_seconds`, and ends after `attempts` tries.
    """

    first_seconds: float
    longest_seconds: float
    attempts: int
    jitter: Callable[[], float] = random.random

    @classmethod
    def of(cls, settings: ResultsSettings) -> Self:
        """The strategy as configured."""
        return cls(settings.retry_first_seconds, settings.retry_longest_seconds, settings.retry_attempts)

    def pause(self, attempts: int) -> timedelta | None:
        """How long to wait after `attempts` failed tries; None when no further one is made."""
        if attempts >= self.attempts:
            return None
        whole = min(self.longest_seconds, self.first_seconds * 2.0 ** min(attempts - 1, 60))
        return timedelta(seconds=whole * (0.5 + 0.5 * self.jitter()))


class Courier:
    """Takes batches to their destinations over one association each."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        files: Files,
        reporting: Reporting,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._database = database
        self._files = files
        self._reporting = reporting
        self._clock = clock
        self._retry = Retry.of(settings.results)
        self._under_way: set[tuple[str, int, str]] = set()
        self._lock = threading.Lock()

    def deliver(self, batch: Batch) -> None:
        """Try every pending document of the batch once and note in the outbox how it went."""
        key = (batch.series_instance_uid, batch.version, batch.destination)
        with self._lock:
            self._under_way.add(key)
        try:
            self._deliver(batch)
        finally:
            with self._lock:
                self._under_way.discard(key)

    def release(self) -> None:
        """Put back what is claimed and under way no more: the database did not take the note of how it went."""
        with self._lock:
            claimed = deliveries.list_deliveries(self._database, DeliveryState.SENDING, limit=_MANY)
            for item in claimed:
                if (item.series_instance_uid, item.version, item.destination) not in self._under_way:
                    now = self._clock()
                    error = "how the last attempt went could not be noted"
                    outgoing.mark_failed(self._database, item.id, now, error=error, retry_at=now)

    def _deliver(self, batch: Batch) -> None:
        claimed = self._claim(batch)
        if not claimed:
            return
        peer = self._settings.peers.get(batch.destination)
        if peer is None:
            self._give_up(claimed, f"no peer is named {batch.destination!r} in the configuration any more")
            return
        left = dict.fromkeys(claimed)
        try:
            self._send(peer, left)
        except Transient as error:
            self._put_off(list(left), str(error))
        except Permanent as error:
            self._give_up(list(left), str(error))
        except Exception as error:  # the delivery's edge: what was claimed must not stay claimed
            log.exception("delivery failed", to=batch.destination)
            self._put_off(list(left), f"internal error: {type(error).__name__}: {error}")

    def _claim(self, batch: Batch) -> list[Delivery]:
        """The batch's due documents, each taken from pending to sending, the oldest first."""
        now = self._clock()
        pending = deliveries.list_deliveries(
            self._database, DeliveryState.PENDING, series_instance_uid=batch.series_instance_uid, limit=_MANY
        )
        claimed = [
            outgoing.claim(self._database, item.id, now)
            for item in sorted(pending, key=lambda item: item.id)
            if (item.version, item.destination) == (batch.version, batch.destination) and item.next_attempt_at <= now
        ]
        return [item for item in claimed if item is not None]

    def _send(self, peer: PeerSettings, left: dict[Delivery, None]) -> None:
        """Send what is in `left`, taking out each document whose fate is noted."""
        objects = self._readable(left)
        if not objects:
            return
        results = self._settings.results
        others = {item: substitutes.of(item.kind, sending, peer, results) for item, sending in objects.items()}
        proposed = [*objects.values(), *(sending for found in others.values() for sending in found.values())]
        with associated(self._settings.node, peer, proposed) as association:
            accepted = {str(context.abstract_syntax) for context in association.accepted_contexts}
            instead = {
                item: name
                for item, sending in objects.items()
                if (name := substitutes.first_accepted(sending, others[item], accepted)) is not None
            }
            for item in [item for item in objects if item not in instead]:
                self._send_one(association, item, objects[item], peer)
                del left[item]
        for item, name in instead.items():
            self._replace(item, objects[item], name)
            del left[item]

    def _readable(self, left: dict[Delivery, None]) -> dict[Delivery, Sending]:
        objects = {}
        for item in list(left):
            try:
                objects[item] = Sending.of(self._files.path(item.path))
            except Permanent as error:
                self._give_up([item], str(error))
                del left[item]
        return objects

    def _send_one(self, association: Requestor, item: Delivery, sending: Sending, peer: PeerSettings) -> None:
        """Send one document and note how it went. Raises Transient when the association ended meanwhile."""
        try:
            status = store(association, sending, peer)
        except Permanent as error:
            self._give_up([item], str(error))
        except Transient as error:
            if not association.is_established:
                raise
            self._put_off([item], str(error))
        else:
            outgoing.mark_delivered(self._database, item.id, self._clock(), status=status)
            log.info("delivered", series=item.series_instance_uid, kind=item.kind, to=item.destination)

    def _replace(self, item: Delivery, sending: Sending, instead: str) -> None:
        """Enter what the destination takes in place of a document; it is due at once."""
        error = f"{item.destination} accepts no {UID(sending.sop_class_uid).name}"
        documents = self._reporting.another(item.series_instance_uid, item.version, instead)
        if not documents:
            self._give_up([item], error)
            return
        log.warning("another document goes instead", delivery=item.id, to=item.destination, instead=instead)
        outgoing.mark_replaced(
            self._database, item.id, documents, self._clock(), error=f"{error}; sent instead: {instead}"
        )

    def _put_off(self, items: list[Delivery], error: str) -> None:
        now = self._clock()
        for attempts in sorted({item.attempts for item in items}):
            pause = self._retry.pause(attempts)
            same = [item for item in items if item.attempts == attempts]
            if pause is None:
                self._give_up(same, f"{error} (given up after {attempts} attempts)")
                continue
            log.warning(
                "delivery failed for now", to=same[0].destination, error=error, retry_in=round(pause.total_seconds(), 1)
            )
            for item in same:
                outgoing.mark_failed(self._database, item.id, now, error=error, retry_at=now + pause)

    def _give_up(self, items: list[Delivery], error: str) -> None:
        for item in items:
            log.error("delivery is dead", delivery=item.id, to=item.destination, error=error)
            outgoing.mark_dead(self._database, item.id, self._clock(), error=error)

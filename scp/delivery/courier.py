"""Delivery of a result's documents to one destination over one association."""

from __future__ import annotations

import threading

import structlog
from pydicom.uid import UID

from config.errors import Permanent, Transient, describe_fault
from config.results import ResultsSettings
from config.settings import PeerSettings
from scp import metrics
from scp.delivery.association import Associate, Association
from scp.delivery.retry import Pauses
from scp.delivery.substitutes import choose_accepted, find_substitutes
from scp.installation import Installation
from scp.scu.storage import ClassRefused, Sending
from scp.work.documents import DocumentWork
from storage.outbox import deliveries, outcomes, outgoing, pauses
from storage.outbox.deliveries import Delivery, DeliveryState

log = structlog.get_logger(__name__)


class Courier:
    """Delivers the documents of a result to their destinations; thread-safe.

    `associate` opens associations, `reporting` makes substitutes, `retry` decides when a delivery is due again.
    """

    def __init__(
        self, installation: Installation, reporting: DocumentWork, *, associate: Associate, retry: Pauses
    ) -> None:
        self._installation = installation
        self._database = installation.database
        self._files = installation.files
        self._clock = installation.clock
        self._owner = installation.owner
        self._reporting = reporting
        self._associate = associate
        self._retry = retry
        self._under_way: set[tuple[str, int, str]] = set()
        self._faults: dict[str, str] = {}
        self._lock = threading.Lock()
        metrics.await_deliveries(installation.settings.results.destinations)

    def deliver(self, series_instance_uid: str, version: int, destination: str) -> None:
        """Try every due document of one version for one destination once, and record each outcome in the outbox."""
        key = (series_instance_uid, version, destination)
        with self._lock:
            self._under_way.add(key)
        try:
            self._deliver(*key)
        finally:
            with self._lock:
                self._under_way.discard(key)

    def release(self) -> None:
        """Reset deliveries that are claimed but no longer in progress, because the outcome could not be recorded."""
        with self._lock:
            for item in deliveries.list_deliveries(self._database, DeliveryState.SENDING, limit=None):
                if item.owner != self._owner():  # another member's, which lives or will be expelled
                    continue
                if (item.series_instance_uid, item.version, item.destination) not in self._under_way:
                    now = self._clock()
                    error = "the outcome of the last attempt could not be recorded"
                    outcomes.mark_failed(self._database, item.id, now, error=error, retry_at=now, owner=item.owner)

    def _deliver(self, series_instance_uid: str, version: int, destination: str) -> None:
        claimed = self._claim(series_instance_uid, version, destination)
        if not claimed:
            return
        settings = self._installation.settings
        peer = settings.peers.get(destination)
        if peer is None:
            self._give_up(claimed, f"there is no longer a peer {destination!r} in the configuration")
            return
        left = dict.fromkeys(claimed)
        try:
            self._send(peer, left, settings.results)
        except Transient as error:
            self._put_off(list(left), str(error))
        except Permanent as error:
            self._give_up(list(left), str(error))
        except Exception:  # the edge of a delivery: nothing may stay claimed
            log.exception("delivery failed", to=destination)
            self._put_off(list(left), "internal error, see the node's log")

    def _claim(self, series_instance_uid: str, version: int, destination: str) -> list[Delivery]:
        """Claim the due documents, oldest first; none for a destination that was paused after they were enqueued."""
        if pauses.is_paused(self._database, destination):
            return []
        now = self._clock()
        pending = deliveries.list_deliveries(
            self._database, DeliveryState.PENDING, series_instance_uid=series_instance_uid, limit=None
        )
        claimed = [
            outgoing.claim(self._database, item.id, now, self._owner())
            for item in sorted(pending, key=lambda item: item.id)
            if (item.version, item.destination) == (version, destination) and item.next_attempt_at <= now
        ]
        return [item for item in claimed if item is not None]

    def _send(self, peer: PeerSettings, left: dict[Delivery, None], results: ResultsSettings) -> None:
        """Send the documents in `left`, removing each one whose outcome is recorded.

        A peer that leaves the configuration meanwhile gets what is under way to it.
        """
        objects = self._read_documents(left)
        if not objects:
            return
        others = {item: find_substitutes(item.kind, sending, peer, results) for item, sending in objects.items()}
        proposed = [
            *objects.values(),
            *(sending for substitutes in others.values() for sending in substitutes.values()),
        ]
        with self._associate(peer, proposed) as association:
            instead = {
                item: name
                for item, sending in objects.items()
                if (name := choose_accepted(sending, others[item], association.sop_classes)) is not None
            }
            for item in [item for item in objects if item not in instead]:
                if self._send_one(association, peer, item, objects[item], may_replace=bool(others[item])):
                    del left[item]
                else:
                    instead[item] = next(iter(others[item]))
        for item, name in instead.items():
            self._replace(item, objects[item], name)
            del left[item]

    def _read_documents(self, left: dict[Delivery, None]) -> dict[Delivery, Sending]:
        objects = {}
        for item in list(left):
            try:
                objects[item] = self._read(item)
            except Transient as error:
                self._put_off([item], str(error))
                del left[item]
            except Permanent as error:
                self._give_up([item], str(error))
                del left[item]
        return objects

    def _read(self, item: Delivery) -> Sending:
        try:
            path = self._files.fetch(item.path)
        except OSError as error:
            raise Transient(describe_fault(error)) from error
        return Sending.from_file(path)

    def _send_one(
        self, association: Association, peer: PeerSettings, item: Delivery, sending: Sending, *, may_replace: bool
    ) -> bool:
        """Send one document and record the outcome; False where only a substitute would be taken.

        Raises Transient when the association ended.
        """
        try:
            status = association.store(sending)
        except ClassRefused as error:
            if may_replace:
                return False
            self._give_up([item], str(error))
        except Permanent as error:
            self._give_up([item], str(error))
        except Transient as error:
            if not association.is_established:
                raise
            self._put_off([item], str(error))
        else:
            now = self._clock()
            commit_at = now if peer.commit else None
            outcomes.mark_delivered(self._database, item.id, now, status=status, commit_at=commit_at, owner=item.owner)
            metrics.DELIVERIES.labels(item.destination, "delivered").inc()
            self._faults.pop(item.destination, None)
            log.info("delivered", series=item.series_instance_uid, kind=item.kind, to=item.destination)
        return True

    def _replace(self, item: Delivery, sending: Sending, instead: str) -> None:
        """Add the document that the destination accepts instead, due at once."""
        error = f"{item.destination} accepts no {UID(sending.sop_class_uid).name}"
        documents = self._reporting.make_other(item.series_instance_uid, item.version, instead)
        if not documents:
            self._give_up([item], error)
            return
        log.warning("sending another document instead", delivery=item.id, to=item.destination, instead=instead)
        error = f"{error}; sent instead: {instead}"
        outcomes.mark_replaced(self._database, item.id, documents, self._clock(), error=error, owner=item.owner)
        metrics.DELIVERIES.labels(item.destination, "replaced").inc()

    def _put_off(self, items: list[Delivery], error: str) -> None:
        now = self._clock()
        for attempts in sorted({item.attempts for item in items}):
            pause = self._retry.pause(attempts)
            same = [item for item in items if item.attempts == attempts]
            if pause is None:
                self._give_up(same, f"{error} (given up after {attempts} attempts)")
                continue
            self._tell_fault(same[0].destination, error, pause.total_seconds())
            for item in same:
                outcomes.mark_failed(self._database, item.id, now, error=error, retry_at=now + pause, owner=item.owner)
                metrics.DELIVERIES.labels(item.destination, "postponed").inc()

    def _tell_fault(self, destination: str, error: str, seconds: float) -> None:
        """Log a fault of a destination when it begins or changes: one that lasts is not told at each attempt."""
        told = self._faults.get(destination) == error
        self._faults[destination] = error
        note = log.debug if told else log.warning
        note("delivery failed for now", to=destination, error=error, retry_in=round(seconds, 1))

    def _give_up(self, items: list[Delivery], error: str) -> None:
        for item in items:
            log.error("delivery is dead", delivery=item.id, to=item.destination, error=error)
            outcomes.mark_dead(self._database, item.id, self._clock(), error=error, owner=item.owner)
            metrics.DELIVERIES.labels(item.destination, "dead").inc()

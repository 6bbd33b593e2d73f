"""Asking destinations to commit to the storage of what was delivered to them (PS3.4 annex J, as SCU)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from config.errors import Permanent, Transient
from config.settings import NodeSettings, PeerSettings
from dicom import status
from dicom.commitment import CommitmentRequest, CommitmentResult
from scp import metrics
from scp.delivery.retry import Pauses
from scp.installation import Installation
from scp.scu.commitment import Take, ask
from storage.outbox import commitment

log = structlog.get_logger(__name__)

Ask = Callable[[NodeSettings, PeerSettings, CommitmentRequest, Take], None]


class CommitmentAsker:
    """Asks for commitment, and records what destinations report; thread-safe.

    `make_uid` makes the Transaction UID of each request, `retry` decides when a destination that cannot be asked is
    tried again, `ask` sends the request.
    """

    def __init__(
        self, installation: Installation, *, retry: Pauses, make_uid: Callable[[], str], ask: Ask = ask
    ) -> None:
        self._installation = installation
        self._database = installation.database
        self._clock = installation.clock
        self._retry = retry
        self._make_uid = make_uid
        self._ask = ask
        self._warned: set[str] = set()
        self._lock = threading.Lock()

    def list_due(self) -> list[tuple[tuple[str, ...], datetime]]:
        """List the destinations that are due to be asked, each with the time since when."""
        return [((destination,), due) for destination, due in commitment.list_due(self._database, self._clock())]

    def run(self, destination: str) -> None:
        """Ask a destination about every document that is due, in one request."""
        settings = self._installation.settings
        peer = settings.peers.get(destination)
        if peer is None or not peer.commit:  # the configuration has changed since the delivery
            commitment.forget(self._database, destination)
            return
        uid, now = self._make_uid(), self._clock()
        patience = timedelta(seconds=settings.results.commit_timeout_seconds)
        request = commitment.begin(self._database, destination, uid, now, answer_by=now + patience)
        if request is None:
            return
        try:
            self._ask(settings.node, peer, request, lambda result: self._record([destination], result))
        except Transient as error:
            log.warning("commitment not asked for now", to=destination, error=str(error))
            commitment.postpone(self._database, uid, self._clock(), error=str(error), pause=self._retry.pause)
        except Permanent as error:
            self._warn_once(destination, str(error))
            metrics.COMMITTED.labels("refused").inc(len(request.references))
            commitment.give_up(self._database, uid, self._clock(), error=str(error))
        else:
            commitment.note_asked(self._database, uid)
            log.info("commitment asked", to=destination, transaction=uid, documents=len(request.references))

    def recover(self) -> None:
        """Do nothing: a request that a dead process had begun is asked again when it stays unanswered."""

    def release(self) -> None:
        """Do nothing, for the same reason."""

    def take(self, calling_ae: str, result: CommitmentResult) -> int:
        """Record the report of a peer by its AE title, and return the status to answer. Raises Transient."""
        peers = self._installation.settings.callers.items()
        return self._record([name for name, peer in peers if peer.ae_title == calling_ae.strip()], result)

    def _record(self, destinations: list[str], result: CommitmentResult) -> int:
        settled = commitment.settle(self._database, destinations, result, self._clock())
        if settled is None:
            log.warning("report of commitment refused: no such transaction", transaction=result.transaction_uid)
            return status.INVALID_ARGUMENT_VALUE
        metrics.COMMITTED.labels("committed").inc(settled.committed)
        metrics.COMMITTED.labels("failed").inc(settled.failed)
        note = log.warning if settled.failed else log.info
        note(
            "commitment reported to us",
            transaction=result.transaction_uid,
            committed=settled.committed,
            failed=settled.failed,
        )
        return status.SUCCESS

    def _warn_once(self, destination: str, error: str) -> None:
        with self._lock:
            if destination in self._warned:
                return
            self._warned.add(destination)
        log.warning("a destination does not commit to storage", to=destination, error=error)

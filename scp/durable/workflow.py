"""Durable work: score -> report -> deliver, each resumed after a crash.

    series complete --(same transaction)--> job score:<series>:<version>
        score   in the scoring process; the result is saved with the series' state
        report  documents made, stored, entered in the outbox
    outbox      --> job deliver:<destination>:<series>:<version>:<due>
        send    one association; each document delivered, postponed, or dead
    chores      --> job <kind>:<peer>:<due>

Our tables are the truth. Every job can be repeated: it checks there first and changes state by compare-and-set.
`reconcile` enqueues outstanding work at the start and every few seconds: after a crash, or an operator's rescore or
retry from another process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

import structlog

from config.errors import Transient
from scp.delivery.courier import Courier
from scp.durable.attempts import ATTEMPTS, Work, attempt
from scp.durable.batch import group_deliveries
from scp.durable.chores import Chore
from scp.durable.job import DELIVER, SCORE, Engine, Job, Kind
from scp.installation import Installation
from scp.reception.watch import Last
from storage.database.engine import Transaction
from storage.outbox import deliveries, outgoing
from storage.series import lifecycle, states

log = structlog.get_logger(__name__)

RECONCILE_SECONDS: Final = 3.0
KEEP_ENDED: Final = timedelta(days=7)
_NEW: Final = timedelta(hours=1)  # longer than a series is waited for
_STOP_SECONDS: Final = 60.0  # longer than the default timeout for a silent peer
_CLEANUP_EVERY: Final = 1200  # reconciliations, about an hour


class Workflow:
    """Enqueues and runs the outstanding jobs, from `start` to `stop`.

    `watch` takes the UID and the last image of each series that is being received, so that its completion is not
    missed, whichever process stores its images. `chores` are what is owed to peers beside deliveries.
    """

    def __init__(
        self,
        engine: Engine,
        installation: Installation,
        processing: Work,
        courier: Courier,
        *,
        watch: Callable[[str, Last], None],
        chores: Sequence[Chore] = (),
    ) -> None:
        self._engine = engine
        self._database = installation.database
        self._clock = installation.clock
        self._processing = processing
        self._courier = courier
        self._watch = watch
        self._chores = chores
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._idle = threading.Condition()
        self._running = 0
        self._thread = threading.Thread(target=self._run, name="reconcile", daemon=True)

    def start(self) -> None:
        """Launch the engine and resume the work of an earlier process."""
        outgoing.recover(self._database, self._clock())  # before an interrupted job can claim anything
        lifecycle.stop_waiting(self._database)  # what was away may be back
        for chore in self._chores:
            chore.errands.recover()
        steps: dict[Kind, Callable[..., None]] = {SCORE: self._score, DELIVER: self._deliver}
        steps.update({chore.kind: chore.run for chore in self._chores})
        self._engine.start(steps, around=self._count_running)
        self.reconcile()
        self._thread.start()

    def halt(self) -> None:
        """Start nothing new; work that fails after this is resumed at the next start."""
        self._stop.set()
        self._wake.set()

    def stop(self) -> None:
        """Stop the engine; unfinished work resumes at the next start."""
        self.halt()
        if self._thread.ident is not None:
            self._thread.join()
        with self._idle:
            busy = self._running > 0
            self._idle.wait_for(lambda: self._running == 0, _STOP_SECONDS)
        self._engine.stop(busy=busy)

    def enqueue_score(self, transaction: Transaction, series_instance_uid: str, version: int) -> None:
        """Enqueue the scoring of a version in the caller's transaction."""
        received = states.get(transaction, series_instance_uid).last_received_at
        self._engine.enqueue(Job.score(series_instance_uid, version, self._rank(received)), transaction)

    def reconcile(self) -> None:
        """Enqueue outstanding work and watch the series being received; running jobs stay unaffected."""
        now = self._clock()
        for state in states.list_receiving(self._database):
            last = Last(state.last_received_at, (now - state.last_received_at).total_seconds())
            self._watch(state.series_instance_uid, last)
        for state in states.list_unfinished(self._database, self._clock()):
            rank = self._rank(state.last_received_at)
            self._take_up(Job.score(state.series_instance_uid, state.version, rank))
        self._courier.release()
        for batch in group_deliveries(deliveries.list_due(self._database, self._clock())):
            self._take_up(batch.job)
        for chore in self._chores:
            chore.errands.release()
            for job in chore.list_jobs():
                self._take_up(job)

    def _rank(self, last_received_at: datetime) -> int:
        """Rank a series for the queue: what has just arrived goes before what an operator has scored again."""
        return int(self._clock() - last_received_at > _NEW)

    def _take_up(self, job: Job) -> None:
        """Enqueue a job, again if it ended without doing its work."""
        self._engine.forget_ended(job.workflow_id)
        self._engine.enqueue(job)

    def _score(self, series_instance_uid: str, version: int) -> None:
        attempt(self._processing, series_instance_uid, version, retry=ATTEMPTS, stop=self._stop)
        self._wake.set()

    def _deliver(self, series_instance_uid: str, version: int, destination: str, due: str) -> None:  # noqa: ARG002  # part of the batch's identity
        self._courier.deliver(series_instance_uid, version, destination)

    @contextmanager
    def _count_running(self) -> Iterator[None]:
        """Count a running step, so that `stop` waits for it. Raises Transient when the node is stopping."""
        if self._stop.is_set():
            raise Transient("the node is stopping")
        with self._idle:
            self._running += 1
        try:
            yield
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def _run(self) -> None:
        count = 0
        while not self._stop.is_set():
            self._wake.wait(RECONCILE_SECONDS)
            self._wake.clear()
            if self._stop.is_set():
                return
            count += 1
            try:
                self.reconcile()
                if count % _CLEANUP_EVERY == 0:
                    self._engine.forget_before(self._clock() - KEEP_ENDED)  # their work is recorded in our tables
            except Exception:  # the edge of the thread: retried in a few seconds
                log.exception("reconciliation failed; will retry")

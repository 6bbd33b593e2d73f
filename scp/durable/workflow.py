"""Durable work: score -> report -> deliver, each resumed after a crash.

    series complete --(same transaction)--> job score:<series>:<version>
        score   in the scoring process; the result is saved with the series' state
        report  documents made, stored, entered in the outbox
    outbox      --> job deliver:<destination>:<series>:<version>:<due>
        send    one association; each document delivered, postponed, or dead
    chores      --> job <kind>:<peer>:<due>

Our tables are the truth. Every job can be repeated: it checks there first and changes state by compare-and-set.
`reconcile` enqueues outstanding work at the start and every few seconds: after a crash, or an operator's rescore or
retry from another process. In a group each process does so for the kinds of work that it does, and gives back the jobs
of members that have gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from config.errors import Transient
from scp.delivery.courier import Courier
from scp.durable.attempts import ATTEMPTS, Work, attempt
from scp.durable.batch import group_deliveries
from scp.durable.chores import Chore
from scp.durable.job import DELIVER, SCORE, Engine, Job, Kind
from scp.installation import Installation
from scp.trouble import Trouble
from storage.database.engine import Transaction
from storage.outbox import deliveries, outgoing
from storage.series import states, waits

log = structlog.get_logger(__name__)

RECONCILE_SECONDS: Final = 5.0
KEEP_ENDED: Final = timedelta(days=7)
_NEW: Final = timedelta(hours=1)  # longer than a series is waited for
_STOP_SECONDS: Final = 60.0  # longer than the default timeout for a silent peer
_CLEANUP_EVERY: Final = 720  # reconciliations, about an hour


class Group(Protocol):
    """The group that this process works in."""

    def is_sound(self) -> bool:
        """Return whether this process may take work: the others know that it is alive."""
        ...

    def list_living(self) -> frozenset[str]:
        """List the members that are alive. Raises Transient."""
        ...


class Workflow:
    """Enqueues and runs the outstanding jobs, from `start` to `stop`.

    Without `processing` this process scores nothing, without `courier` it delivers nothing; others of the `group` do.
    `chores` are what is owed to peers beside deliveries, done by who delivers.
    """

    def __init__(
        self,
        engine: Engine,
        installation: Installation,
        processing: Work | None,
        courier: Courier | None,
        *,
        group: Group,
        chores: Sequence[Chore] = (),
    ) -> None:
        self._engine = engine
        self._database = installation.database
        self._clock = installation.clock
        self._processing = processing
        self._courier = courier
        self._group = group
        self._chores = chores
        self._living: frozenset[str] | None = None
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._idle = threading.Condition()
        self._running = 0
        self._trouble = Trouble("reconciliation failed; will retry", "reconciliation succeeds again")
        self._thread = threading.Thread(target=self._run, name="reconcile", daemon=True)

    def start(self) -> None:
        """Launch the engine and resume the work of an earlier process."""
        outgoing.recover(self._database, self._clock())  # before an interrupted job can claim anything
        if self._processing is not None:
            waits.stop_waiting(self._database)  # what was away may be back
        for chore in self._chores:
            chore.errands.recover()
        self._engine.start(self._list_steps(), around=self._count_running)
        self.reconcile()
        self._thread.start()

    def wake(self) -> None:
        """Look for outstanding work now: a member of the group has gone."""
        self._wake.set()

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
        """Enqueue outstanding work; running jobs stay unaffected."""
        if not self._group.is_sound():
            return
        if self._processing is not None or self._courier is not None:
            self._hand_on()
        if self._processing is not None:
            for state in states.list_unfinished(self._database, self._clock()):
                rank = self._rank(state.last_received_at)
                self._take_up(Job.score(state.series_instance_uid, state.version, rank))
        if self._courier is not None:
            self._courier.release()
            for batch in group_deliveries(deliveries.list_due(self._database, self._clock())):
                self._take_up(batch.job)
        for chore in self._chores:
            chore.errands.release()
            for job in chore.list_jobs() if self._courier is not None else ():
                self._take_up(job)

    def _list_steps(self) -> dict[Kind, Callable[..., None]]:
        """List the kinds of jobs that this process runs."""
        steps: dict[Kind, Callable[..., None]] = {}
        if self._processing is not None:
            steps[SCORE] = partial(self._score, self._processing)
        if self._courier is not None:
            steps[DELIVER] = partial(self._deliver, self._courier)
            steps.update({chore.kind: chore.run for chore in self._chores})
        return steps

    def _hand_on(self) -> None:
        """Give back the jobs of members that have gone since the last time."""
        living = self._group.list_living()
        if living != self._living:
            self._engine.hand_on(living)
            self._living = living

    def _rank(self, last_received_at: datetime) -> int:
        """Rank a series for the queue: what has just arrived goes before what an operator has scored again."""
        return int(self._clock() - last_received_at > _NEW)

    def _take_up(self, job: Job) -> None:
        """Enqueue a job, again if it ended without doing its work."""
        self._engine.forget_ended(job.workflow_id)
        self._engine.enqueue(job)

    def _score(self, processing: Work, series_instance_uid: str, version: int) -> None:
        attempt(processing, series_instance_uid, version, retry=ATTEMPTS, stop=self._stop)
        self._wake.set()

    def _deliver(self, courier: Courier, series_instance_uid: str, version: int, destination: str, due: str) -> None:  # noqa: ARG002  # part of the batch's identity
        courier.deliver(series_instance_uid, version, destination)

    @contextmanager
    def _count_running(self) -> Iterator[None]:
        """Count a running step, so that `stop` waits for it. Raises Transient when this process is to take no work."""
        if self._stop.is_set():
            raise Transient("the node is stopping")
        if not self._group.is_sound():
            raise Transient("the group has had no sign of life of this process for a while")
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
                self._trouble.end()
            except Transient as error:
                self._trouble.note(error)
            except Exception:  # the edge of the thread: retried in a few seconds
                log.exception("reconciliation failed; will retry")

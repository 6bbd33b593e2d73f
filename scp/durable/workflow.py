"""Durable steps: score -> report -> deliver, each taken up again after a crash.

    series complete --(same transaction)--> workflow score:<series>:<version>
        score   in the scoring process; the result is saved with the series' state
        report  documents made, stored, entered in the outbox
    outbox      --> workflow deliver:<destination>:<series>:<version>:<due>
        send    one association; each document delivered, put off, or dead

Our tables are the truth. Every step can be repeated: it looks there first and changes state by
compare-and-set. `reconcile` enqueues what the tables owe, at start and every few seconds: after a crash,
and after an operator's rescore or retry from another process. The durable engine (DBOS Transact) stays
behind this module.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from dbos import DBOS, DBOSClient, DBOSConfig
from sqlalchemy.orm import Session

from config.errors import CoronodeError, Transient
from scp.delivery.courier import Batch, Courier
from scp.durable.serializer import JsonSerializer
from scp.work.series_work import Processing
from storage.database.engine import Database
from storage.outbox import deliveries, outgoing
from storage.series import states

log = structlog.get_logger(__name__)


def _is_news(record: logging.LogRecord) -> bool:
    """Not that work was left to the next start, which the engine tells as a failure with its trace."""
    return not (record.exc_info and isinstance(record.exc_info[1], Transient))


logging.getLogger("dbos").addHandler(logging.NullHandler())  # or it would write to the console by itself
logging.getLogger("dbos").addFilter(_is_news)

APPLICATION_VERSION: Final = "coronode-1"
RECONCILE_SECONDS: Final = 3.0
KEEP_FINISHED: Final = timedelta(days=7)
_SCORE_QUEUE: Final = "score"
_DELIVER_QUEUE: Final = "deliver"
_SCORE: Final = "score_series"
_DELIVER: Final = "deliver_batch"
_POLLING_SECONDS: Final = 0.5
_ATTEMPTS: Final = 3
_ENDED: Final = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_STOP_SECONDS: Final = 60.0  # longer than a peer's silence by default
_NOTED_SECONDS: Final = 5
_MANY: Final = 100_000
_CLEANUP_EVERY: Final = 1200  # reconciliations, about an hour


class Workflow:
    """The durable engine with our two workflows; one in a process at a time."""

    def __init__(
        self,
        database: Database,
        processing: Processing,
        courier: Courier,
        *,
        clock: Callable[[], datetime],
        watch: Callable[[str], None],
    ) -> None:
        self._database = database
        self._processing = processing
        self._courier = courier
        self._clock = clock
        self._watch = watch
        self._client: DBOSClient | None = None
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._idle = threading.Condition()
        self._running = 0
        self._thread = threading.Thread(target=self._run, name="reconcile", daemon=True)

    def start(self) -> None:
        """Launch the engine and take up what an earlier process left."""
        config: DBOSConfig = {
            "name": "coronode",
            "system_database_url": self._database.engine.url.render_as_string(hide_password=False),
            "system_database_engine": self._database.engine,
            "serializer": JsonSerializer(),
            "application_version": APPLICATION_VERSION,
            "executor_id": "local",
            "run_migrations": True,
            "log_level": "WARNING",
        }
        outgoing.recover(self._database, self._clock())  # before an interrupted workflow can claim anything
        DBOS(config=config)
        self._register()
        DBOS.launch()
        DBOS.register_queue(
            _SCORE_QUEUE, worker_concurrency=1, polling_interval_sec=_POLLING_SECONDS, on_conflict="always_update"
        )
        DBOS.register_queue(
            _DELIVER_QUEUE,
            partition_worker_concurrency=1,
            polling_interval_sec=_POLLING_SECONDS,
            on_conflict="always_update",
        )
        self._client = DBOSClient(system_database_engine=self._database.engine, serializer=JsonSerializer())
        self.reconcile()
        self._thread.start()

    def halt(self) -> None:
        """Begin nothing new; what fails from now on is taken up at the next start."""
        self._stop.set()
        self._wake.set()

    def stop(self) -> None:
        """Stop the engine; unfinished work is taken up at the next start."""
        self.halt()
        if self._thread.ident is not None:
            self._thread.join()
        with self._idle:
            busy = self._running > 0
            self._idle.wait_for(lambda: self._running == 0, _STOP_SECONDS)
        if self._client is not None:
            self._client.destroy()
        # what was still running has yet to be written down by the engine, which looks once a second
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=_NOTED_SECONDS if busy else 0)

    def enqueue_score(self, session: Session | None, series_instance_uid: str, version: int) -> None:
        """Enqueue the scoring of a version, in the caller's transaction when there is one. Twice is once."""
        self._enqueue(
            session, _SCORE, _SCORE_QUEUE, f"score:{series_instance_uid}:{version}", (series_instance_uid, version)
        )

    def reconcile(self) -> None:
        """Enqueue what the tables owe and watch what is being received; what is under way stays as it is."""
        for state in states.list_receiving(self._database):
            self._watch(state.series_instance_uid)
        for state in states.list_unfinished(self._database):
            self._take_up(f"score:{state.series_instance_uid}:{state.version}")
            self.enqueue_score(None, state.series_instance_uid, state.version)
        self._courier.release()
        due = deliveries.list_due(
            self._database, self._clock(), limit=_MANY
        )  # all: a dead peer's must not hide another's
        for batch in {Batch.of(item) for item in due}:
            self._take_up(batch.workflow_id)
            self._enqueue(
                None, _DELIVER, _DELIVER_QUEUE, batch.workflow_id, batch.arguments, partition=batch.destination
            )

    def _register(self) -> None:
        """Name the two workflows to the engine; each has one step, which may be repeated."""

        def score_series(series_instance_uid: str, version: int) -> None:
            with self._under_way():
                DBOS.run_step({"name": "process"}, self._process, series_instance_uid, version)
            self._wake.set()

        def deliver_batch(series_instance_uid: str, version: int, destination: str, due: str) -> None:
            with self._under_way():
                DBOS.run_step(
                    {"name": "send"}, self._courier.deliver, Batch(series_instance_uid, version, destination, due)
                )

        DBOS.workflow(name=_SCORE)(score_series)
        DBOS.workflow(name=_DELIVER)(deliver_batch)

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        """Work that `stop` waits for. Raises Transient when the node is stopping: it is taken up at the next start."""
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

    def _process(self, series_instance_uid: str, version: int) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._processing.run(series_instance_uid, version)
            except Exception as error:  # the workflow's edge: a series never stays without an answer
                if self._stop.is_set():
                    raise
                log.exception("processing failed", series=series_instance_uid, version=version, attempt=attempt)
                if attempt == _ATTEMPTS:
                    self._processing.abandon(series_instance_uid, version, f"{type(error).__name__}: {error}")
                self._stop.wait(2.0**attempt)
            else:
                return

    def _take_up(self, workflow_id: str) -> None:
        """Let a workflow that ended without doing its work be enqueued again."""
        status = DBOS.get_workflow_status(workflow_id)
        if status is not None and status.status in _ENDED:
            DBOS.delete_workflow(workflow_id)

    def _enqueue(
        self,
        session: Session | None,
        name: str,
        queue: str,
        workflow_id: str,
        arguments: tuple[Any, ...],
        *,
        partition: str | None = None,
    ) -> None:
        if self._client is None:
            raise CoronodeError("the durable engine is not started")
        options: Any = {
            "workflow_name": name,
            "queue_name": queue,
            "workflow_id": workflow_id,
            "app_version": APPLICATION_VERSION,
        }
        if partition is not None:
            options["queue_partition_key"] = partition
        if session is not None:
            self._client.enqueue_in_transaction(session, options, *arguments)
        else:
            self._client.enqueue(options, *arguments)

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
                    self._clean_up()
            except Exception:  # the thread's edge: tried again in a few seconds
                log.exception("reconciliation failed; it is tried again")

    def _clean_up(self) -> None:
        """Delete finished workflows: what they did stands in our tables."""
        before = (self._clock() - KEEP_FINISHED).isoformat()
        finished = DBOS.list_workflows(status=list(_ENDED), end_time=before, limit=10_000)
        DBOS.delete_workflows([item.workflow_id for item in finished])

"""The durable engine: DBOS Transact, in the same database as our tables. No other module knows it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import Any, Final

from dbos import DBOS, DBOSClient, DBOSConfig, _dbos, _sys_db, _workflow_commands
from dbos._dbos import _get_dbos_instance
from dbos._queue import queue_worker_thread
from dbos._utils import GlobalParams, retriable_postgres_exception

from config.errors import CoronodeError
from scp.durable.job import Job, Kind
from scp.durable.lookout import Lookout
from scp.durable.outage import Outages
from scp.durable.serializer import JsonSerializer
from scp.durable.turns import Turns
from storage.database.engine import Database, Transaction
from storage.database.ping import ping
from storage.database.reach import is_unreachable

APPLICATION_VERSION: Final = "coronode-1"
"""Only an engine of the same version resumes a job; change it whenever a workflow's arguments change."""

_ENDED: Final = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_NOTED_SECONDS: Final = 5
_ENDING_SECONDS: Final = 10.0
"""That a look at a queue may last at the end: one at a database that is away ends with the process."""
_ALONE_LOOK_SECONDS: Final = 15.0
"""Between looks at a queue into which only this process puts anything."""
_UNUSED_SECONDS: Final = 3600.0
"""Between looks for what is never there: jobs with a delay or a deadline, and schedules."""
_MOST_FORGOTTEN: Final = 10_000
_SILENCE: Final = logging.NullHandler()  # without a handler the library would write to the console
_logger: Final = logging.getLogger("dbos")


class DbosEngine:
    """DBOS Transact on the engine of a database; one per process at a time.

    `member` is the member of the group that this process is; it runs `scorers` jobs of scoring at a time. With `alone`
    no other process has anything to do with the queues.
    """

    def __init__(self, database: Database, *, member: str = "local", scorers: int = 1, alone: bool = False) -> None:
        self._engine = database.engine
        self._outages = Outages(partial(ping, database))
        self._member = member
        self._scorers = scorers
        self._alone = alone
        self._client: DBOSClient | None = None
        self._lookouts: dict[str, Lookout] = {}
        self._threads: list[threading.Thread] = []

    def start(
        self, steps: Mapping[Kind, Callable[..., None]], *, around: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        """Launch the engine; see `scp.durable.job.Engine`."""
        _logger.addHandler(_SILENCE)
        _logger.addFilter(self._outages.is_news)
        # the library waits for a database that is away, but does not know every word in which the driver says so:
        # the outcome of a job would be lost, and the job be taken for running as long as this process lives
        library: Any = _sys_db
        library.retriable_postgres_exception = _wait_for_it
        # its thread would look for new queues each second, and run the library's own, into which nothing is put
        library = _dbos
        library.queue_thread = _listen_to_nothing
        config: DBOSConfig = {
            "name": "coronode",
            "system_database_url": self._engine.url.render_as_string(hide_password=False),
            "system_database_engine": self._engine,
            "serializer": JsonSerializer(),
            "application_version": APPLICATION_VERSION,
            "executor_id": self._member,
            "run_migrations": True,
            "scheduler_polling_interval_sec": _UNUSED_SECONDS,
            "log_level": "WARNING",
        }
        DBOS(config=config)
        queues = {kind.queue: kind for kind in steps}
        self._lookouts = {queue: Lookout() for queue in queues}
        turns = {queue: Turns(1 if kind.partner else self._scorers) for queue, kind in queues.items()}
        for kind, step in steps.items():
            _register_workflow(kind, step, around, self._lookouts[kind.queue], turns[kind.queue])
        # on PostgreSQL a transaction is open for as long
        _workflow_commands._BACKGROUND_JOBS_INTERVAL_SEC = _UNUSED_SECONDS if self._alone else 1.0  # noqa: SLF001
        DBOS.launch()
        for kind in queues.values():
            self._listen(kind)
        self._client = DBOSClient(system_database_engine=self._engine, serializer=JsonSerializer())

    def rename(self, member: str) -> None:
        """Run jobs from now on as another member of the group."""
        self._member = GlobalParams.executor_id = member  # the library reads it for each look
        for lookout in self._lookouts.values():
            lookout.settle(_ENDING_SECONDS)

    def hand_on(self, living: Collection[str]) -> None:
        """Give jobs back to their queues that a process was running that is none of the living members."""
        running = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        dead = {item.executor_id for item in running if item.executor_id}.difference(living)
        if dead:
            DBOS._recover_pending_workflows(sorted(dead))  # its only name  # noqa: SLF001
            for lookout in self._lookouts.values():
                lookout.nudge()

    def enqueue(self, job: Job, transaction: Transaction | None = None) -> None:
        """Enqueue a job, in the caller's transaction if given; a known job stays unchanged."""
        if self._client is None:
            raise CoronodeError("the durable engine is not started")
        options: Any = {
            "workflow_name": job.kind.workflow,
            "queue_name": job.kind.queue,
            "workflow_id": job.workflow_id,
            "app_version": APPLICATION_VERSION,
        }
        if job.priority:  # the library takes none below 1 and serves first what has none
            options["priority"] = job.priority
        if job.partition is not None:
            options["queue_partition_key"] = job.partition
        if transaction is None:
            self._client.enqueue(options, *job.arguments)
        else:
            self._client.enqueue_in_transaction(transaction, options, *job.arguments)
        if job.kind.queue in self._lookouts:
            self._lookouts[job.kind.queue].nudge()

    def forget_ended(self, workflow_id: str) -> None:
        """Forget a job that has ended, successfully or not, so that it can be enqueued again."""
        status = DBOS.get_workflow_status(workflow_id)
        if status is not None and status.status in _ENDED:
            DBOS.delete_workflow(workflow_id)

    def forget_before(self, moment: datetime) -> None:
        """Forget the jobs that ended before a given time, at most the ten thousand oldest."""
        ended = DBOS.list_workflows(status=list(_ENDED), end_time=moment.isoformat(), limit=_MOST_FORGOTTEN)
        DBOS.delete_workflows([item.workflow_id for item in ended])

    def stop(self, *, busy: bool) -> None:
        """Stop; the library checks once a second whether the outcome of running jobs is stored."""
        for lookout in self._lookouts.values():
            lookout.set()
        for thread in self._threads:
            thread.join(_ENDING_SECONDS)
        if self._client is not None:
            self._client.destroy()
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=_NOTED_SECONDS if busy else 0)
        self._outages.stop()
        _logger.removeFilter(self._outages.is_news)

    def _listen(self, kind: Kind) -> None:
        """Look at the queue of a kind of jobs, in a thread."""
        queue = DBOS.register_queue(
            kind.queue,
            worker_concurrency=None if kind.partner else self._scorers,
            partition_worker_concurrency=1 if kind.partner else None,
            polling_interval_sec=_ALONE_LOOK_SECONDS if self._alone else kind.look_seconds,
            on_conflict="always_update",
        )
        lookout: Any = self._lookouts[kind.queue]
        lookout.nudge()  # what was enqueued before the start
        arguments = (lookout, _get_dbos_instance(), queue)
        thread = threading.Thread(target=queue_worker_thread, args=arguments, name=f"queue-{kind.queue}", daemon=True)
        thread.start()
        self._threads.append(thread)


def _listen_to_nothing(end: threading.Event, library: DBOS) -> None:
    """Stand for the library's thread that looks after queues: `DbosEngine` does that itself."""
    del library
    end.wait()


def _wait_for_it(error: Exception) -> bool:
    """Return whether the library is to wait for the database and then try once more."""
    return retriable_postgres_exception(error) or is_unreachable(error)


def _register_workflow(
    kind: Kind,
    step: Callable[..., None],
    around: Callable[[], AbstractContextManager[Any]],
    lookout: Lookout,
    turns: Turns,
) -> None:
    """Register a workflow of one repeatable step with the library."""

    def workflow(*arguments: Any) -> None:
        try:
            with turns.take(kind.name_partition(arguments) or kind.queue), around():
                DBOS.run_step({"name": kind.step}, step, *arguments)
        finally:
            lookout.nudge()  # there is room for another

    DBOS.workflow(name=kind.workflow)(workflow)

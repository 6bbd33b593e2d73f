"""The whole node: what it consists of, and in which order that starts and stops."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog

from config.errors import ConfigurationError
from config.settings import Settings
from scoring import plugins
from scoring.report.printed import site
from scoring.risk import population
from scp.delivery.courier import Courier
from scp.durable.workflow import Workflow
from scp.lock import DataLock
from scp.priors.comparison import History
from scp.reception.admission import Admission
from scp.reception.completion import Completion
from scp.reception.server import Server
from scp.services import verification
from scp.services.query import Query
from scp.services.storage import Storage
from scp.work.documents import Reporting
from scp.work.scoring_process import Scorer
from scp.work.series_work import Processing
from storage.database.engine import Database
from storage.objects.files import Files
from storage.series import lifecycle

log = structlog.get_logger(__name__)

_MIB = 1024 * 1024


def utc_now() -> datetime:
    """The clock of the node."""
    return datetime.now(UTC)


def database_file(settings: Settings) -> Path | None:
    """The file of the index inside the data folder; None when the configuration names another database."""
    return None if settings.storage.database_url else settings.node.data_dir.resolve() / "coronode.sqlite"


def open_database(settings: Settings) -> Database:
    """The index, brought to this version's tables. Raises ConfigurationError when it cannot be used."""
    url = settings.storage.database_url or f"sqlite:///{database_file(settings)}"
    database = Database.open(url, durable=settings.storage.durability == "full")
    database.migrate()
    return database


def open_files(settings: Settings) -> Files:
    """The folder of objects. Raises ConfigurationError when it cannot be written."""
    url = settings.storage.blobs_url
    root = settings.node.data_dir / "objects" if url is None else Path(unquote(urlsplit(url).path))
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Files(root, durable=settings.storage.durability == "full")
    except OSError as error:
        raise ConfigurationError(f"node.data_dir: cannot write in {root}: {error.strerror}") from error


class Node:
    """Listens, completes, scores, reports and delivers, from `start` to `stop`."""

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
        plugins.check(settings.scoring.engine)
        population.configured(settings.risk)
        site.check(settings.results)
        self._clock = clock
        self._lock = DataLock(settings.node.data_dir)
        self._lock.acquire()
        self.database = open_database(settings)
        self.files = open_files(settings)
        self._scorer = Scorer(settings.scoring.timeout_seconds)
        self._completion = Completion(
            settings.completion,
            clock=time.monotonic,
            slices=lambda uid: lifecycle.slices(self.database, uid),
            complete=self._complete,
            wait=self._wait,
        )
        history = History(settings, self.database, self.files)
        reporting = Reporting(settings, self.database, self.files, self._scorer, clock=clock)
        self._workflow = Workflow(
            self.database,
            Processing(settings, self.database, self.files, self._scorer, history, reporting, clock=clock),
            Courier(settings, self.database, self.files, reporting, clock=clock),
            clock=clock,
            watch=self._completion.watch,
        )
        storage = Storage(
            self.database,
            self.files,
            clock=clock,
            received=self._completion.received,
            reserve_bytes=settings.node.reserve_mb * _MIB,
            longest_bytes=settings.node.longest_object_mb * _MIB,
        )
        self.server = Server(
            settings.node,
            Admission.of(settings),
            (verification.provide(), storage.provide(), Query(self.database).provide()),
            has_room=storage.has_room,
        )

    def start(self) -> None:
        """Start everything; the port is taken first, for it may be in use, and served last."""
        self.server.bind()
        swept = self.files.sweep()
        if swept:
            log.info("half-written files removed", count=swept)
        self._scorer.start()
        self._workflow.start()
        self._completion.start()
        self.server.start()

    def stop(self) -> None:
        """Stop in the opposite order; what is unfinished is taken up at the next start."""
        self._workflow.halt()
        self.server.stop()
        self._completion.stop()
        self._scorer.close()
        self._workflow.stop()
        self.database.close()
        self._lock.release()

    def _complete(self, series_instance_uid: str, imperfections: Sequence[str]) -> None:
        version = lifecycle.complete(
            self.database,
            series_instance_uid,
            self._clock(),
            flags=imperfections,
            in_transaction=lambda session, version: self._workflow.enqueue_score(session, series_instance_uid, version),
        )
        if version is not None:
            log.info("series complete", series=series_instance_uid, version=version, imperfections=list(imperfections))

    def _wait(self, series_instance_uid: str, seconds: float, reason: str) -> None:
        lifecycle.wait(self.database, series_instance_uid, self._clock() + timedelta(seconds=seconds), reason)

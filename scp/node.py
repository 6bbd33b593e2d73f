"""The node: its parts, and the order in which they start and stop."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import structlog

from config.settings import PeerSettings, Settings
from dicom.implementation import VERSION
from dicom.process import configure_process
from scoring import plugins
from scoring.report.typeset import site
from scoring.risk import population
from scp import metrics, privacy
from scp.auditing.auditor import Auditor
from scp.delivery.association import Association, associate_as
from scp.delivery.courier import Courier
from scp.delivery.retry import ConfiguredRetry
from scp.delivery.web import connect_as
from scp.durable.chores import Chore
from scp.durable.dbos_engine import DbosEngine
from scp.durable.job import ASK_COMMITMENT, REPORT_COMMITMENT
from scp.durable.workflow import Workflow
from scp.expiry import ExpiryWatch
from scp.fetching.witness import Witness
from scp.installation import Installation, utc_now
from scp.lock import DataLock
from scp.priors.comparison import History
from scp.receivers.reception import Reception
from scp.receivers.supervisor import Receivers
from scp.reception.completion import Completion
from scp.reception.facts import IndexFacts
from scp.retention.keeper import Keeper
from scp.scu.storage import Sending
from scp.work.configured import ConfiguredWork
from scp.work.documents import DocumentWork
from scp.work.scoring_process import ScoringProcess
from scp.work.series_work import SeriesWork
from storage.database import audit
from storage.database.opening import open_database
from storage.outbox.deliveries import DeliveryState
from storage.overview.stages import read_stages
from storage.series import lifecycle
from storage.series.quarantine import count_quarantined
from storage.series.states import State
from storage.series.store import open_store

log = structlog.get_logger(__name__)


class Node:
    """A node that receives, scores, reports and delivers from `start` to `stop`.

    Raises ConfigurationError when a setting cannot be used or another node runs on the same data folder.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
        configure_process()
        plugins.check(settings.scoring.engine)
        population.load_configured(settings.risk)
        site.check(settings.results)
        self._clock = clock
        self._certificates = ExpiryWatch(settings, clock)
        self._lock = DataLock(settings.node.data_dir)
        self._lock.acquire()
        _close_to_others(settings)
        self.database = open_database(settings)
        self.files = open_store(settings, self.database)
        self._installation = installation = Installation(settings, self.database, self.files, clock)
        self._reloading = threading.Lock()
        self._scorer = ScoringProcess.from_settings(settings.scoring)
        self._completion = Completion(
            settings.completion,
            clock=time.monotonic,
            facts=IndexFacts(self.database),
            complete=self._complete,
            wait=self._wait,
        )
        self._reception = Reception(
            installation,
            received=self._completion.note_instance,
            announced=self._completion.note_announcement,
        )
        self.server = self._reception.server
        self._receivers = Receivers.from_settings(
            settings, received=self._completion.note_instance, announced=self._completion.note_announcement
        )
        self._auditor = Auditor(installation)
        self._witness = Witness(installation, self._reception.storage, self._completion.note_announcement)
        self._keeper = Keeper(installation)
        self._workflow = self._make_workflow(installation)

    def start(self) -> None:
        """Start every part. The port is bound first, because it may be in use, and served last."""
        self.server.bind()
        swept = self.files.sweep()
        if swept:
            log.info("half-written files removed", count=swept)
        self._scorer.start()
        self._workflow.start()
        self._completion.start()
        self._certificates.start()
        self._witness.start()
        self._auditor.start(", ".join(self.server.addresses))
        self._keeper.start()
        metrics.STARTED.set(self._clock().timestamp())
        if self._receivers is None:
            self.server.start()
        else:
            self._receivers.start(self.server.share())
        self._tell_start()

    def stop(self) -> None:
        """Stop in reverse order; unfinished work resumes at the next start."""
        log.info("node stopping")
        self._workflow.halt()
        self.server.stop()
        if self._receivers is not None:
            self._receivers.stop()
        self._certificates.stop()
        self._witness.stop()
        self._keeper.stop()
        self._completion.stop()
        self._scorer.close()
        self._workflow.stop()
        self._auditor.stop()
        self.database.close()
        self._lock.release()
        log.info("node stopped")

    def can_score(self) -> bool:
        """Return whether the scoring process is running."""
        return self._scorer.is_alive

    def render_metrics(self) -> bytes:
        """Return the metrics of the node with all its receivers in the text format of Prometheus."""
        return metrics.render() if self._receivers is None else self._receivers.render_metrics()

    @property
    def settings(self) -> Settings:
        """The configuration in force."""
        return self._installation.settings

    def adopt(self, settings: Settings) -> None:
        """Go on by another configuration, of which everything that needs a new start is the same.

        An association, an object on its way and a job that has begun go on by the one of their beginning. Raises
        ConfigurationError when a file cannot be used; nothing is changed then.
        """
        with self._reloading:
            self._reception.adopt(settings)
            if self._receivers is not None:
                self._receivers.adopt(settings)
            self._completion.adopt(settings.completion)
            self._witness.adopt()
            self._certificates.adopt(settings)

    def note_configuration(self, keys: str) -> None:
        """Enter in the audit log which keys have changed. Raises Transient."""
        audit.record(self.database, self._clock(), "configured", f"changed: {keys}")

    def _tell_start(self) -> None:
        """Log what runs, and what it takes up that an earlier process left."""
        stages = read_stages(self.database)
        log.info(
            "node started",
            version=VERSION,
            python=platform.python_version(),
            addresses=self.server.addresses,
            receiving=stages.series.get(State.RECEIVING, 0),
            unscored=stages.series.get(State.COMPLETE, 0) + stages.series.get(State.SCORING, 0),
            undelivered=sum(item.count for item in stages.unsent if item.state is not DeliveryState.DEAD),
        )

    def _make_workflow(self, installation: Installation) -> Workflow:
        """Make the workflow of scoring, documents and delivery."""
        reporting = DocumentWork(installation, self._scorer)
        return Workflow(
            DbosEngine(self.database),
            installation,
            ConfiguredWork(installation, self._make_work),
            Courier(installation, reporting, associate=self._associate, retry=ConfiguredRetry(installation)),
            watch=self._completion.watch,
            chores=(Chore(REPORT_COMMITMENT, self._reception.reports), Chore(ASK_COMMITMENT, self._reception.asker)),
        )

    def _make_work(self, installation: Installation) -> SeriesWork:
        """Make the work on a series by one configuration."""
        reporting = DocumentWork(installation, self._scorer)
        return SeriesWork(installation, self._scorer, History(installation), reporting)

    def _associate(self, peer: PeerSettings, objects: Sequence[Sending]) -> AbstractContextManager[Association]:
        """Open the way to a destination by the configuration in force."""
        node = self.settings.node
        return connect_as(node, associate_as(node))(peer, objects)

    def _complete(self, series_instance_uid: str, checked: int, imperfections: Sequence[str]) -> None:
        findings = [*imperfections, *self._list_quarantined(series_instance_uid)]
        version = lifecycle.complete(
            self.database,
            series_instance_uid,
            self._clock(),
            flags=findings,
            expected=checked,
            in_transaction=lambda transaction, version: self._workflow.enqueue_score(
                transaction, series_instance_uid, version
            ),
        )
        if version is not None:
            log.info("series complete", series=series_instance_uid, version=version, imperfections=findings)

    def _wait(self, series_instance_uid: str, seconds: float, reason: str) -> None:
        reasons = "; ".join([reason, *self._list_quarantined(series_instance_uid)])
        lifecycle.wait(self.database, series_instance_uid, self._clock() + timedelta(seconds=seconds), reasons)

    def _list_quarantined(self, series_instance_uid: str) -> list[str]:
        """Say that objects of the series lie in quarantine, since a missing slice may be among them."""
        count = count_quarantined(self.database, series_instance_uid)
        return [f"{count} object{'s' if count > 1 else ''} of the series in quarantine"] if count else []


def _close_to_others(settings: Settings) -> None:
    closed = privacy.close_to_others(settings)
    if closed.count:
        log.info("files and folders closed to other users", count=closed.count)
    if closed.left:
        log.warning("readable by other users; see coronode doctor", count=len(closed.left), first=str(closed.left[0]))

"""The node: its parts, and the order in which they start and stop."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from config.settings import MIB, Settings
from dicom.implementation import VERSION
from dicom.process import configure_process
from dicom.uids import random_uid
from scoring import plugins
from scoring.report.typeset import site
from scoring.risk import population
from scp import metrics, privacy
from scp.delivery.association import associate_as
from scp.delivery.commitment import CommitmentAsker
from scp.delivery.courier import Courier
from scp.delivery.retry import Retry
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
from scp.reception.admission import Admission
from scp.reception.completion import Completion
from scp.reception.facts import IndexFacts
from scp.reception.server import Server
from scp.services import verification
from scp.services.commitment import CommitmentScp
from scp.services.commitment_reports import CommitmentReports
from scp.services.mpps import MppsScp
from scp.services.query import QueryScp
from scp.services.rejection_notes import RejectionNotes
from scp.services.retrieve.service import RetrieveScp
from scp.services.storage import StorageScp
from scp.work.documents import DocumentWork
from scp.work.scoring_process import ScoringProcess
from scp.work.series_work import SeriesWork
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
        self._scorer = ScoringProcess.from_settings(settings.scoring)
        self._completion = Completion(
            settings.completion,
            clock=time.monotonic,
            facts=IndexFacts(self.database),
            complete=self._complete,
            wait=self._wait,
        )
        self._storage = self._make_storage(settings)
        installation = Installation(settings, self.database, self.files, clock)
        self._witness = Witness(installation, self._storage, self._completion.note_announcement)
        retry = Retry.from_settings(settings.results)
        self._reports = CommitmentReports(installation, pause=retry.pause, announced=self._completion.note_announcement)
        self._asker = CommitmentAsker(installation, retry=retry, make_uid=random_uid)
        self._workflow = self._make_workflow(installation)
        self.server = self._make_server(settings)

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
        metrics.STARTED.set(self._clock().timestamp())
        self.server.start()
        self._tell_start()

    def stop(self) -> None:
        """Stop in reverse order; unfinished work resumes at the next start."""
        log.info("node stopping")
        self._workflow.halt()
        self.server.stop()
        self._certificates.stop()
        self._witness.stop()
        self._completion.stop()
        self._scorer.close()
        self._workflow.stop()
        self.database.close()
        self._lock.release()
        log.info("node stopped")

    def can_score(self) -> bool:
        """Return whether the scoring process is running."""
        return self._scorer.is_alive

    def reload(self) -> None:
        """Take up changed files of TLS now."""
        if self._certificates.is_needed:
            self._certificates.look()

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
        settings = installation.settings
        reporting = DocumentWork(installation, self._scorer)
        return Workflow(
            DbosEngine(self.database),
            installation,
            SeriesWork(installation, self._scorer, History(installation), reporting),
            Courier(
                installation,
                reporting,
                associate=connect_as(settings.node, associate_as(settings.node)),
                retry=Retry.from_settings(settings.results),
            ),
            watch=self._completion.watch,
            chores=(Chore(REPORT_COMMITMENT, self._reports), Chore(ASK_COMMITMENT, self._asker)),
        )

    def _make_storage(self, settings: Settings) -> StorageScp:
        """Make the service that takes objects in."""
        return StorageScp(
            self.database,
            self.files,
            clock=self._clock,
            received=self._completion.note_instance,
            reserve_bytes=settings.node.reserve_mb * MIB,
            longest_bytes=settings.node.longest_object_mb * MIB,
            companions=settings.node.companions,
            notes=RejectionNotes(
                self.database,
                self.files,
                reasons=settings.selection.rejection_notes,
                peers=tuple(settings.callers.values()),
                clock=self._clock,
                touched=self._completion.note_announcement,
            ),
        )

    def _make_server(self, settings: Settings) -> Server:
        """Make the server with the services for peers."""
        query = QueryScp(self.database, self.files, settings.node.ae_title)
        retrieve = RetrieveScp(self.database, self.files, settings.node, settings.callers)
        mpps = MppsScp(
            self.database, clock=self._clock, make_uid=random_uid, announced=self._completion.note_announcement
        )
        return Server(
            settings.node,
            Admission.from_settings(settings),
            (
                verification.provide(),
                self._storage.provide(),
                query.provide(),
                retrieve.provide(),
                CommitmentScp(self._reports, self._asker.take).provide(),
                mpps.provide(),
            ),
            find_shortage=self._storage.find_shortage,
        )

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

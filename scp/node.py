"""The node: its parts, and the order in which they start and stop."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from config.settings import Settings
from dicom.implementation import VERSION
from dicom.process import configure_process
from scoring import plugins
from scoring.report.typeset import site
from scoring.risk import population
from scp import metrics
from scp.auditing.auditor import Auditor
from scp.durable.chores import Chore
from scp.durable.job import ASK_COMMITMENT, REPORT_COMMITMENT
from scp.expiry import ExpiryWatch
from scp.fetching.witness import Witness
from scp.group.associations import OpenAssociations
from scp.group.membership import Membership
from scp.installation import Installation, utc_now
from scp.lock import DataLock
from scp.privacy import close_to_others
from scp.receivers.reception import Reception
from scp.receivers.supervisor import Receivers
from scp.reception.completion import Completion
from scp.reception.facts import IndexFacts
from scp.reception.watch import Holder
from scp.retention.keeper import Keeper
from scp.watching.notifier import Notifier
from scp.work.scoring_pool import ScoringPool
from scp.work_by_roles import make_workflow
from storage.database import audit
from storage.database.opening import is_shared, open_database
from storage.outbox.deliveries import DeliveryState
from storage.overview.stages import read_stages
from storage.series import lifecycle, waits
from storage.series.quarantine import count_quarantined
from storage.series.states import State
from storage.series.store import open_store

log = structlog.get_logger(__name__)


class Node:
    """A node that receives, scores, reports and delivers from `start` to `stop`: what of it are its roles.

    On PostgreSQL several work as a group on one index; on SQLite a node is alone.

    Raises ConfigurationError when a setting cannot be used or another node runs on the same data folder.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
        configure_process()
        plugins.check(settings.scoring.engine)
        population.load_configured(settings.risk)
        site.check(settings.results)
        self._clock = clock
        self._certificates = ExpiryWatch(settings, clock)
        self._is_alone = not is_shared(settings)
        self._lock = DataLock(settings.node.data_dir, shared=not self._is_alone)
        self._lock.acquire()
        _close_files(settings)
        self.database = open_database(settings)
        member = Membership(self.database, settings.group.roles, alone=self._is_alone, version=VERSION, clock=clock)
        self.membership = member
        self.files = open_store(settings, self.database, owner=member.id)
        self._installation = installation = Installation(settings, self.database, self.files, clock, member.owner)
        self._associations = OpenAssociations(self.database, member.owner)
        member.looked = self._associations.look
        self._scorer = ScoringPool.from_settings(settings.scoring)
        self._completion = Completion(
            settings.completion,
            clock=time.monotonic,
            facts=IndexFacts(self.database, clock),
            complete=self._complete,
            wait=self._wait,
            duties=member,
        )
        self._reception = Reception(
            installation, received=self._note_instance, announced=self._completion.note_announcement
        )
        self.server = self._reception.server
        self._receivers = Receivers.from_settings(
            installation, received=self._note_instance, announced=self._completion.note_announcement
        )
        self._notifier = Notifier(installation, duties=member)
        self._auditor = Auditor(installation, duties=member)
        self._witness = Witness(
            installation, self._reception.storage, self._completion.note_announcement, duties=member
        )
        self._keeper = Keeper(installation, duties=member)
        chores = (Chore(REPORT_COMMITMENT, self._reception.reports), Chore(ASK_COMMITMENT, self._reception.asker))
        self._workflow = make_workflow(installation, member, self._scorer, chores)

    def start(self) -> None:
        """Start every part. The port is bound first, because it may be in use, and served last."""
        if self.receives:
            self.server.bind()
        self.membership.join()
        living = self.membership.list_living()
        if swept := self.files.sweep(lambda owner: owner in living):
            log.info("half-written files removed", count=swept)
        if self._scores:
            self._scorer.start()
        self._workflow.start()
        self.membership.start()
        self._completion.start()
        self._certificates.start()
        self._auditor.start(", ".join(self.server.addresses))
        self._keeper.start()
        self._notifier.start()
        metrics.STARTED.set(self._clock().timestamp())
        metrics.await_deliveries(self.settings.results.destinations)
        if self.receives:
            self._witness.start()
            self._receive()
        self._tell_start()

    def stop(self) -> None:
        """Stop in reverse order; unfinished work resumes at the next start, or in another member of the group."""
        log.info("node stopping")
        self._workflow.halt()
        self.server.stop()
        if self._receivers is not None:
            self._receivers.stop()
        self._reception.close()
        self._certificates.stop()
        self._witness.stop()
        self._keeper.stop()
        self._notifier.stop()
        self._completion.stop()
        self._scorer.close()
        self._workflow.stop()
        self._auditor.stop()
        self.membership.leave()
        self.files.close()
        self.database.close()
        self._lock.release()
        log.info("node stopped")

    def can_score(self) -> bool:
        """Return whether a scoring process is running, or none has to."""
        return not self._scores or self._scorer.is_alive

    @property
    def receives(self) -> bool:
        """Whether this process serves peers."""
        return "receive" in self.settings.group.roles

    @property
    def _scores(self) -> bool:
        return "score" in self.settings.group.roles

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
        self._reception.adopt(settings)
        if self._receivers is not None:
            self._receivers.adopt(settings)
        self._completion.adopt(settings.completion)
        self._witness.adopt()
        self._certificates.adopt(settings)
        metrics.await_deliveries(settings.results.destinations)

    def note_configuration(self, keys: str) -> None:
        """Enter in the audit log which keys have changed. Raises Transient."""
        audit.record(self.database, self._clock(), "configured", f"changed: {keys}")

    def _receive(self) -> None:
        """Serve peers, here or in receiver processes on the ports bound here."""
        if self._receivers is None:
            self.server.start()
        else:
            self._receivers.start(self.server.share())

    def _tell_start(self) -> None:
        """Log what runs, and what it takes up that an earlier process left."""
        stages = read_stages(self.database)
        log.info(
            "node started",
            version=VERSION,
            python=platform.python_version(),
            member=self.membership.id,
            roles=list(self.settings.group.roles),
            addresses=self.server.addresses,
            receiving=stages.series.get(State.RECEIVING, 0),
            unscored=stages.series.get(State.COMPLETE, 0) + stages.series.get(State.SCORING, 0),
            undelivered=sum(item.count for item in stages.unsent if item.state is not DeliveryState.DEAD),
        )

    def _note_instance(self, series_instance_uid: str, holder: Holder | None = None) -> None:
        """Tell whoever watches for the completion of a series: this process, or another one by the tables."""
        self._completion.note_instance(series_instance_uid, holder)
        if not self._is_alone:
            self._associations.note(series_instance_uid, holder)

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
        waits.wait(self.database, series_instance_uid, self._clock() + timedelta(seconds=seconds), reasons)

    def _list_quarantined(self, series_instance_uid: str) -> list[str]:
        """Say that objects of the series lie in quarantine, since a missing slice may be among them."""
        count = count_quarantined(self.database, series_instance_uid)
        return [f"{count} object{'s' if count > 1 else ''} of the series in quarantine"] if count else []


def _close_files(settings: Settings) -> None:
    """Close the node's files to other users, and log what was closed and what could not be."""
    closed = close_to_others(settings)
    if closed.count:
        log.info("files and folders closed to other users", count=closed.count)
    if closed.left:
        log.warning("readable by other users; see coronode doctor", count=len(closed.left), first=str(closed.left[0]))

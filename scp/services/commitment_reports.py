"""Reports of Storage Commitment to the peers that asked for it (N-EVENT-REPORT, PS3.4 J.3.3).

A request is proved and reported in the thread of its association if it is small and the peer stays; else by a durable
job, on an association that the node opens.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

import structlog

from config.errors import CoronodeError, Permanent, Transient
from config.settings import MIB, PeerSettings, Settings
from dicom.commitment import CommitmentRequest, CommitmentResult, FailureReason
from dicom.sop_classes import is_companion, is_storage
from scp import metrics
from scp.installation import Installation
from scp.network.conversation import Conversation
from scp.network.errors import AssociationEnded
from scp.network.message import Released
from scp.network.negotiation import AcceptedContext
from scp.reception.addresses import AddressBook, shorten_address
from scp.scu.commitment import check_answer, encode_report, open_reporting
from storage.commitments import changes, commitments
from storage.commitments.commitments import Commitment, CommitmentState
from storage.commitments.proof import Proof, measure, prove
from storage.series import expectations
from storage.series.expectations import Announcement

log = structlog.get_logger(__name__)

_SMALL_BYTES: Final = 256 * MIB
"""Of files, that the thread of an association reads."""
_STAY_SECONDS: Final = 0.5
"""A peer that says nothing for so long after the answer waits for the report."""
_HOLD: Final = timedelta(seconds=5)
"""How long the job leaves a request to its association."""
_MOST_AT_ONCE: Final = 50
_FEWEST: Final = 3

Pause = Callable[[int], timedelta | None]
"""Gives the pause after this many attempts, None when there are no more."""


class CommitmentReports:
    """Proves what peers asked to be kept, and tells them; thread-safe.

    `announced` takes each series that was announced by a request: its sender has sent what it names.
    """

    def __init__(self, installation: Installation, *, pause: Pause, announced: Callable[[str], None]) -> None:
        self._installation = installation
        self._database = installation.database
        self._files = installation.files
        self._clock = installation.clock
        self._owner = installation.owner
        self._pause = pause
        self._announced = announced
        self._book = AddressBook()
        self._under_way: set[int] = set()
        self._lock = threading.Lock()

    @property
    def _settings(self) -> Settings:
        """The configuration in force; read once for what must agree."""
        return self._installation.settings

    def enter(self, request: CommitmentRequest, calling_ae: str, host: str) -> Commitment | None:
        """Enter a request in the index; None when the caller has too many unanswered ones. Raises Transient."""
        now, address = self._clock(), shorten_address(host)
        return changes.enter(self._database, request, calling_ae, address, now, due_at=now + _HOLD)

    def report_on(self, association: Conversation, context: AcceptedContext, asked: Commitment) -> None:
        """Report on the association of the request, if it is small and the peer stays, and what else the peer is owed.

        What cannot be reported here is due for a report on another association. Raises AssociationEnded.
        """
        if self._is_large(asked) or not self._report_on(association, context, asked):
            return
        waiting = commitments.list_commitments(self._database, CommitmentState.WAITING, limit=None)
        same = [item for item in waiting if (item.calling_ae, item.host) == (asked.calling_ae, asked.host)]
        for item in same[:_MOST_AT_ONCE]:
            if not self._report_on(association, context, item):
                return

    def list_due(self) -> list[tuple[tuple[str, ...], datetime]]:
        """List the callers that are due to be told: AE title, address, and since when."""
        callers: dict[tuple[str, ...], datetime] = {}
        for item in commitments.list_due(self._database, self._clock()):
            callers.setdefault((item.calling_ae, item.host), item.next_attempt_at)
        return list(callers.items())

    def run(self, calling_ae: str, host: str) -> None:
        """Prove and report everything that is due for a caller, over one association."""
        due = commitments.list_due(self._database, self._clock())
        mine = [item for item in due if (item.calling_ae, item.host) == (calling_ae, host)][:_MOST_AT_ONCE]
        with self._claimed(mine) as claimed:
            proved = {item: result for item in claimed if (result := self._prove(item)) is not None}
            peer = self._find_peer(calling_ae, host)
            if peer is None:
                for item in proved:
                    self._wait(item)
            elif proved:
                self._call(peer, proved)

    def recover(self) -> None:
        """Make due what an earlier process left, before anything is reported."""
        changes.recover(self._database, self._clock())
        changes.stop_waiting(self._database, self._clock())

    def release(self) -> None:
        """Make due again what is claimed but no longer in progress, because the outcome could not be recorded."""
        with self._lock:
            for item in commitments.list_commitments(self._database, CommitmentState.REPORTING, limit=None):
                if item.owner == self._owner() and item.id not in self._under_way:
                    self._put_off(item, "the outcome of the last attempt could not be recorded", pause=timedelta(0))

    def _is_large(self, asked: Commitment) -> bool:
        request = commitments.load_request(self._database, asked.id)
        return measure(self._database, request.references) > _SMALL_BYTES

    def _report_on(self, association: Conversation, context: AcceptedContext, item: Commitment) -> bool:
        """Report one result on the peer's own association, and return whether the peer has taken it."""
        with self._claimed([item]) as claimed:
            if not claimed or (result := self._prove(claimed[0])) is None:
                return False
            error = "the peer did not wait for the report"
            try:
                if not association.messages.has_come(_STAY_SECONDS):
                    data = result.encode(implicit=context.is_implicit)
                    answer = association.request(context, lambda number: encode_report(number, result), data).command
                    check_answer(association.calling_ae, "N-EVENT-REPORT", answer)
                    self._note_reported(claimed[0], result)
                    return True
            except Released:  # the association goes on with the answer to it
                pass
            except AssociationEnded as ended:
                self._put_off(claimed[0], f"association ended while reporting: {ended}", pause=timedelta(0))
                raise
            except CoronodeError as refused:
                error = str(refused)
            self._put_off(claimed[0], error, pause=timedelta(0))
            return False

    def _prove(self, item: Commitment) -> CommitmentResult | None:
        """Prove the objects of a claimed commitment, once; None when that is put off, or the claim is lost."""
        try:
            result = commitments.load_result(self._database, item.id)
            if result is not None:
                return result
            references = commitments.load_request(self._database, item.id).references
            if item.is_repeated:
                proof = Proof(tuple((reference, FailureReason.DUPLICATE_TRANSACTION) for reference in references))
            else:
                proof = prove(self._database, self._files, references, item.calling_ae, supports=self._supports)
            if not changes.mark_proved(self._database, item.id, proof.failed, self._clock(), owner=item.owner):
                return None  # another member answers it
            if not proof.failed:
                self._announce(item.transaction_uid, proof)
            return commitments.load_result(self._database, item.id)
        except Transient as error:
            self._put_off(item, str(error))
            return None

    def _announce(self, transaction_uid: str, proof: Proof) -> None:
        """Announce the objects of each series that is being received; so few that they show no gap are no last word."""
        for uid, objects in proof.series.items():
            announcement = Announcement(uid, "commitment", transaction_uid, objects, final=len(objects) >= _FEWEST)
            expectations.announce(self._database, announcement, self._clock())
            self._announced(uid)

    def _supports(self, sop_class_uid: str) -> bool:
        dropped = self._settings.node.companions == "drop" and is_companion(sop_class_uid)
        return is_storage(sop_class_uid) and not dropped

    def _find_peer(self, calling_ae: str, host: str) -> PeerSettings | None:
        """Find the peer that asked, if it can be called: the one with its address, else one with its AE title."""
        named = [peer for peer in self._settings.callers.values() if peer.ae_title == calling_ae.strip()]
        callable_ = [peer for peer in named if peer.port is not None]
        return min(callable_, key=lambda peer: not self._book.has(peer.host, host), default=None)

    def _call(self, peer: PeerSettings, left: dict[Commitment, CommitmentResult]) -> None:
        """Report the results in `left` to the peer, removing each one whose outcome is recorded."""
        try:
            with open_reporting(self._settings.node, peer) as report:
                for item, result in list(left.items()):
                    try:
                        report(result)
                        self._note_reported(item, result)
                    except Transient as error:
                        self._put_off(item, str(error))
                    except Permanent as error:
                        self._give_up(item, str(error))
                    del left[item]
        except CoronodeError as error:  # what is refused for good today is a matter of configuration
            for item in left:
                self._put_off(item, str(error))

    def _note_reported(self, item: Commitment, result: CommitmentResult) -> None:
        if not changes.mark_reported(self._database, item.id, self._clock(), owner=item.owner):
            return
        failed = len(result.failed)
        metrics.COMMITMENT_REPORTS.labels("failures" if failed else "complete").inc()
        log.info("commitment reported", transaction=item.transaction_uid, to=item.calling_ae, not_committed=failed)

    def _wait(self, item: Commitment) -> None:
        error = f"no peer with the AE title {item.calling_ae!r} has a port to be called at; told when it asks again"
        if changes.mark_waiting(self._database, item.id, self._clock(), error=error, owner=item.owner):
            metrics.COMMITMENT_REPORTS.labels("waiting").inc()
            log.warning("commitment cannot be reported", transaction=item.transaction_uid, reason=error)

    def _put_off(self, item: Commitment, error: str, *, pause: timedelta | None = None) -> None:
        wait = self._pause(item.attempts) if pause is None else pause
        if wait is None:
            self._give_up(item, f"{error} (given up after {item.attempts} attempts)")
            return
        log.info("commitment not reported yet", transaction=item.transaction_uid, to=item.calling_ae, reason=error)
        now = self._clock()
        changes.mark_failed(self._database, item.id, now, error=error, retry_at=now + wait, owner=item.owner)

    def _give_up(self, item: Commitment, error: str) -> None:
        if changes.mark_dead(self._database, item.id, self._clock(), error=error, owner=item.owner):
            metrics.COMMITMENT_REPORTS.labels("dead").inc()
            log.error("commitment not reported", transaction=item.transaction_uid, to=item.calling_ae, error=error)

    @contextmanager
    def _claimed(self, wanted: Sequence[Commitment]) -> Iterator[list[Commitment]]:
        """Claim those that nobody else has claimed, for the length of a block."""
        claimed: list[Commitment] = []
        states = (CommitmentState.PENDING, CommitmentState.WAITING)
        try:
            for wish in wanted:
                with self._lock:
                    item = changes.claim(self._database, wish.id, self._clock(), *states, owner=self._owner())
                    if item is not None:
                        self._under_way.add(item.id)
                        claimed.append(item)
            yield claimed
        finally:
            with self._lock:
                self._under_way.difference_update(item.id for item in claimed)

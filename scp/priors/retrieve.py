"""Retrieving a patient's earlier reports from a PACS: C-FIND and C-GET, Study Root, as SCU (PS3.4 annex C).

C-GET returns the objects on the same association: the PACS needs to know nothing of this node but its AE title.
One time limit applies to everything, and the numbers of studies and reports are limited.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import structlog
from pydicom.dataset import Dataset

from config.errors import CoronodeError, Permanent, Transient
from config.settings import NodeSettings, PeerSettings
from dicom import status
from dicom.sop_classes import STUDY_ROOT_FIND, STUDY_ROOT_GET, UNCOMPRESSED
from scoring.report.sr.reading import REPORT_CLASSES
from scoring.result import Statement
from scp.network.errors import AssociationEnded
from scp.network.message import Message
from scp.network.opening import AssociationRejected
from scp.network.requestor import Requestor
from scp.priors.report import SubOperation, decode_report
from scp.scu import query, retrieve
from scp.scu.association import associate
from scp.scu.identifier import get_text
from storage.series.priors import Person

log = structlog.get_logger(__name__)

MOST_STUDIES: Final = 20
MOST_REPORTS: Final = 50
"""Only the latest are read."""

_LARGEST_BYTES: Final = 16 * 1024 * 1024
_WILD: Final = frozenset("*?\\")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The search: a patient's reports in studies before a date, except those of one study and those already `known`."""

    person: Person
    before: date
    study_instance_uid: str
    known: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The outcome: reports of that patient, and notes about the search."""

    reports: tuple[Dataset, ...]
    notes: tuple[Statement, ...]


def fetch(node: NodeSettings, name: str, peer: PeerSettings, wanted: Wanted, *, seconds: float) -> Fetched:
    """Fetch earlier reports from the peer `name`, latest studies first; failures become notes, never errors."""
    if not wanted.person.patient_id or _WILD & set(wanted.person.patient_id):
        return Fetched((), (Statement.build("peer_not_asked", peer=name),))
    search = _Search(wanted, time.monotonic() + seconds)
    try:
        search.run(node, peer)
    except CoronodeError as error:
        search.notes.append(Statement.build("peer_incomplete", peer=name, error=str(error)))
    except Exception:  # the edge of the peer: nothing that it does may prevent a score
        log.exception("retrieving priors failed", peer=name)
        search.notes.append(Statement.build("peer_incomplete", peer=name, error="internal error"))
    if search.missing:
        search.notes.append(Statement.build("peer_withheld", peer=name, count=search.missing))
    if search.strangers:
        search.notes.append(Statement.build("peer_strangers", peer=name, count=search.strangers))
    log.info("priors retrieved", peer=name, reports=len(search.reports), notes=[note.code for note in search.notes])
    return Fetched(tuple(search.reports), tuple(search.notes))


@dataclass(slots=True)
class _Search:
    """One association with a peer, and what it has returned so far."""

    wanted: Wanted
    deadline: float
    reports: list[Dataset] = field(default_factory=list)
    notes: list[Statement] = field(default_factory=list)
    strangers: int = 0
    missing: int = 0

    def run(self, node: NodeSettings, peer: PeerSettings) -> None:
        association = self._associate(node, peer)
        try:
            _check_contexts(association)
            for study in self._find_studies(association):
                for series in self._find_report_series(association, study):
                    for instance in self._find_reports(association, study, series):
                        if len(self.reports) >= MOST_REPORTS:
                            self.notes.append(Statement.build("many_reports", count=MOST_REPORTS))
                            return
                        self._get(association, study, series, instance)
        except Transient:  # it may still be sending: do not wait for a release
            association.abort()
            raise
        finally:
            association.release()

    def _require_time(self) -> float:
        """Return the seconds left. Raises Transient when the time limit has passed."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Transient("it took longer than priors.timeout_seconds")
        return left

    def _associate(self, node: NodeSettings, peer: PeerSettings) -> Requestor:
        if peer.port is None:
            raise Permanent("it has no port in the configuration, so it cannot be called")
        reports = [context for uid in REPORT_CLASSES for context in retrieve.receiving(uid, UNCOMPRESSED)]
        try:
            return associate(node, peer, [query.QUERY, retrieve.GET, *reports], seconds=self._require_time())
        except CoronodeError as error:  # in words that a report may carry: without addresses
            if isinstance(error.__cause__, AssociationRejected):
                raise Transient("it rejected the association") from error
            raise Transient("no association") from error

    def _find_studies(self, association: Requestor) -> list[str]:
        """Find studies before the date that may contain reports, latest first."""
        person, last = self.wanted.person, self.wanted.before - timedelta(days=1)
        keys = {"PatientID": person.patient_id, "IssuerOfPatientID": person.issuer, "StudyDate": f"-{last:%Y%m%d}"}
        study_dates = {}
        for answer in self._query(association, "STUDY", keys | {"StudyInstanceUID": "", "ModalitiesInStudy": ""}):
            study, modalities = get_text(answer, "StudyInstanceUID"), get_text(answer, "ModalitiesInStudy")
            if study and study != self.wanted.study_instance_uid and (not modalities or "SR" in modalities.split("\\")):
                study_dates[study] = get_text(answer, "StudyDate")
        if len(study_dates) > MOST_STUDIES:
            self.notes.append(Statement.build("many_studies", count=MOST_STUDIES))
        return sorted(study_dates, key=lambda uid: (study_dates[uid], uid), reverse=True)[:MOST_STUDIES]

    def _find_report_series(self, association: Requestor, study: str) -> list[str]:
        keys = {"StudyInstanceUID": study, "Modality": "SR", "SeriesInstanceUID": ""}
        answers = list(self._query(association, "SERIES", keys))
        return [get_text(item, "SeriesInstanceUID") for item in answers if get_text(item, "Modality") in {"", "SR"}]

    def _find_reports(self, association: Requestor, study: str, series: str) -> list[str]:
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": "", "SOPClassUID": ""}
        classes = {
            get_text(item, "SOPInstanceUID"): get_text(item, "SOPClassUID")
            for item in self._query(association, "IMAGE", keys)
        }
        readable = {"", *REPORT_CLASSES}
        return [uid for uid, kind in classes.items() if uid and kind in readable and not self.wanted.known(uid)]

    def _query(self, association: Requestor, level: str, keys: dict[str, str]) -> Iterator[Dataset]:
        """Yield matches as they arrive. Raises Transient when the peer fails or the time limit has passed."""
        with self._in_time():
            for match in query.find(association, level, keys, subject="it"):
                self._require_time()
                yield match

    def _get(self, association: Requestor, study: str, series: str, instance: str) -> None:
        """Fetch one object; one that the peer does not send is skipped. Raises Transient when the peer is silent."""
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
        before = len(self.reports) + self.strangers
        with self._in_time():
            retrieve.get(association, "IMAGE", keys, self._take, subject="it", tell=lambda _: self._require_time())
        self.missing += len(self.reports) + self.strangers == before

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Say that the time limit has passed where that ended the association."""
        try:
            yield
        except Transient as error:
            if isinstance(error.__cause__, AssociationEnded):
                self._require_time()
            raise

    def _take(self, association: Requestor, message: Message) -> int:
        asked, syntax = message.command, association.context(message).transfer_syntax
        data = association.gather(_LARGEST_BYTES)
        return self._keep(SubOperation(asked.sop_class_uid, asked.sop_instance_uid, syntax, data))

    def _keep(self, received: SubOperation) -> int:
        """Keep a report of the patient in memory, and return the response status."""
        if received.data is None or len(self.reports) + self.strangers >= MOST_REPORTS:
            return status.OUT_OF_RESOURCES
        report = decode_report(received, received.data)
        if report is None:
            return status.UNABLE_TO_PROCESS
        if self._is_wanted(report):
            self.reports.append(report)
        else:
            self.strangers += 1
        return status.SUCCESS

    def _is_wanted(self, report: Dataset) -> bool:
        person = Person.from_dataset(report)
        ours = self.wanted.person
        return person.is_same(ours) and not person.contradicts(ours)


def _check_contexts(association: Requestor) -> None:
    """Raise Permanent unless the peer answers queries and may send reports over this association."""
    query.require_context(association, STUDY_ROOT_FIND, "C-FIND", "it")
    query.require_context(association, STUDY_ROOT_GET, "C-GET", "it")
    if not retrieve.can_receive(association):
        raise Permanent("it sends no structured reports by C-GET (role selection was not accepted)")

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
from scp.network import retrieval
from scp.network.command import Command
from scp.network.errors import AssociationEnded
from scp.network.message import Message
from scp.network.negotiation import AcceptedContext, PresentationContext
from scp.network.opening import AssociationRejected, Opening
from scp.network.requestor import Requestor
from scp.network.tls.calling import find_security
from scp.priors.report import SubOperation, decode_report
from scp.scu.identifier import decode_match, encode, get_text, make_identifier
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
        left = self._require_time()
        opening = Opening(
            calling_ae=node.ae_title,
            called_ae=peer.ae_title,
            host=peer.host,
            port=peer.port,
            connection_timeout=left,
            acse_timeout=left,
            dimse_timeout=left,
            maximum_length=node.max_pdu,
            total_seconds=left,
            security=find_security(node, peer),
        )
        models = [PresentationContext(uid, UNCOMPRESSED) for uid in (STUDY_ROOT_FIND, STUDY_ROOT_GET)]
        reports = [PresentationContext(uid, UNCOMPRESSED, as_scu=False, as_scp=True) for uid in REPORT_CLASSES]
        try:
            return Requestor(opening, [*models, *reports])
        except AssociationRejected as error:
            raise Transient("it rejected the association") from error
        except (AssociationEnded, OSError) as error:
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
        context = _find_context(association, STUDY_ROOT_FIND, "C-FIND")
        with self._expect_answer("C-FIND"):
            for answer, match in retrieval.find(association, context, encode(make_identifier(level, keys), context)):
                self._require_time()
                code = _read_status(answer, "C-FIND")
                if code in {status.PENDING, status.PENDING_UNSUPPORTED}:
                    dataset = decode_match(match, context)
                    if dataset is not None:
                        yield dataset
                elif code != status.SUCCESS:
                    raise Transient(f"it answered C-FIND with {status.format_status(code)}")

    def _get(self, association: Requestor, study: str, series: str, instance: str) -> None:
        """Fetch one object; one that the peer does not send is skipped. Raises Transient when the peer is silent."""
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
        before = len(self.reports) + self.strangers
        context = _find_context(association, STUDY_ROOT_GET, "C-GET")
        identifier = encode(make_identifier("IMAGE", keys), context)
        with self._expect_answer("C-GET"):
            for answer in retrieval.get(association, context, identifier, lambda came: self._take(association, came)):
                self._require_time()
                _read_status(answer, "C-GET")
        self.missing += len(self.reports) + self.strangers == before

    @contextmanager
    def _expect_answer(self, request: str) -> Iterator[None]:
        """Turn the end of the association into Transient."""
        try:
            yield
        except AssociationEnded as error:
            self._require_time()
            raise Transient(f"it gave no valid answer to {request} in time") from error

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
    for model, name in ((STUDY_ROOT_FIND, "C-FIND"), (STUDY_ROOT_GET, "C-GET")):
        _find_context(association, model, name)
    if not any(context.as_scp for context in association.accepted_contexts):
        raise Permanent("it sends no structured reports by C-GET (role selection was not accepted)")


def _find_context(association: Requestor, model: str, name: str) -> AcceptedContext:
    for context in association.accepted_contexts:
        if context.abstract_syntax == model:
            return context
    raise Permanent(f"it accepts no {name} in the Study Root model")


def _read_status(answer: Command, request: str) -> int:
    """Read the status of a response. Raises Transient when there is none."""
    if answer.status is None:
        raise Transient(f"it gave no valid answer to {request} in time")
    return answer.status

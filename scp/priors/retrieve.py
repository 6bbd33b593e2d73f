"""Ask a PACS for earlier reports of a patient: C-FIND and C-GET in the Study Root model, as SCU (PS3.4 annex C).

C-GET brings the objects over the association that asks: the PACS needs to know nothing of this node but its AE title.
One time limit holds for everything, and numbers bound what a PACS can make us fetch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from typing import Final

import structlog
from pydicom import dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pynetdicom import AE, build_context, build_role, evt
from pynetdicom.association import Association

from config.errors import CoronodeError, Permanent, Transient
from config.settings import NodeSettings, PeerSettings
from dicom import status
from dicom.text import text_of
from scp.priors import pynetdicom_transport
from scp.services import contexts
from storage.objects.files import OUT_OF_RESOURCES
from storage.series.priors import Person

pynetdicom_transport.mend()
log = structlog.get_logger(__name__)

STUDY_ROOT_GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"
MOST_STUDIES: Final = 20
MOST_REPORTS: Final = 50
"""The latest ones are looked at."""

_LARGEST_BYTES: Final = 16 * 1024 * 1024
_WILD: Final = frozenset("*?\\")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Reports of a patient in studies before a day, without those of one study and those that are `known`."""

    person: Person
    before: date
    study_instance_uid: str
    known: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a peer sent: reports of that patient, and what is to be said about the search."""

    reports: tuple[Dataset, ...]
    notes: tuple[str, ...]


def fetch(node: NodeSettings, name: str, peer: PeerSettings, wanted: Wanted, *, seconds: float) -> Fetched:
    """Earlier reports that the peer called `name` has, the latest studies first; failures are notes, never errors."""
    if not wanted.person.patient_id or _WILD & set(wanted.person.patient_id):
        return Fetched((), (f"{name} was not asked for earlier scores: the Patient ID is empty or has wildcards",))
    search = _Search(wanted, time.monotonic() + seconds)
    try:
        search.run(node, peer)
    except CoronodeError as error:
        search.notes.append(f"{name} gave no complete answer about earlier scores: {error}")
    except Exception as error:  # the peer's edge: nothing that it does may stop a score
        log.exception("asking for priors failed", peer=name)
        search.notes.append(f"{name} gave no complete answer about earlier scores: {type(error).__name__}")
    if search.missing:
        search.notes.append(f"{name} did not send {search.missing} of the earlier reports that it has")
    if search.strangers:
        search.notes.append(f"{name} sent {search.strangers} report(s) that are not of this patient: not used")
    log.info("asked for priors", peer=name, reports=len(search.reports), notes=search.notes)
    return Fetched(tuple(search.reports), tuple(search.notes))


@dataclass(slots=True)
class _Search:
    """One association with a peer, and what it brought so far."""

    wanted: Wanted
    deadline: float
    reports: list[Dataset] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    strangers: int = 0
    missing: int = 0

    def run(self, node: NodeSettings, peer: PeerSettings) -> None:
        association = self._associate(node, peer)
        try:
            _check(association)
            for study in self._studies(association):
                for series in self._reports_of(association, study):
                    for instance in self._instances(association, study, series):
                        if len(self.reports) >= MOST_REPORTS:
                            self.notes.append(
                                f"there are more than {MOST_REPORTS} earlier reports: older ones left out"
                            )
                            return
                        self._get(association, study, series, instance)
        finally:
            if association.is_established:
                association.release()

    def _left(self) -> float:
        """Seconds until the limit. Raises Transient when it has passed."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Transient("it took longer than priors.timeout_seconds")
        return left

    def _associate(self, node: NodeSettings, peer: PeerSettings) -> Association:
        if peer.port is None:
            raise Permanent("it has no port in the configuration, so it cannot be called")
        ae = AE(ae_title=node.ae_title)
        ae.acse_timeout = ae.connection_timeout = ae.dimse_timeout = ae.network_timeout = self._left()
        models = [contexts.STUDY_ROOT_FIND, STUDY_ROOT_GET]
        association = ae.associate(
            peer.host,
            peer.port,
            contexts=[build_context(uid, list(contexts.UNCOMPRESSED)) for uid in (*models, *contexts.REPORT_STORAGE)],
            ae_title=peer.ae_title,
            max_pdu=node.max_pdu,
            ext_neg=[build_role(uid, scp_role=True) for uid in contexts.REPORT_STORAGE],
            evt_handlers=[(evt.EVT_C_STORE, self._on_store)],
        )
        if not association.is_established:
            raise Transient("it rejected the association" if association.is_rejected else "no association")
        return association

    def _studies(self, association: Association) -> list[str]:
        """Studies before the day that may hold reports, the latest first."""
        person, last = self.wanted.person, self.wanted.before - timedelta(days=1)
        keys = {"PatientID": person.patient_id, "IssuerOfPatientID": person.issuer, "StudyDate": f"-{last:%Y%m%d}"}
        found = {}
        for answer in self._find(association, "STUDY", keys | {"StudyInstanceUID": "", "ModalitiesInStudy": ""}):
            study, modalities = _text(answer, "StudyInstanceUID"), _text(answer, "ModalitiesInStudy")
            if study and study != self.wanted.study_instance_uid and (not modalities or "SR" in modalities.split("\\")):
                found[study] = _text(answer, "StudyDate")
        if len(found) > MOST_STUDIES:
            self.notes.append(f"there are more than {MOST_STUDIES} earlier studies: older ones left out")
        return sorted(found, key=lambda uid: (found[uid], uid), reverse=True)[:MOST_STUDIES]

    def _reports_of(self, association: Association, study: str) -> list[str]:
        keys = {"StudyInstanceUID": study, "Modality": "SR", "SeriesInstanceUID": ""}
        answers = list(self._find(association, "SERIES", keys))
        return [_text(item, "SeriesInstanceUID") for item in answers if _text(item, "Modality") in {"", "SR"}]

    def _instances(self, association: Association, study: str, series: str) -> list[str]:
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": "", "SOPClassUID": ""}
        found = {
            _text(item, "SOPInstanceUID"): _text(item, "SOPClassUID") for item in self._find(association, "IMAGE", keys)
        }
        readable = {"", *contexts.REPORT_STORAGE}
        return [uid for uid, kind in found.items() if uid and kind in readable and not self.wanted.known(uid)]

    def _find(self, association: Association, level: str, keys: dict[str, str]) -> Iterator[Dataset]:
        """Matches as they come. Raises Transient when the peer fails or the time is over."""
        association.dimse_timeout = self._left()
        for answer, match in association.send_c_find(_identifier(level, keys), contexts.STUDY_ROOT_FIND):
            association.dimse_timeout = self._left()
            code = _status(answer, "C-FIND")
            if code in {status.PENDING, status.PENDING_UNSUPPORTED}:
                if match is not None:
                    yield match
            elif code != status.SUCCESS:
                raise Transient(f"it answered C-FIND with {status.name(code)}")

    def _get(self, association: Association, study: str, series: str, instance: str) -> None:
        """Fetch one object. One that the peer does not send is left out; silence raises Transient."""
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
        before = len(self.reports) + self.strangers
        association.dimse_timeout = self._left()
        for answer, _ in association.send_c_get(_identifier("IMAGE", keys), STUDY_ROOT_GET):
            association.dimse_timeout = self._left()
            _status(answer, "C-GET")
        self.missing += len(self.reports) + self.strangers == before

    def _on_store(self, event: evt.Event) -> int:
        """Handle EVT_C_STORE: keep a report of the patient in memory; too much of it ends the association."""
        data = event.encoded_dataset()
        if len(data) > _LARGEST_BYTES or len(self.reports) + self.strangers >= MOST_REPORTS:
            return OUT_OF_RESOURCES
        if time.monotonic() > self.deadline:
            event.assoc.abort()
            return OUT_OF_RESOURCES
        report = _decoded(data)
        if report is None:
            return status.UNABLE_TO_PROCESS
        if self._is_wanted(report):
            self.reports.append(report)
        else:
            self.strangers += 1
        return status.SUCCESS

    def _is_wanted(self, report: Dataset) -> bool:
        found = Person.of(report)
        ours = self.wanted.person
        return found.is_same(ours) and not found.contradicts(ours)


def _check(association: Association) -> None:
    """Raise Permanent unless the peer answers queries and may send reports over this association."""
    accepted = {str(context.abstract_syntax) for context in association.accepted_contexts}
    for model, name in ((contexts.STUDY_ROOT_FIND, "C-FIND"), (STUDY_ROOT_GET, "C-GET")):
        if model not in accepted:
            raise Permanent(f"it accepts no {name} in the Study Root model")
    if not any(context.as_scp for context in association.accepted_contexts):
        raise Permanent("it sends no structured reports by C-GET (role selection was not accepted)")


def _identifier(level: str, keys: dict[str, str]) -> Dataset:
    identifier = Dataset()
    if not all(value.isascii() for value in keys.values()):
        identifier.SpecificCharacterSet = "ISO_IR 192"
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


def _status(answer: Dataset, request: str) -> int:
    """The status of a response. Raises Transient when there was none."""
    if "Status" not in answer:
        raise Transient(f"it gave no valid answer to {request} in time")
    return int(answer.Status)


def _text(dataset: Dataset, keyword: str) -> str:
    tag = tag_for_keyword(keyword)
    return "" if tag is None else text_of(dataset, tag, dictionary_VR(tag))


def _decoded(data: bytes) -> Dataset | None:
    """An object as it came, None when it cannot be read."""
    try:
        return dcmread(BytesIO(data))
    except Exception as error:  # noqa: BLE001  # whatever the bytes make the parser raise
        log.warning("a fetched report cannot be read", error=type(error).__name__)
        return None

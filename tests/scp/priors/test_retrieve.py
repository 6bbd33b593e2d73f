"""Earlier reports are asked of a PACS by C-FIND and C-GET; whatever it does, the search ends in time with a note."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    XRayRadiationDoseSRStorage,
)
from pynetdicom import AE, evt

from config.settings import NodeSettings, PeerSettings
from dicom.sop_classes import REPORT_STORAGE, STUDY_ROOT_FIND
from scoring.result import Statement
from scp.priors import retrieve
from scp.priors.retrieve import Fetched, Wanted
from storage.series.priors import Person

ANN = Person("42", "Clinic", "19600101", "F")
NODE = NodeSettings()


def report(number: int = 1, **changes: object) -> Dataset:
    """An object of Ann's study 1.2.N on a day of 2024."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = ComprehensiveSRStorage, f"1.2.{number}.1.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"1.2.{number}", f"1.2.{number}.1"
    ds.StudyDate, ds.Modality = f"2024{number // 28 + 1:02d}{number % 28 + 1:02d}", "SR"
    ds.PatientID, ds.IssuerOfPatientID, ds.PatientName = "42", "Clinic", "Ann"
    ds.PatientBirthDate, ds.PatientSex = "19600101", "F"
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def matching(found: list[Dataset], identifier: Dataset) -> Iterator[Dataset]:
    """Answers of a careless PACS: it looks at UIDs alone, one a study, series or object."""
    level = identifier.QueryRetrieveLevel
    unique = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}[level]
    told = set()
    for item in found:
        above = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        if any(identifier.get(key) not in {None, "", item.get(key)} for key in above) or item.get(unique) in told:
            continue
        told.add(item.get(unique))
        answer = Dataset()
        for element in identifier:
            setattr(answer, element.keyword, item.get(element.keyword, ""))
        answer.QueryRetrieveLevel = level
        yield answer


class Archive:
    """A PACS with objects; `find` and `get` may be replaced by worse behaviour."""

    def __init__(self, *objects: Dataset) -> None:
        self.objects = list(objects)
        self.asked: list[Dataset] = []
        self.models = (STUDY_ROOT_FIND, retrieve.STUDY_ROOT_GET)
        self.find: Callable[[evt.Event], Iterator] = self._find
        self.get: Callable[[evt.Event], Iterator] = self._get

    def _find(self, event: evt.Event) -> Iterator:
        self.asked.append(event.identifier)
        for answer in matching(self.objects, event.identifier):
            yield 0xFF00, answer

    def _get(self, event: evt.Event) -> Iterator:
        wanted = [item for item in self.objects if item.SOPInstanceUID == event.identifier.SOPInstanceUID]
        yield len(wanted)
        for item in wanted:
            yield 0xFF00, item

    @contextmanager
    def serving(self, *, roles: bool = True) -> Iterator[PeerSettings]:
        ae = AE("ARCHIVE")
        for model in self.models:
            ae.add_supported_context(model)
        for uid in REPORT_STORAGE:
            ae.add_supported_context(
                uid, [ImplicitVRLittleEndian, ExplicitVRLittleEndian], scu_role=roles, scp_role=roles
            )
        handlers = [(evt.EVT_C_FIND, self.find), (evt.EVT_C_GET, self.get)]
        server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        try:
            yield PeerSettings(ae_title="ARCHIVE", host="127.0.0.1", port=server.server_address[1])
        finally:
            active = server.active_associations
            server.shutdown()
            for association in active:
                association.abort()
                association.join(20)


def fetched(peer: PeerSettings, person: Person = ANN, *, known: tuple[str, ...] = (), seconds: float = 20) -> Fetched:
    wanted = Wanted(person, date(2026, 1, 5), "1.2.99", lambda uid: uid in known)
    return retrieve.fetch(NODE, "ARCHIVE", peer, wanted, seconds=seconds)


def uids(found: Fetched) -> list[str]:
    return [item.StudyInstanceUID for item in found.reports]


def test_reports_of_the_patient_come_the_latest_study_first():
    archive = Archive(report(1), report(3), report(2), report(99, StudyInstanceUID="1.2.99"))
    with archive.serving() as peer:
        found = fetched(peer)
    assert (uids(found), found.notes) == (["1.2.3", "1.2.2", "1.2.1"], ())
    study = archive.asked[0]
    assert (study.QueryRetrieveLevel, study.PatientID, study.IssuerOfPatientID) == ("STUDY", "42", "Clinic")
    assert study.StudyDate == "-20260104"
    assert "PatientName" not in study
    assert {item.QueryRetrieveLevel for item in archive.asked} == {"STUDY", "SERIES", "IMAGE"}
    assert {item.Modality for item in archive.asked if item.QueryRetrieveLevel == "SERIES"} == {"SR"}


def test_what_is_here_already_and_what_is_no_report_is_not_fetched():
    dose = report(2, SOPClassUID=XRayRadiationDoseSRStorage)
    archive = Archive(report(1), dose, report(3, Modality="CT"), report(4))
    with archive.serving() as peer:
        found = fetched(peer, known=("1.2.1.1.1",))
    assert (uids(found), found.notes) == (["1.2.4"], ())


@pytest.mark.parametrize(
    "other",
    [
        {"PatientID": "43"},
        {"IssuerOfPatientID": "Elsewhere"},
        {"IssuerOfPatientID": ""},
        {"PatientBirthDate": "19600102"},
        {"PatientSex": "M"},
    ],
    ids=str,
)
def test_an_object_of_another_patient_is_not_used(other):
    with Archive(report(1, **other), report(2)).serving() as peer:
        found = fetched(peer)
    assert uids(found) == ["1.2.2"]
    assert found.notes == (Statement.build("peer_strangers", peer="ARCHIVE", count=1),)


@pytest.mark.parametrize("patient_id", ["", "4*", "4?", "4\\2"])
def test_an_id_that_would_match_others_is_not_asked_for(patient_id):
    archive = Archive(report(1))
    with archive.serving() as peer:
        found = fetched(peer, Person(patient_id))
    assert (found.reports, archive.asked) == ((), [])
    assert found.notes[0].code == "peer_not_asked"


def test_a_patient_id_of_another_alphabet_is_asked_for_in_unicode():
    archive = Archive(report(1, SpecificCharacterSet="ISO_IR 192", PatientID="患者四二"))
    with archive.serving() as peer:
        found = fetched(peer, Person("患者四二", "Clinic"))
    assert uids(found) == ["1.2.1"]
    assert archive.asked[0].PatientID == "患者四二"


def test_numbers_are_bounded_and_said(monkeypatch):
    monkeypatch.setattr(retrieve, "MOST_STUDIES", 2)
    monkeypatch.setattr(retrieve, "MOST_REPORTS", 3)
    with Archive(*(report(n) for n in range(1, 5))).serving() as peer:
        found = fetched(peer)
    assert uids(found) == ["1.2.4", "1.2.3"]
    assert found.notes == (Statement.build("many_studies", count=2),)
    with Archive(*(report(1, SOPInstanceUID=f"1.2.1.1.{n}") for n in range(1, 6))).serving() as peer:
        found = fetched(peer)
    assert len(found.reports) == 3
    assert found.notes == (Statement.build("many_reports", count=3),)


def refusing(event: evt.Event) -> Iterator:
    yield 0xA700, None


def raising(event: evt.Event) -> Iterator:
    raise RuntimeError("the archive is broken")
    yield 0xFF00, None


def endless(event: evt.Event) -> Iterator:
    for number in range(10_000_000):
        yield 0xFF00, next(matching([report(1, StudyInstanceUID=f"1.2.{number}")], event.identifier))


def hanging(event: evt.Event) -> Iterator:
    event.assoc.abort()
    yield 0xFF00, None


@pytest.mark.parametrize(
    ("find", "words"),
    [
        (refusing, "answered C-FIND with 0xA700 out of resources"),
        (raising, "answered C-FIND with"),
        (endless, "longer than priors.timeout_seconds"),
        (hanging, "no valid answer to C-FIND"),
    ],
)
def test_an_archive_that_fails_is_a_note(find, words):
    archive = Archive(report(1))
    archive.find = find
    with archive.serving() as peer:
        found = fetched(peer, seconds=1 if find is endless else 20)
    assert found.reports == ()
    assert words in found.notes[0].values["error"]


@pytest.mark.parametrize("answer", [(0,), (1, (0xA702, Dataset())), (1, (0xC000, Dataset()))], ids=str)
def test_reports_that_cannot_be_fetched_do_not_keep_the_others(answer):
    archive = Archive(report(1), report(2))
    usual = archive.get
    archive.get = lambda event: iter(answer) if event.identifier.StudyInstanceUID == "1.2.2" else usual(event)
    with archive.serving() as peer:
        found = fetched(peer)
    assert uids(found) == ["1.2.1"]
    assert found.notes == (Statement.build("peer_withheld", peer="ARCHIVE", count=1),)


@pytest.mark.parametrize(
    ("models", "roles", "words"),
    [
        ((STUDY_ROOT_FIND,), True, "no C-GET"),
        ((retrieve.STUDY_ROOT_GET,), True, "no C-FIND"),
        ((STUDY_ROOT_FIND, retrieve.STUDY_ROOT_GET), None, "role selection"),
    ],
)
def test_an_archive_without_the_services_is_a_note(models, roles, words):
    archive = Archive(report(1))
    archive.models = models
    with archive.serving(roles=roles) as peer:
        found = fetched(peer)
    assert found.reports == ()
    assert words in found.notes[0].values["error"]


def test_a_silent_archive_is_given_up_in_time(mute):
    begun = time.monotonic()
    found = fetched(PeerSettings(ae_title="MUTE", host="127.0.0.1", port=mute.port), seconds=1.5)
    assert time.monotonic() - begun < 15
    assert (mute.calls, found.reports) == (1, ())
    assert "no association" in found.notes[0].values["error"]


def test_an_archive_that_is_down_or_cannot_be_called(new_pacs):
    down = PeerSettings(ae_title="DOWN", host="127.0.0.1", port=new_pacs().port)
    assert "no association" in fetched(down).notes[0].values["error"]
    assert "no port" in fetched(down.model_copy(update={"port": None})).notes[0].values["error"]

"""A scanner reports its procedure steps: pynetdicom is the SCU."""

import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, XRayRadiationDoseSRStorage
from pynetdicom import AE, evt

from config.errors import Transient
from config.settings import Settings
from dicom.sop_classes import PERFORMED_PROCEDURE_STEP
from scp.network import command
from scp.network import command_elements as elements
from scp.network.exchange import Reply
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor
from scp.reception.admission import Admission
from scp.reception.server import Server
from scp.services import mpps, verification
from scp.services.mpps import MppsScp
from storage.database.engine import Database
from storage.intake.instances import register
from storage.objects.files import Files
from storage.objects.header import InstanceHeader
from storage.series import expectations, steps
from storage.series.expectations import Expectation
from storage.series.steps import StepState

STEP, SERIES = "1.2.826.0.9.1", "1.2.826.0.1.1.1"


@dataclass
class Site:
    database: Database
    server: Server
    announced: list[str] = field(default_factory=list)

    def step(self, series: str = SERIES) -> steps.Step:
        (found,) = steps.list_steps(self.database, series)
        return found

    def expectations(self, series: str = SERIES) -> list[Expectation]:
        return expectations.list_expectations(self.database, series)


@pytest.fixture
def site(tmp_path: Path, empty_index: Path) -> Iterator[Site]:
    shutil.copy(empty_index, tmp_path / "index.sqlite")
    settings = Settings(node={"port": 0, "accept_unknown_peers": True, "data_dir": tmp_path})
    database = Database.open(f"sqlite:///{tmp_path / 'index.sqlite'}")
    announced: list[str] = []
    service = MppsScp(database, clock=lambda: datetime.now(UTC), make_uid=lambda: "2.25.42", announced=announced.append)
    services = (verification.provide(), service.provide())
    server = Server(settings.node, Admission.from_settings(settings), services, find_shortage=lambda: "")
    server.start()
    yield Site(database, server, announced)
    server.stop()
    database.close()


@pytest.fixture
def received(site, slice_of, tmp_path):
    """The first slice of the series is here."""
    header = InstanceHeader.from_dataset(slice_of(), ExplicitVRLittleEndian)
    files = Files(tmp_path / "objects", durable=False)
    stored = files.write(b"1", header.file_name("1" * 64))
    register(site.database, files, header, stored, now=datetime.now(UTC))


@pytest.fixture
def syntax() -> str:
    """The transfer syntax of the scanner; a test parametrizes it."""
    return ImplicitVRLittleEndian


@pytest.fixture
def heard() -> list:
    """The messages that the scanner received."""
    return []


@pytest.fixture
def scanner(site, syntax, heard):
    ae = AE("CT1")
    ae.add_requested_context(PERFORMED_PROCEDURE_STEP, syntax)
    handlers = [(evt.EVT_DIMSE_RECV, lambda event: heard.append(event.message))]
    association = ae.associate("127.0.0.1", site.server.port, ae_title="CORONODE", evt_handlers=handlers)
    assert association.is_established
    yield association
    association.release()


class Wire:
    """Requests as bytes."""

    def __init__(self, requestor: Requestor) -> None:
        self._requestor = requestor
        (self._context,) = requestor.accepted_contexts

    def create(self, data: bytes, uid: str = STEP, sop_class_uid: str = PERFORMED_PROCEDURE_STEP) -> Reply:
        classes, instances = elements.AFFECTED_CLASS, elements.AFFECTED_INSTANCE
        return self._ask(command.N_CREATE_RQ, {classes: sop_class_uid, instances: uid}, data)

    def set(self, data: bytes, uid: str = STEP) -> Reply:
        classes, instances = elements.REQUESTED_CLASS, elements.REQUESTED_INSTANCE
        return self._ask(command.N_SET_RQ, {classes: PERFORMED_PROCEDURE_STEP, instances: uid}, data)

    def _ask(self, kind: int, uids: dict[int, str], data: bytes) -> Reply:
        def make(message_id: int) -> bytes:
            numbers = {elements.FIELD: kind, elements.MESSAGE_ID: message_id}
            numbers[elements.DATA_SET_TYPE] = elements.HAS_DATA_SET if data else elements.NO_DATA_SET
            parts = {tag: elements.encode_uid(tag, uid) for tag, uid in uids.items() if uid}
            parts |= {tag: elements.encode_us(tag, number) for tag, number in numbers.items()}
            return elements.encode_group([parts[tag] for tag in sorted(parts)])

        return self._requestor.request(self._context, make, data)


@pytest.fixture
def wire(site):
    opening = Opening("CT1", "CORONODE", "127.0.0.1", site.server.port, 20, 20, 20, 16384)
    requestor = Requestor(opening, [PresentationContext(PERFORMED_PROCEDURE_STEP, (ImplicitVRLittleEndian,))])
    yield Wire(requestor)
    requestor.release()


def implicit(*parts: tuple[int, int, bytes]) -> bytes:
    """Elements in Implicit VR Little Endian."""
    return b"".join(struct.pack("<HHI", group, number, len(value)) + value for group, number, value in parts)


_STUDY = implicit((0x0020, 0x000D, b"1.2.826.0.1.1\0"))
VALID = implicit((0x0040, 0x0252, b"IN PROGRESS "), (0x0040, 0x0270, implicit((0xFFFE, 0xE000, _STUDY))))


def begun(**changes) -> Dataset:
    """What an N-CREATE holds (PS3.4 table F.7.2-1), with changes; None takes an attribute out."""
    scheduled = Dataset()
    scheduled.StudyInstanceUID, scheduled.AccessionNumber = "1.2.826.0.1.1", "ACC1"
    step = Dataset()
    step.SpecificCharacterSet = "ISO_IR 100"
    step.ScheduledStepAttributesSequence = [scheduled]
    step.PatientName, step.PatientID = "Müller^Jörg", "ID1"
    step.PerformedProcedureStepID, step.PerformedStationAETitle = "P1", "CT1"
    step.PerformedProcedureStepStartDate, step.PerformedProcedureStepStartTime = "20260302", "080000"
    step.PerformedProcedureStepStatus, step.Modality = "IN PROGRESS", "CT"
    step.PerformedSeriesSequence = []
    return change(step, changes)


def ended(state: str, *numbers: int, series: str = SERIES, **changes) -> Dataset:
    """What the last N-SET holds: the series with these images."""
    step = Dataset()
    step.PerformedProcedureStepStatus = state
    step.PerformedProcedureStepEndDate, step.PerformedProcedureStepEndTime = "20260302", "081000"
    step.PerformedSeriesSequence = [performed(series, *numbers)] if numbers else []
    return change(step, changes)


def performed(series: str, *numbers: int) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID, item.ProtocolName = series, "Calcium"
    item.ReferencedImageSequence = [reference(CTImageStorage, f"{series}.{number}") for number in numbers]
    item.ReferencedNonImageCompositeSOPInstanceSequence = []
    return item


def reference(sop_class_uid: str | None, sop_instance_uid: str) -> Dataset:
    item = Dataset()
    if sop_class_uid is not None:
        item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = sop_instance_uid
    return item


def change(dataset: Dataset, changes: dict[str, object]) -> Dataset:
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def create(scanner, dataset: Dataset, uid: str | None = STEP) -> Dataset:
    return scanner.send_n_create(dataset, PERFORMED_PROCEDURE_STEP, uid)[0]


def put(scanner, dataset: Dataset, uid: str = STEP) -> Dataset:
    return scanner.send_n_set(dataset, PERFORMED_PROCEDURE_STEP, uid)[0]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_step_from_its_begin_to_its_end(site, received, scanner):
    assert create(scanner, begun()).Status == 0x0000
    assert site.announced == []
    assert put(scanner, ended("COMPLETED", 1, 2, 3)).Status == 0x0000
    assert site.announced == [SERIES]
    step = site.step()
    assert (step.state, step.started, step.ended) == (StepState.COMPLETED, "20260302 080000", "20260302 081000")
    assert (step.station_ae, step.calling_ae) == ("CT1", "CT1")
    assert site.expectations() == [Expectation("mpps", STEP, 3, 2, final=True)]


def test_a_step_that_was_ended_may_no_longer_be_updated(site, scanner):
    create(scanner, begun())
    put(scanner, ended("DISCONTINUED", 1))
    answer = put(scanner, ended("COMPLETED", 1))
    assert (answer.Status, answer.ErrorID) == (0x0110, 0xA710)
    assert answer.ErrorComment == "Performed Procedure Step Object may no longer be updated"
    assert site.step().state == StepState.DISCONTINUED


def test_uid_of_a_step_that_is_created_without_one(site, scanner, heard):
    assert create(scanner, begun(PerformedSeriesSequence=[performed(SERIES, 1)]), None).Status == 0x0000
    made = heard[-1].command_set.AffectedSOPInstanceUID
    assert made == "2.25.42"
    assert site.step().sop_instance_uid == made
    assert put(scanner, ended("COMPLETED"), made).Status == 0x0000


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"PerformedProcedureStepStatus": "COMPLETED"}, 0x0106),
        ({"PerformedProcedureStepStatus": "STARTED"}, 0x0106),
        ({"PerformedProcedureStepStatus": None}, 0x0120),
        ({"PerformedProcedureStepStatus": ""}, 0x0121),
        ({"ScheduledStepAttributesSequence": None}, 0x0120),
        ({"ScheduledStepAttributesSequence": []}, 0x0120),
        ({"ScheduledStepAttributesSequence": [change(Dataset(), {"StudyInstanceUID": ""})]}, 0x0121),
        # errors in the field that harm nobody
        ({"PerformedProcedureStepStatus": " in progress"}, 0x0000),
        ({"PerformedSeriesSequence": None, "PerformedProcedureStepID": None, "Modality": None}, 0x0000),
        ({"PerformedProcedureStepStartDate": "yesterday", "PerformedStationAETitle": ""}, 0x0000),
    ],
    ids=str,
)
def test_what_an_n_create_must_have(scanner, changes, status):
    assert create(scanner, begun(**changes)).Status == status


@pytest.mark.parametrize("value", [b"COMPLETED ", "\N{BLACK HEART SUIT}\\9".encode() + b"\0"])
def test_invalid_status_comes_back(wire, value):
    """PS3.4 F.7.2.1.3: 0106 with an Attribute List."""
    reply = wire.create(implicit((0x0040, 0x0252, value)))
    assert reply.command.status == 0x0106
    assert reply.data[:4] == b"\x40\x00\x52\x02"
    assert len(reply.data) == 8 + int.from_bytes(reply.data[4:8], "little")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x40",
        bytes(200),
        b"\x40\x00\x52\x02\xff\xff\xff\x7f" + b"IN PROGRESS ",
        (b"\x40\x00\x40\x03\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff") * 3000,
        implicit((0x0040, 0x0252, b"IN PROGRESS "), (0x0040, 0x0270, b"no items")),
        implicit((0x0040, 0x0252, b"IN PROGRESS "), (0x0040, 0x0340, b"\xff" * 40)),
    ],
    ids=["nothing", "cut off", "zeros", "too long", "nested", "no sequence", "no items"],
)
def test_garbage_gets_a_status_and_the_association_goes_on(wire, data):
    reply = wire.create(data)
    assert reply.command.status in {0x0110, 0x0120, 0x0121}
    assert wire.create(VALID).command.status == 0x0000


def test_what_does_not_fit_the_class_is_refused(wire):
    assert wire.create(VALID, sop_class_uid=CTImageStorage).command.status == 0x0118
    assert wire.create(VALID, sop_class_uid="").command.status == 0x0118
    assert wire.set(VALID, "").command.status == 0x0117
    assert wire.set(VALID, "1.2").command.status == 0x0112


def test_known_and_unknown_steps(scanner):
    assert put(scanner, ended("COMPLETED", 1)).Status == 0x0112
    assert create(scanner, begun()).Status == 0x0000
    assert create(scanner, begun()).Status == 0x0111
    assert create(scanner, begun(), "1.2/../3").Status == 0x0117
    assert put(scanner, ended("FINISHED", 1)).Status == 0x0106
    assert put(scanner, ended("COMPLETED", 1)).Status == 0x0000


def test_an_n_set_in_progress_names_the_series_before_the_end(site, scanner):
    create(scanner, begun())
    assert put(scanner, ended("IN PROGRESS", 1, 2)).Status == 0x0000
    assert put(scanner, ended("IN PROGRESS", PerformedProcedureStepStatus=None)).Status == 0x0000
    assert site.announced == []
    assert [item.final for item in site.expectations()] == [False]
    # as some scanners end: without the list, and with attributes that cannot be set
    assert put(scanner, ended("COMPLETED", Modality="CT", PatientName="Someone^Else")).Status == 0x0000
    assert site.expectations() == [Expectation("mpps", STEP, 2, 2, final=True)]


def test_only_ct_images_are_waited_for(site, scanner):
    item = performed(SERIES, 1)
    item.ReferencedImageSequence.append(reference(None, "1.2.3"))
    item.ReferencedImageSequence.append(reference(CTImageStorage, "not/a/uid"))
    item.ReferencedNonImageCompositeSOPInstanceSequence = [
        reference(XRayRadiationDoseSRStorage, "1.2.4"),
        reference(CTImageStorage, "1.2.5"),
    ]
    again = performed(SERIES, 1, 2)
    nameless = change(performed(SERIES, 9), {"SeriesInstanceUID": None})
    create(scanner, begun())
    put(scanner, ended("COMPLETED", PerformedSeriesSequence=[item, again, nameless]))
    assert [entry.expected for entry in site.expectations()] == [4]


def test_images_that_are_numbered_wrongly_are_not_counted_on(site, scanner):
    create(scanner, begun())
    put(scanner, ended("COMPLETED", 1, 1, 2))
    assert site.step().state == StepState.COMPLETED
    assert site.expectations() == []


def test_why_a_step_was_discontinued(site, received, scanner):
    why = Dataset()
    why.CodeValue, why.CodingSchemeDesignator, why.CodeMeaning = "110514", "DCM", "Incorrect worklist entry selected"
    create(scanner, begun())
    put(scanner, ended("DISCONTINUED", 1, PerformedProcedureStepDiscontinuationReasonCodeSequence=[why]))
    step = steps.find_discontinued(site.database, SERIES)
    assert (step.reason.code, step.reason.scheme, str(step.reason)) == (
        "110514",
        "DCM",
        "Incorrect worklist entry selected",
    )
    assert site.announced == [SERIES]


def test_ten_thousand_images(site, scanner):
    create(scanner, begun())
    assert put(scanner, ended("COMPLETED", *range(10_000))).Status == 0x0000
    assert [item.expected for item in site.expectations()] == [10_000]


def test_no_name_is_logged(scanner, caplog):
    caplog.set_level("DEBUG")
    create(scanner, begun())
    put(scanner, ended("COMPLETED", 1))
    create(scanner, begun(PerformedProcedureStepStatus="x"), "1.2.826.0.9.2")
    told = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("scp"))
    assert STEP in told
    assert [word for word in ("Müller", "Jörg", "ID1", "ACC1") if word in told] == []


def test_a_fault_is_no_success_and_the_scanner_may_repeat(site, scanner, monkeypatch):
    def fail(*_):
        raise Transient("the database did not take the change: disk full")

    with monkeypatch.context() as patch:
        patch.setattr(mpps.step_changes, "create", fail)
        assert create(scanner, begun()).Status == 0x0110
    assert create(scanner, begun()).Status == 0x0000


def test_too_long_and_too_many(scanner, monkeypatch):
    monkeypatch.setattr(mpps, "LONGEST", 2000)
    assert create(scanner, begun(PatientComments="x" * 3000)).Status == 0x0213
    assert create(scanner, begun()).Status == 0x0000
    monkeypatch.setattr("scp.services.performed_step.MOST_SERIES", 2)
    series = [performed(f"1.2.{number}", 1) for number in range(3)]
    assert put(scanner, ended("COMPLETED", PerformedSeriesSequence=series)).Status == 0x0213

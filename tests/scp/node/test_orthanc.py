"""A real PACS takes the documents and finds them again in the patient's study."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import closing
from datetime import UTC, date, datetime

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import CTImageStorage

from config.settings import NodeSettings, PeerSettings, Settings
from dicom import part10
from dicom.sop_classes import STUDY_ROOT_MOVE, UNCOMPRESSED
from scoring import engine
from scoring.phantom import PhantomSpec, make_phantom, write_series
from scoring.report import documents
from scoring.report.common.request import ReportRequest
from scoring.report.sr import reading, structured_report
from scoring.result import ArteryValues, Provenance, Score, SeriesInfo
from scp.network import retrieval
from scp.network.command import SubOperations
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor
from scp.priors.retrieve import Wanted, fetch
from scp.scu.identifier import encode, make_identifier
from scp.scu.storage import Sending, open_for, store
from scp.scu.verification import verify
from storage.commitments.commitments import list_commitments
from storage.outbox import deliveries
from storage.outbox.deliveries import DeliveryState
from storage.series import states
from storage.series.priors import Person
from storage.series.states import State

pytestmark = [pytest.mark.peer, pytest.mark.component]


def unused_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Orthanc:
    def __init__(self, program, folder):
        self.dicom, self.http = unused_port(), unused_port()
        settings = {
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "HttpPort": self.http,
            "DicomPort": self.dicom,
            "DicomAet": "ORTHANC",
            "AuthenticationEnabled": False,
            "RemoteAccessAllowed": False,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "Plugins": [],
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        with (folder / "orthanc.log").open("wb") as log:
            self.process = subprocess.Popen([program, folder / "orthanc.json"], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < deadline, (folder / "orthanc.log").read_text()
            time.sleep(0.1)

    def _answers(self):
        try:
            return bool(self.get("system"))
        except urllib.error.URLError:
            return False

    def get(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/{path}", data, timeout=20) as answer:
            return json.load(answer)

    def send(self, method, path, content):
        url = f"http://127.0.0.1:{self.http}/{path}"
        with urllib.request.urlopen(urllib.request.Request(url, content, method=method), timeout=60) as answer:
            return answer.read()

    def end(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def orthanc(peer_program, tmp_path):
    orthanc = Orthanc(peer_program("Orthanc"), tmp_path)
    yield orthanc
    orthanc.end()


def test_orthanc_files_images_report_and_pictures_in_one_study(orthanc, tmp_path):
    images = write_series(make_phantom(PhantomSpec(seed=6, matrix=256)), tmp_path / "phantom")
    score = engine.score(images)
    request = ReportRequest(version=1, created=datetime(2026, 1, 2, tzinfo=UTC))
    made = documents.make(score, images, ("sr", "overlay"), request)
    paths = list(images)
    for number, document in enumerate(made):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(document.content)
    peer = PeerSettings(ae_title="ORTHANC", host="127.0.0.1", port=orthanc.dicom)
    verify(NodeSettings(), peer)
    objects = [Sending.from_file(path) for path in paths]
    with open_for(NodeSettings(), peer, objects) as association:
        assert {store(association, item, peer) for item in objects} == {0}
    series = orthanc.get("tools/find", {"Level": "Series", "Query": {}, "Expand": True})
    found = {item["MainDicomTags"]["Modality"]: item for item in series}
    assert {modality: len(item["Instances"]) for modality, item in found.items()} == {
        "CT": len(images),
        "SR": 1,
        "OT": len(made) - 1,
    }
    assert len({item["ParentStudy"] for item in series}) == 1
    assert found["SR"]["MainDicomTags"]["SeriesDescription"] == "Coronary calcium score"
    report = orthanc.get(f"instances/{found['SR']['Instances'][0]}/simplified-tags")
    assert report["SOPInstanceUID"] == made[0].sop_instance_uid
    assert report["CompletionFlag"] == "COMPLETE"


def ct_header(study, patient_id, issuer):
    """Header of one image of a scan on 2 January of 202N, where the study's UID ends with N."""
    ds = Dataset()
    ds.SOPClassUID, ds.Modality = CTImageStorage, "CT"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = study, f"{study}.1", f"{study}.1.1"
    ds.StudyDate, ds.PatientID, ds.PatientName = f"202{study[-1]}0102", patient_id, "Other^Ann"
    ds.PatientSex, ds.PatientBirthDate = "F", "19600101"
    if issuer:
        ds.IssuerOfPatientID = issuer
    return ds


def report_of(ds, agatston):
    values = ArteryValues(total=agatston, LAD=agatston)
    info = SeriesInfo(ds.StudyInstanceUID, ds.SeriesInstanceUID, 40, 512, 512, (3.0, 0.4, 0.4))
    made = Provenance("coronode", "0.1.0", "default", "standard", 130.0, 1.0, 8, "voxels")
    word = ("101-400", "A2/N1", None, None)
    score = Score("scored", None, info, values, (agatston, agatston), values, None, (), *word, (), made)
    return structured_report.build(
        score, [ds], request=ReportRequest(version=1, created=datetime(2026, 1, 2, tzinfo=UTC))
    )


@pytest.mark.parametrize("issuer", ["", "Clinic"])
def test_orthanc_gives_the_earlier_reports_of_that_patient_alone(orthanc, tmp_path, issuer):
    peer = PeerSettings(ae_title="ORTHANC", host="127.0.0.1", port=orthanc.dicom)
    whose = [("42", issuer), ("42", issuer), ("43", issuer), ("42", "Elsewhere"), ("42", issuer)]
    objects = []
    for number, (patient_id, by) in enumerate(whose):
        path = tmp_path / f"{number}.dcm"
        report_of(ct_header(f"1.2.3.{number}", patient_id, by), 100.0 + number).save_as(path, enforce_file_format=True)
        objects.append(Sending.from_file(path))
    with open_for(NodeSettings(), peer, objects) as association:
        assert {store(association, item, peer) for item in objects} == {0}
    wanted = Wanted(Person("42", issuer, "19600101", "F"), date(2024, 1, 2), "1.2.3.4", set().__contains__)
    found = fetch(NodeSettings(), "ORTHANC", peer, wanted, seconds=60)
    earlier = [reading.read(report, "ORTHANC") for report in found.reports]
    assert [(item.date, item.agatston) for item in earlier] == [("2021-01-02", 101), ("2020-01-02", 100)]
    assert {note.code for note in found.notes} <= {"peer_strangers"}


def test_orthanc_forwards_a_whole_study_and_gets_one_report(
    orthanc, pacs, patient, picture_of, configured, run_node, eventually, tmp_path
):
    images = patient()
    # the first series that Orthanc sends is not for us to choose: one picture is in the series of the images
    pictures = [
        picture_of(images[0], "1.2.826.1", number=1),
        picture_of(images[0], images[0].SeriesInstanceUID, number=2),
    ]
    for number, item in enumerate([pictures[0], *images, pictures[1]]):
        path = tmp_path / f"{number}.dcm"
        item.save_as(path, enforce_file_format=True)
        orthanc.send("POST", "instances", path.read_bytes())
    (study,) = orthanc.get("studies")
    with run_node(configured({"PACS": pacs.port})) as node:
        known = {"AET": "CORONODE", "Host": "127.0.0.1", "Port": node.server.port}
        orthanc.send("PUT", "modalities/coronode", json.dumps(known).encode())
        answer = json.loads(orthanc.send("POST", "modalities/coronode/store", study.encode()))
        assert (answer["InstancesCount"], answer["FailedInstancesCount"]) == (len(images) + 2, 0)
        uid = str(images[0].SeriesInstanceUID)
        eventually("a delivered report", lambda: states.get(node.database, uid).state == State.DELIVERED)
        scan = states.get(node.database, uid)
        assert (scan.version, scan.instance_count, scan.reason) == (1, len(images) + 1, "")
        assert states.get(node.database, "1.2.826.1").state == State.KEPT
    assert len(pacs.received) == 1


def test_orthanc_finds_a_study_and_has_it_moved_byte_for_byte(orthanc, patient, configured, run_node, scanner_of):
    images = patient()[:4]
    settings = configured({"ORTHANC": orthanc.dicom}, results={"destinations": ()}, completion={"quiet_seconds": 600})
    with run_node(settings) as node:
        scanner_of(node).send(images)
        known = {"AET": "CORONODE", "Host": "127.0.0.1", "Port": node.server.port}
        orthanc.send("PUT", "modalities/coronode", json.dumps(known).encode())
        query = {"Level": "Study", "Query": {"StudyInstanceUID": images[0].StudyInstanceUID}}
        found = orthanc.get("modalities/coronode/query", query)["ID"]
        assert len(orthanc.get(f"queries/{found}/answers")) == 1
        wish = {"TargetAet": "ORTHANC", "Synchronous": True}
        orthanc.send("POST", f"queries/{found}/retrieve", json.dumps(wish).encode())
    files = [orthanc.send("GET", f"instances/{each}/file", None) for each in orthanc.get("instances")]
    moved = sorted(file[part10.find_data_set(file) :] for file in files)
    assert moved == sorted(map(data_set, images))


def test_a_study_in_orthanc_is_moved_on_to_it_again(orthanc, patient, configured, run_node, scanner_of):
    """What the destination has already it takes again: nothing fails."""
    images = patient()[:2]
    settings = configured({"ORTHANC": orthanc.dicom}, results={"destinations": ()}, completion={"quiet_seconds": 600})
    with run_node(settings) as node:
        scanner_of(node).send(images)
        opening = Opening("VIEWER", "CORONODE", "127.0.0.1", node.server.port, 60, 60, 60, 16384)
        for _ in range(2):
            association = Requestor(opening, [PresentationContext(STUDY_ROOT_MOVE, UNCOMPRESSED)])
            (context,) = association.accepted_contexts
            wanted = make_identifier("STUDY", {"StudyInstanceUID": images[0].StudyInstanceUID})
            *_, last = retrieval.move(association, context, encode(wanted, context), "ORTHANC")
            association.release()
            assert (last.status, last.sub_operations) == (0, SubOperations(None, 2, 0, 0))
    assert len(orthanc.get("instances")) == 2


def data_set(image):
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, image)
    return buffer.getvalue()


def commitment_report(orthanc, transaction):
    """The state of a transaction by Orthanc's account, once it is no longer pending."""
    return orthanc.get(f"storage-commitment/{transaction}")


def test_orthanc_asks_for_commitment_and_is_told(orthanc, patient, tmp_path, run_node, settings_of, eventually):
    images = patient()[:5]
    for number, image in enumerate(images):
        path = tmp_path / f"{number}.dcm"
        image.save_as(path, enforce_file_format=True)
        orthanc.send("POST", "instances", path.read_bytes())
    with run_node(settings_of(orthanc.dicom)) as node:
        known = {"AET": "CORONODE", "Host": "127.0.0.1", "Port": node.server.port}
        orthanc.send("PUT", "modalities/coronode", json.dumps(known).encode())
        (study,) = orthanc.get("studies")
        orthanc.send("POST", "modalities/coronode/store", study.encode())
        missing = {"DicomInstances": [[str(CTImageStorage), "1.2.3.4"]]}
        for body, outcome, failed in (({"Resources": [study]}, "Success", 0), (missing, "Failure", 1)):
            asked = orthanc.get("modalities/coronode/storage-commitment", body)
            eventually(
                f"a report: {outcome}",
                lambda asked=asked, outcome=outcome: commitment_report(orthanc, asked["ID"])["Status"] == outcome,
            )
            report = commitment_report(orthanc, asked["ID"])
            assert (len(report["Success"]), len(report["Failures"])) == (0 if failed else len(images), failed)
        assert report["Failures"][0]["FailureReason"] == 0x0112
        assert report["RemoteAET"] == "CORONODE"
        eventually("both records", lambda: {item.state for item in list_commitments(node.database)} == {"reported"})


def test_orthanc_commits_to_our_documents(orthanc, patient, scanner_of, run_node, settings_of, eventually):
    images = patient()
    settings = settings_of(orthanc.dicom, commit=True)
    with run_node(settings) as node:
        known = {"AET": "CORONODE", "Host": "127.0.0.1", "Port": node.server.port}
        orthanc.send("PUT", "modalities/coronode", json.dumps(known).encode())
        scanner_of(node).send(images)
        eventually(
            "a commitment",
            lambda: {item.state for item in deliveries.list_deliveries(node.database)} == {DeliveryState.COMMITTED},
        )
        assert states.get(node.database, images[0].SeriesInstanceUID).state == State.DELIVERED


@pytest.fixture
def settings_of(tmp_path):
    """`settings_of(port, **of the peer ORTHANC)`: a node that sends its report there."""

    def make(port, **peer):
        orthanc = {"ae_title": "ORTHANC", "host": "127.0.0.1", "port": port} | peer
        return Settings(
            node={"port": 0, "data_dir": tmp_path / "node", "reserve_mb": 0},
            peers={"ORTHANC": orthanc, "CT1": {"ae_title": "SCANNER", "host": "127.0.0.1"}},
            completion={"quiet_seconds": 1},
            results={"destinations": ("ORTHANC",), "documents": ("sr",)},
        )

    return make

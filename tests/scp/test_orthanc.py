"""A real PACS takes the documents and finds them again in the patient's study."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import closing
from datetime import UTC, datetime

import pytest

from config.settings import NodeSettings, PeerSettings
from scoring import engine
from scoring.phantom import PhantomSpec, make_phantom, write_series
from scoring.report import documents
from scoring.report.request import ReportRequest
from scp.send import Sending, associated, store, verify

pytestmark = [pytest.mark.peer, pytest.mark.slow]


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
    objects = [Sending.of(path) for path in paths]
    with associated(NodeSettings(), peer, objects) as association:
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

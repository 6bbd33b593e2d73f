"""Orthanc's DICOMweb plugin: it stores here and fetches from here, results go there, and both find the same."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread

from config.settings import NodeSettings, PeerSettings
from scp.delivery.association import associate_as
from scp.delivery.web import connect_as
from scp.scu import web_service
from scp.scu.storage import Sending
from storage.query.retrieval import Retrieval
from tests.scp.interoperability.processes import Served, until, unused_port

pytestmark = pytest.mark.component

OCTETS = (("application/octet-stream", "1.2.840.10008.1.2.1"),)
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


class WebOrthanc:
    """Orthanc with its plugin, which knows the node under an address."""

    def __init__(self, folder: Path, program: str, node: str) -> None:
        http = unused_port()
        settings = {
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "HttpPort": http,
            "DicomPort": unused_port(),
            "AuthenticationEnabled": False,
            "RemoteAccessAllowed": False,
            "Plugins": [str(PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Servers": {"node": [f"{node}/"]}},
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        self.base = f"http://127.0.0.1:{http}"
        self.served = Served([program, folder / "orthanc.json"], http, folder / "log")
        until("Orthanc to answer", lambda: self.call("GET", "system"))

    def call(self, method: str, path: str, body: object = None) -> object:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/{path}", data, method=method)  # noqa: S310  # ours
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            content = answer.read()
        return json.loads(content) if content.startswith((b"{", b"[")) else content


@pytest.fixture
def orthanc(web, serve, peer_program, tmp_path) -> Iterator[WebOrthanc]:
    program = peer_program("Orthanc")
    if not PLUGIN.exists():
        pytest.skip("Orthanc's plugin is not installed (Debian: apt-get install orthanc-dicomweb)")
    folder = tmp_path / "orthanc"
    folder.mkdir()
    running = WebOrthanc(folder, program, serve(web.services))
    yield running
    running.served.stop()


def count_stored(web, study: str) -> int:
    return len(Retrieval("STUDY", {"STUDY": (study,)}).select(web.services.database))


def test_orthanc_stores_here_and_fetches_from_here(web, orthanc, scan):
    paths = sorted(scan.folder.glob("*.dcm"))[:5]
    study = scan.score.series.study_instance_uid
    identifiers = [orthanc.call("POST", "instances", path.read_bytes())["ID"] for path in paths]
    orthanc.call("POST", "dicom-web/servers/node/stow", {"Resources": identifiers, "Synchronous": True})
    assert count_stored(web, study) == len(paths)
    for identifier in identifiers:
        orthanc.call("DELETE", f"instances/{identifier}")
    orthanc.call("POST", "dicom-web/servers/node/retrieve", {"Resources": [{"Study": study}], "Synchronous": True})
    found = orthanc.call("POST", "tools/lookup", study.encode())
    assert len(orthanc.call("GET", f"studies/{found[0]['ID']}/instances")) == len(paths)


def test_objects_go_to_orthanc(orthanc, scan):
    peer, node = PeerSettings(url=f"{orthanc.base}/dicom-web"), NodeSettings()
    web_service.verify(node, peer)
    paths = sorted(scan.folder.glob("*.dcm"))[:3]
    objects = [Sending.from_file(path) for path in paths]
    with connect_as(node, associate_as(node))(peer, objects) as association:
        assert [association.store(item) for item in objects] == [0, 0, 0]
    for path in paths:
        [found] = orthanc.call("POST", "tools/lookup", str(dcmread(path).SOPInstanceUID).encode())
        assert orthanc.call("GET", f"instances/{found['ID']}/file") == path.read_bytes()


def test_both_find_the_same(web, serve, orthanc, receive_scan, scan):
    receive_scan(web.services)
    for path in scan.folder.glob("*.dcm"):
        orthanc.call("POST", "instances", path.read_bytes())
    clients = [DICOMwebClient(serve(web.services)), DICOMwebClient(f"{orthanc.base}/dicom-web")]
    study, series = scan.score.series.study_instance_uid, scan.score.series.series_instance_uid
    ours, theirs = ([*c.search_for_studies(), *c.search_for_series(study)] for c in clients)
    for mine, other in zip(ours, theirs, strict=True):
        compared = (mine.keys() & other.keys()) - {"00081190", "00080056", "00080005", "00081115"}
        assert len(compared) > 5
        assert {tag: mine[tag].get("Value") for tag in compared} == {tag: other[tag].get("Value") for tag in compared}
    found = [{i["00080018"]["Value"][0] for i in c.search_for_instances(study, series)} for c in clients]
    assert found[0] == found[1]
    uid = next(iter(found[0]))
    frames = [c.retrieve_instance_frames(study, series, uid, [1], OCTETS) for c in clients]
    assert frames[0] == frames[1]
    headers = [c.retrieve_instance_metadata(study, series, uid) for c in clients]
    same = headers[0].keys() & headers[1].keys() - {"00080005", "00081190"}
    for tag in same:
        if "BulkDataURI" not in headers[1][tag]:
            assert headers[0][tag] == headers[1][tag] or headers[0][tag].get("Value") == headers[1][tag].get("Value")

"""Orthanc over mutual TLS: it stores with us, and we with it."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import NodeSettings, PeerSettings
from scoring.phantom import PhantomSpec, make_phantom, write_series
from scp.scu.storage import Sending, open_for, store
from scp.scu.verification import verify
from tests.scp import certificates
from tests.scp.conftest import unused_port

pytestmark = [pytest.mark.peer, pytest.mark.component]

SECONDS = 60


class Orthanc:
    def __init__(self, program: str, folder: Path, node_port: int) -> None:
        self.dicom, self._http = unused_port(), unused_port()
        modality = {"AET": "CORONODE", "Host": "127.0.0.1", "Port": node_port, "UseDicomTls": True}
        settings = {
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "HttpPort": self._http,
            "DicomPort": self.dicom,
            "DicomAet": "ORTHANC",
            "DicomAlwaysAllowStore": True,
            "DicomTlsEnabled": True,
            "DicomTlsCertificate": str(folder / "orthanc.pem"),
            "DicomTlsPrivateKey": str(folder / "orthanc.key"),
            "DicomTlsTrustedCertificates": str(folder / "ca.pem"),
            "DicomTlsRemoteCertificateRequired": True,
            "DicomModalities": {"CORONODE": modality},
            "AuthenticationEnabled": False,
            "RemoteAccessAllowed": False,
            "Plugins": [],
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        with (folder / "orthanc.log").open("wb") as log:
            self._process = subprocess.Popen([program, folder / "orthanc.json"], stdout=log, stderr=log)
        deadline = time.monotonic() + SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, (folder / "orthanc.log").read_text()
            time.sleep(0.1)

    def ask(self, path: str, content: bytes | None = None) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._http}/{path}", content, timeout=SECONDS) as answer:
            return json.load(answer)

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _answers(self) -> bool:
        try:
            return bool(self.ask("system"))
        except urllib.error.URLError:
            return False


@pytest.fixture
def tls(tmp_path: Path) -> dict[str, object]:
    certificates.write(tmp_path, "orthanc", certificates.issue("orthanc"))
    return certificates.write_node(tmp_path) | {"port": 0}


@pytest.fixture
def start(peer_program: Callable[[str], str], tmp_path: Path) -> Iterator[Callable[[int], Orthanc]]:
    """`start(port)`: an Orthanc that knows a node on that port."""
    started: list[Orthanc] = []

    def make(node_port: int) -> Orthanc:
        started.append(Orthanc(peer_program("Orthanc"), tmp_path, node_port))
        return started[-1]

    yield make
    for one in started:
        one.end()


def test_orthanc_stores_with_us_and_we_with_it_over_mutual_tls(tls, start, serve, tmp_path):
    spec = PhantomSpec(matrix=128, slice_thickness_mm=5, slice_increment_mm=5)
    slices = write_series(make_phantom(spec), tmp_path / "slices")[:2]
    pinned = {"tls": True, "certificate": str(tmp_path / "orthanc.pem")}
    caller = {"ae_title": "ORTHANC", "host": "127.0.0.1"} | pinned
    folder = tmp_path / "node"
    folder.mkdir()
    options = {"tls": tls, "accept_unknown_peers": False, "acse_timeout": 10}
    with serve(folder, peers={"PACS": caller}, **options) as site:
        orthanc = start(site.server.tls_port)
        node = NodeSettings(tls=tls)
        peer = PeerSettings(port=orthanc.dicom, **caller)
        verify(node, peer)
        objects = [Sending.from_file(path) for path in slices]
        with open_for(node, peer, objects) as association:
            assert [store(association, item, peer) for item in objects] == [0, 0]
        (study,) = orthanc.ask("studies")
        assert orthanc.ask("modalities/CORONODE/echo", b"{}") == {}
        sent = orthanc.ask("modalities/CORONODE/store", json.dumps({"Resources": [study]}).encode())
        assert (sent["InstancesCount"], sent["FailedInstancesCount"]) == (2, 0)
        assert len(site.received) == 2

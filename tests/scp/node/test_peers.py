"""`coronode serve` between DCMTK's scanner and PACS, as a hospital would set it up."""

import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from pydicom import config as pydicom_config
from pydicom import dcmread

from config.settings import Settings
from scoring.phantom import PhantomSpec, Truth, make_phantom, write_series
from storage.database.opening import open_database
from storage.outbox import deliveries
from storage.outbox.deliveries import DeliveryState

pytestmark = pytest.mark.peer

COCA = Path(__file__).parents[4] / "shared" / "data" / "coca"
CASES = ("gated-0", "gated-1", "gated-3", "nongated-1", "nongated-2")


def unused_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)


class Hospital:
    def __init__(self, folder: Path, program) -> None:
        self.program = program
        self.pacs = folder / "pacs"
        self.pacs.mkdir()
        self.log, self.data = folder / "node.log", folder / "data"
        self.port, pacs_port = unused_port(), unused_port()
        config = folder / "coronode.toml"
        config.write_text(
            f"""
            [node]
            port = {self.port}
            data_dir = "{self.data}"
            reserve_mb = 0
            [peers.SCANNER]
            ae_title = "STORESCU"
            host = "127.0.0.1"
            services = ["store"]
            [peers.WORKSTATION]
            ae_title = "FINDSCU"
            host = "127.0.0.1"
            services = ["query"]
            [peers.PACS]
            ae_title = "PACS"
            host = "127.0.0.1"
            port = {pacs_port}
            [completion]
            quiet_seconds = 2
            [results]
            destinations = ["PACS"]
            """
        )
        node = [sys.executable, "-c", "from scp.cli import main; main()", "serve", "--config", config]
        with self.log.open("wb") as log:
            self.running = [
                subprocess.Popen([self.program("storescp"), "-aet", "PACS", "-od", self.pacs, str(pacs_port)]),
                subprocess.Popen(node, stderr=log),
            ]
        until("the node to listen", lambda: b"listens on" in self.log.read_bytes())

    def send(self, folder):
        command = [self.program("storescu"), "-aec", "CORONODE", "+sd", "127.0.0.1", str(self.port), folder]
        subprocess.run(command, check=True, timeout=120)

    def reports(self):
        return sorted(self.pacs.glob("SRc.*"))

    def new_report(self, before):
        """The one report that the PACS has taken since; the node's outbox says when it has all of it."""
        until("a report", lambda: self.delivered() > len(before))
        (report,) = set(self.reports()) - before
        return report

    def delivered(self):
        """How many reports the PACS has taken, 0 while any document is still on its way."""
        with closing(open_database(Settings(node={"data_dir": self.data}))) as database:
            items = deliveries.list_deliveries(database, limit=None)
        if any(item.state != DeliveryState.DELIVERED for item in items):
            return 0
        return sum(item.kind == "sr" for item in items)

    def find_series(self, uid):
        command = [
            self.program("findscu"),
            "-S",
            "-aec",
            "CORONODE",
            "-k",
            "0008,0052=SERIES",
            "-k",
            f"0020,000E={uid}",
        ]
        keys = ["-k", "0020,1209", "-k", "0008,0060"]
        found = subprocess.run(
            [*command, *keys, "127.0.0.1", str(self.port)], capture_output=True, text=True, check=True, timeout=60
        )
        return re.findall(r"0020,000e\) UI =?\[?([0-9.]+)", found.stdout + found.stderr)

    def end(self):
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.wait(60)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory, peer_program):
    hospital = Hospital(tmp_path_factory.mktemp("hospital"), peer_program)
    yield hospital
    hospital.end()


def dumped(dsrdump, report):
    ended = subprocess.run([dsrdump, report], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def read(path):
    with pydicom_config.disable_value_validation():
        return dcmread(path)


def source_series(report):
    return report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].SeriesInstanceUID


@pytest.mark.component
def test_a_phantom_scan_comes_back_as_a_report(hospital, peer_program, tmp_path):
    truth = Truth.from_json(write(PhantomSpec(seed=4, matrix=256), tmp_path / "scan"))
    before = set(hospital.reports())
    hospital.send(tmp_path / "scan" / "dicom")
    path = hospital.new_report(before)
    total = float(re.search(r'Coronary artery calcium score"\)="([\d.]+)"', dumped(peer_program("dsrdump"), path))[1])
    assert total == pytest.approx(truth.agatston.total, rel=0.25)
    assert len(list(hospital.pacs.glob("SC.*"))) >= 2
    found = hospital.find_series(source_series(read(path)))
    assert found
    for document in [path, *hospital.pacs.glob("SC.*")]:
        checked = subprocess.run(
            [peer_program("dciodvfy"), document], capture_output=True, text=True, check=False, timeout=60
        )
        assert "Error" not in checked.stderr + checked.stdout


def write(spec, folder):
    write_series(make_phantom(spec), folder)
    return (folder / "truth.json").read_text()


@pytest.mark.realdata
@pytest.mark.component
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("case", CASES)
def test_a_real_scan_comes_back_as_a_report(hospital, peer_program, case):
    if not COCA.is_dir():
        pytest.skip("the reference scans are not beside the checkout")
    before = set(hospital.reports())
    hospital.send(COCA / case)
    path = hospital.new_report(before)
    assert "Coronary artery calcium score" in dumped(peer_program("dsrdump"), path)
    image = read(next((COCA / case).iterdir()))
    report = read(path)
    assert report.get("StudyInstanceUID")
    if "StudyInstanceUID" in image:
        assert report.StudyInstanceUID == image.StudyInstanceUID
    assert hospital.find_series(source_series(report)) == [source_series(report)]

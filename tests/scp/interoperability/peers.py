"""The peers: each as a user of the node's services, and as an archive that the node uses."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from tests.scp.interoperability.processes import PATIENCE, Served, Talking, run, until

DCMJS = Path(__file__).parents[1] / "dcmjs-dimse"
NODE = "CORONODE"


@dataclass(frozen=True)
class Place:
    """Where a peer finds the node and is found by it, and a folder of its own."""

    node_port: int
    port: int
    folder: Path
    program: Callable[[str], str]


class Peer(Protocol):
    """A peer that runs: `start`, then anything, then `stop`. What it is asked to do must succeed."""

    name: str

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def echo(self) -> None:
        """Verify the node."""

    def store(self, paths: Sequence[Path]) -> None:
        """Send files to the node."""

    def find(self, study: str) -> set[str]:
        """Ask the node for the series of a study."""

    def get(self, study: str) -> None:
        """Have the node send a study by C-GET."""

    def move(self, study: str) -> None:
        """Have the node send a study by C-MOVE to this peer."""

    def read(self, sop_instance_uid: str) -> Dataset | None:
        """Read an object that the peer holds."""


def read_from(folder: Path, sop_instance_uid: str) -> Dataset | None:
    """Read the file of an object, whatever its name."""
    for path in folder.rglob("*"):
        if path.is_file():
            with suppress(InvalidDicomError, EOFError):
                dataset = dcmread(path)
                if dataset.get("SOPInstanceUID") == sop_instance_uid:
                    return dataset
    return None


class Dcmtk:
    """DCMTK's command line, with dcmqrscp as archive."""

    name = "DCMTK"

    def __init__(self, place: Place) -> None:
        self._place = place
        self._ours = ("-aet", self.name, "-aec", NODE)
        self._theirs = ("127.0.0.1", place.node_port)

    def start(self) -> None:
        place = self._place
        (place.folder / "db").mkdir()
        config = place.folder / "dcmqrscp.cfg"
        config.write_text(
            f"NetworkTCPPort = {place.port}\nMaxPDUSize = 131072\nMaxAssociations = 16\n"
            f"HostTable BEGIN\ncoronode = ({NODE}, 127.0.0.1, {place.node_port})\nHostTable END\n"
            f"VendorTable BEGIN\nVendorTable END\n"
            f"AETable BEGIN\n{self.name} {place.folder / 'db'} RW (200, 1024mb) ANY\nAETable END\n"
        )
        command = [place.program("dcmqrscp"), "-c", config]
        self._served = Served(command, place.port, place.folder / "log")

    def stop(self) -> None:
        self._served.stop()

    def echo(self) -> None:
        run(self._place.program("echoscu"), *self._ours, *self._theirs)

    def store(self, paths: Sequence[Path]) -> None:
        run(self._place.program("storescu"), *self._ours, *self._theirs, *paths)

    def find(self, study: str) -> set[str]:
        answers = self._place.folder / f"find-{study}"
        answers.mkdir(exist_ok=True)
        keys = ("-k", "0008,0052=SERIES", "-k", f"0020,000D={study}", "-k", "0020,000E")
        run(self._place.program("findscu"), "-S", "-X", "-od", answers, *self._ours, *keys, *self._theirs)
        return {str(dcmread(path, force=True).SeriesInstanceUID) for path in answers.iterdir()}

    def get(self, study: str) -> None:
        run(
            self._place.program("getscu"),
            "-S",
            "+B",
            "-od",
            self._into(),
            *self._ours,
            *self._study(study),
            *self._theirs,
        )

    def move(self, study: str) -> None:
        run(self._place.program("movescu"), "-S", "-aem", self.name, *self._ours, *self._study(study), *self._theirs)

    def read(self, sop_instance_uid: str) -> Dataset | None:
        return read_from(self._place.folder, sop_instance_uid)

    def _into(self) -> Path:
        folder = self._place.folder / "got"
        folder.mkdir(exist_ok=True)
        return folder

    @staticmethod
    def _study(study: str) -> tuple[str, ...]:
        return "-k", "0008,0052=STUDY", "-k", f"0020,000D={study}"


class Pynetdicom:
    """The applications of pynetdicom, with qrscp as archive."""

    name = "PYNETDICOM"

    def __init__(self, place: Place) -> None:
        self._place = place

    def start(self) -> None:
        place = self._place
        config = place.folder / "qrscp.ini"
        (place.folder / "instances").mkdir()
        config.write_text(
            f"[DEFAULT]\nae_title: {self.name}\nport: {place.port}\nmax_pdu: 131072\nacse_timeout: 30\n"
            f"dimse_timeout: 30\nnetwork_timeout: 30\nbind_address: 127.0.0.1\nlog_identifier: False\n"
            f"instance_location: {place.folder / 'instances'}\ndatabase_location: {place.folder / 'db.sqlite'}\n"
            f"[{NODE}]\naddress: 127.0.0.1\nport: {place.node_port}\n"
        )
        self._served = Served(self._application("qrscp", "-c", config), place.port, place.folder / "log")

    def stop(self) -> None:
        self._served.stop()

    def echo(self) -> None:
        self._call("echoscu")

    def store(self, paths: Sequence[Path]) -> None:
        self._call("storescu", "-cx", *paths)

    def find(self, study: str) -> set[str]:
        keys = ("-k", "QueryRetrieveLevel=SERIES", "-k", f"StudyInstanceUID={study}", "-k", "SeriesInstanceUID=")
        printed = self._call("findscu", "-S", *keys)
        lines = [line for line in printed.splitlines() if "(0020,000E)" in line and "[" in line]
        return {line.partition("[")[2].partition("]")[0].rstrip("\0 ") for line in lines} - {""}

    def get(self, study: str) -> None:
        folder = self._place.folder / "got"
        folder.mkdir(exist_ok=True)
        self._call("getscu", "-S", "-od", folder, "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}")

    def move(self, study: str) -> None:
        keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}")
        self._call("movescu", "-S", "-aem", self.name, *keys)

    def read(self, sop_instance_uid: str) -> Dataset | None:
        return read_from(self._place.folder, sop_instance_uid)

    def _call(self, application: str, *options: object) -> str:
        paths = [option for option in options if isinstance(option, Path) and option.is_file()]
        others = [option for option in options if option not in paths]
        titles = ("-aet", self.name, "-aec", NODE)
        words = self._application(application, "127.0.0.1", self._place.node_port, *paths, *titles, *others)
        printed = run(*words)
        assert "Association Rejected" not in printed, printed
        assert "Aborted" not in printed, printed
        return printed

    @staticmethod
    def _application(name: str, *options: object) -> list[object]:
        return [sys.executable, "-m", "pynetdicom", name, *options]


@dataclass(frozen=True)
class Asked:
    """What came of one request of dcmjs-dimse."""

    code: int
    said: tuple[dict[str, Any], ...]

    def all(self, what: str) -> list[dict[str, Any]]:
        return [line for line in self.said if line["what"] == what]

    @property
    def statuses(self) -> list[int]:
        return [line["status"] for line in self.all("response")]


class Dcmjs:
    """dcmjs-dimse, by two programs of ours: a client and a small PACS."""

    name = "DCMJS"

    def __init__(self, place: Place) -> None:
        self._place = place

    def start(self) -> None:
        settings = {"port": self._place.port, "folder": str(self._place.folder), "peers": {NODE: self._place.node_port}}
        self.told = Talking([self._place.program("node"), DCMJS / "server.mjs", json.dumps(settings)])
        self.told.expect("listening")

    def stop(self) -> None:
        self.told.stop()

    def echo(self) -> None:
        assert self.ask("echo").statuses == [0]

    def store(self, paths: Sequence[Path]) -> None:
        assert self.ask("store", paths=[str(path) for path in paths]).statuses == [0] * len(paths)

    def find(self, study: str) -> set[str]:
        asked = self.ask("find", keys={"StudyInstanceUID": study, "SeriesInstanceUID": ""})
        assert asked.statuses[-1] == 0
        return {line["elements"]["SeriesInstanceUID"] for line in asked.all("response") if line["elements"]}

    def get(self, study: str) -> None:
        assert self.ask("get", study=study, folder=str(self._place.folder)).statuses[-1] == 0

    def move(self, study: str) -> None:
        assert self.ask("move", study=study, destination=self.name).statuses[-1] == 0

    def read(self, sop_instance_uid: str) -> Dataset | None:
        return read_from(self._place.folder, sop_instance_uid)

    def ask(self, service: str, **what: object) -> Asked:
        """Send one request over an association, which must end with a release."""
        asked = {"service": service, "port": self._place.node_port, "calling": self.name, "called": NODE} | what
        command = [self._place.program("node"), str(DCMJS / "client.mjs"), json.dumps(asked)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        said = tuple(json.loads(line) for line in ended.stdout.splitlines())
        assert ended.returncode == 0, f"{ended.stderr} {said}"
        return Asked(ended.returncode, said)


class Orthanc:
    """Orthanc, asked by its REST API."""

    name = "ORTHANC"

    def __init__(self, place: Place, http: int) -> None:
        self._place = place
        self._http = http

    def start(self) -> None:
        folder = self._place.folder
        settings = {
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "HttpPort": self._http,
            "DicomPort": self._place.port,
            "DicomAet": self.name,
            "AuthenticationEnabled": False,
            "RemoteAccessAllowed": False,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomModalities": {"node": {"AET": NODE, "Host": "127.0.0.1", "Port": self._place.node_port}},
            "Plugins": [],
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        command = [self._place.program("Orthanc"), folder / "orthanc.json"]
        self._served = Served(command, self._http, folder / "log")
        until("Orthanc to listen", lambda: self.rest("GET", "system"))

    def stop(self) -> None:
        self._served.stop()

    def echo(self) -> None:
        self.rest("POST", "modalities/node/echo", {})

    def store(self, paths: Sequence[Path]) -> None:
        identifiers = [self.rest("POST", "instances", path.read_bytes())["ID"] for path in paths]
        sent = self.rest("POST", "modalities/node/store", {"Resources": identifiers})
        assert (sent["InstancesCount"], sent["FailedInstancesCount"]) == (len(paths), 0)

    def find(self, study: str) -> set[str]:
        return {
            self.rest("GET", f"queries/{self._ask(study)}/answers/{number}/content")["0020,000e"]["Value"]
            for number in self.rest("GET", f"queries/{self._ask(study)}/answers")
        }

    def move(self, study: str) -> None:
        query = self._ask(study)
        self.rest("POST", f"queries/{query}/retrieve", {"TargetAet": self.name, "Synchronous": True})

    def read(self, sop_instance_uid: str) -> Dataset | None:
        for found in self.rest("POST", "tools/lookup", sop_instance_uid.encode()):
            return dcmread(BytesIO(self._call("GET", f"instances/{found['ID']}/file", None)))
        return None

    def _ask(self, study: str) -> str:
        question = {"Level": "Series", "Query": {"StudyInstanceUID": study, "SeriesInstanceUID": ""}}
        return str(self.rest("POST", "modalities/node/query", question)["ID"])

    def rest(self, method: str, path: str, body: object = None) -> Any:
        """Ask the REST API; JSON goes out unless the body is bytes, and comes back."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return json.loads(self._call(method, path, content) or b"null")

    def _call(self, method: str, path: str, content: bytes | None) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self._http}/{path}", content, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310  # of our own making
            return bytes(answer.read())


def list_missing(peer: Peer, instances: Iterable[Dataset]) -> list[str]:
    """List what the peer does not hold as it was sent, element by element."""
    return [str(item.SOPInstanceUID) for item in instances if peer.read(str(item.SOPInstanceUID)) != item]

"""The peers: each as a user of the node's services, and as an archive that the node uses."""

from __future__ import annotations

import json
import ssl
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
from pydicom.uid import generate_uid

from tests.scp.interoperability.processes import PATIENCE, Served, Talking, Tunnel, run, until, unused_port

DCMJS = Path(__file__).parents[1] / "dcmjs-dimse"
NODE = "CORONODE"


@dataclass(frozen=True)
class Secure:
    """The files with which a peer speaks TLS: its certificate and key, and whom it trusts."""

    certificate: Path
    key: Path
    ca: Path


@dataclass(frozen=True)
class Place:
    """Where a peer finds the node and is found by it, a folder of its own, and its files for TLS, if it speaks that."""

    ae_title: str
    node_port: int
    port: int
    folder: Path
    program: Callable[[str], str]
    secure: Secure | None = None


class Peer(Protocol):
    """A peer that runs: `start`, then anything, then `stop`. What it is asked to do must succeed."""

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

    def commit(self, images: Sequence[Dataset]) -> None:
        """Ask the node to commit to objects, and wait until it does."""


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
    """DCMTK's command line, with dcmqrscp as archive; that one speaks no TLS, so that storescp stands in there."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._tls: tuple[object, ...] = ()
        if place.secure is not None:
            self._tls = ("+tls", place.secure.key, place.secure.certificate, "+cf", place.secure.ca)
        self._ours = (*self._tls, "-aet", place.ae_title, "-aec", NODE)
        self._theirs = ("127.0.0.1", place.node_port)

    def start(self) -> None:
        self._served = self._receive() if self._tls else self._archive()
        self._tunnel: Tunnel | None = None
        if (secure := self._place.secure) is not None:
            context = ssl.create_default_context(cafile=secure.ca)
            context.load_cert_chain(secure.certificate, secure.key)
            self._tunnel = Tunnel(self._place.node_port, context)

    def _receive(self) -> Served:
        place = self._place
        (place.folder / "db").mkdir()
        command = [place.program("storescp"), *self._tls, "-aet", place.ae_title, "+B", "-od", place.folder / "db"]
        return Served([*command, place.port], place.port, place.folder / "log")

    def _archive(self) -> Served:
        place = self._place
        (place.folder / "db").mkdir()
        config = place.folder / "dcmqrscp.cfg"
        config.write_text(
            f"NetworkTCPPort = {place.port}\nMaxPDUSize = 131072\nMaxAssociations = 16\n"
            f"HostTable BEGIN\ncoronode = ({NODE}, 127.0.0.1, {place.node_port})\nHostTable END\n"
            f"VendorTable BEGIN\nVendorTable END\n"
            f"AETable BEGIN\n{place.ae_title} {place.folder / 'db'} RW (200, 1024mb) ANY\nAETable END\n"
        )
        return Served([place.program("dcmqrscp"), "-c", config], place.port, place.folder / "log")

    def stop(self) -> None:
        self._served.stop()
        if self._tunnel is not None:
            self._tunnel.stop()

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
        folder = self._place.folder / "got"
        folder.mkdir(exist_ok=True)
        self._retrieve("getscu", study, "+B", "-od", folder)

    def move(self, study: str) -> None:
        self._retrieve("movescu", study, "-aem", self._place.ae_title)

    def read(self, sop_instance_uid: str) -> Dataset | None:
        return read_from(self._place.folder, sop_instance_uid)

    def _retrieve(self, program: str, study: str, *options: object) -> None:
        """Run getscu or movescu, which speak no TLS: through a tunnel where it is spoken."""
        port = self._place.node_port if self._tunnel is None else self._tunnel.port
        titles = ("-aet", self._place.ae_title, "-aec", NODE)
        keys = ("-k", "0008,0052=STUDY", "-k", f"0020,000D={study}")
        run(self._place.program(program), "-S", *options, *titles, *keys, "127.0.0.1", port)


class Pynetdicom:
    """The applications of pynetdicom, with qrscp as archive."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def start(self) -> None:
        place = self._place
        config = place.folder / "qrscp.ini"
        (place.folder / "instances").mkdir()
        config.write_text(
            f"[DEFAULT]\nae_title: {place.ae_title}\nport: {place.port}\nmax_pdu: 131072\nacse_timeout: 30\n"
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
        self._call("movescu", "-S", "-aem", self._place.ae_title, *keys)

    def read(self, sop_instance_uid: str) -> Dataset | None:
        return read_from(self._place.folder, sop_instance_uid)

    def _call(self, application: str, *options: object) -> str:
        paths = [option for option in options if isinstance(option, Path) and option.is_file()]
        others = [option for option in options if option not in paths]
        titles = ("-aet", self._place.ae_title, "-aec", NODE)
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

    def __init__(self, place: Place) -> None:
        self._place = place
        secure = place.secure
        self._tls: dict[str, object] = {}
        if secure is not None:
            self._tls = {"tls": {"certificate": str(secure.certificate), "key": str(secure.key), "ca": str(secure.ca)}}

    def start(self) -> None:
        place = self._place
        settings = {"port": place.port, "folder": str(place.folder), "peers": {NODE: place.node_port}} | self._tls
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
        assert self.ask("move", study=study, destination=self._place.ae_title).statuses[-1] == 0

    def read(self, sop_instance_uid: str) -> Dataset | None:
        return read_from(self._place.folder, sop_instance_uid)

    def commit(self, images: Sequence[Dataset]) -> None:
        references = [
            {"ReferencedSOPClassUID": image.SOPClassUID, "ReferencedSOPInstanceUID": image.SOPInstanceUID}
            for image in images
        ]
        elements = {"TransactionUID": generate_uid(), "ReferencedSOPSequence": references}
        asked = self.ask("commit", elements=elements, linger=5000)
        assert asked.statuses == [0]
        (event,) = asked.all("event")
        assert event["type"] == 1
        assert event["elements"]["TransactionUID"] == elements["TransactionUID"]

    def report_step(self, images: Sequence[Dataset]) -> None:
        """Report a procedure step to the node: begun with N-CREATE, completed with N-SET."""
        step, image = generate_uid(), images[0]
        scheduled = {"StudyInstanceUID": image.StudyInstanceUID, "AccessionNumber": ""}
        begun = {
            "ScheduledStepAttributesSequence": [scheduled],
            "PerformedProcedureStepStatus": "IN PROGRESS",
            "PerformedProcedureStepID": "1",
            "PerformedStationAETitle": self._place.ae_title,
            "PerformedProcedureStepStartDate": "20260302",
            "PerformedProcedureStepStartTime": "101500",
            "Modality": "CT",
            "PerformedSeriesSequence": [],
        }
        references = [
            {"ReferencedSOPClassUID": item.SOPClassUID, "ReferencedSOPInstanceUID": item.SOPInstanceUID}
            for item in images
        ]
        ended = {
            "PerformedProcedureStepStatus": "COMPLETED",
            "PerformedProcedureStepEndDate": "20260302",
            "PerformedProcedureStepEndTime": "101600",
            "PerformedSeriesSequence": [
                {"SeriesInstanceUID": image.SeriesInstanceUID, "ReferencedImageSequence": references}
            ],
        }
        assert self.ask("create", instance=step, elements=begun).statuses == [0]
        assert self.ask("set", instance=step, elements=ended).statuses == [0]

    def ask(self, service: str, *, code: int = 0, **what: object) -> Asked:
        """Send one request over an association, which must end with a release unless `code` is 1."""
        place = self._place
        asked = {"service": service, "port": place.node_port, "calling": place.ae_title, "called": NODE}
        command = [self._place.program("node"), str(DCMJS / "client.mjs"), json.dumps(asked | self._tls | what)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        said = tuple(json.loads(line) for line in ended.stdout.splitlines())
        assert ended.returncode == code, f"{ended.stderr} {said}"
        return Asked(ended.returncode, said)


class Orthanc:
    """Orthanc, asked by its REST API."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._http = unused_port()

    def start(self) -> None:
        folder = self._place.folder
        settings = {
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "HttpPort": self._http,
            "DicomPort": self._place.port,
            "DicomAet": self._place.ae_title,
            "AuthenticationEnabled": False,
            "RemoteAccessAllowed": False,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "Plugins": [],
        }
        node = {"AET": NODE, "Host": "127.0.0.1", "Port": self._place.node_port}
        if (secure := self._place.secure) is not None:
            node["UseDicomTls"] = True
            settings |= {
                "DicomTlsEnabled": True,
                "DicomTlsCertificate": str(secure.certificate),
                "DicomTlsPrivateKey": str(secure.key),
                "DicomTlsTrustedCertificates": str(secure.ca),
            }
        settings["DicomModalities"] = {"node": node}
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
        self.rest("POST", f"queries/{query}/retrieve", {"TargetAet": self._place.ae_title, "Synchronous": True})

    def read(self, sop_instance_uid: str) -> Dataset | None:
        for found in self.rest("POST", "tools/lookup", sop_instance_uid.encode()):
            return dcmread(BytesIO(self._call("GET", f"instances/{found['ID']}/file", None)))
        return None

    def commit(self, images: Sequence[Dataset]) -> None:
        instances = [[image.SOPClassUID, image.SOPInstanceUID] for image in images]
        asked = self.rest("POST", "modalities/node/storage-commitment", {"DicomInstances": instances})
        until("the commitment", lambda: self.rest("GET", asked["Path"].strip("/"))["Status"] != "Pending")
        assert self.rest("GET", asked["Path"].strip("/"))["Status"] == "Success"

    def forget(self, study: str) -> None:
        """Delete a study here."""
        (found,) = self.rest("POST", "tools/find", {"Level": "Study", "Query": {"StudyInstanceUID": study}})
        self.rest("DELETE", f"studies/{found}")

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

"""A peer that speaks bytes, so that it can break every rule, and a server of storage and query for it to talk to."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from config.settings import Settings
from dicom.sop_classes import STUDY_ROOT_FIND, VERIFICATION
from scp.network import associate, command, negotiation, pdu
from scp.network.errors import Closed
from scp.network.negotiation import PresentationContext
from scp.reception.admission import Admission
from scp.reception.server import Server
from scp.services import verification
from scp.services.query import QueryScp
from scp.services.retrieve.service import RetrieveScp
from scp.services.storage import IMAGE_STORAGE, StorageScp
from scp.services.storage_rules import StorageRules
from storage.database.engine import Database
from storage.objects.files import Files

CT, ECHO, FIND = 1, 3, 5
EXPLICIT = "1.2.840.10008.1.2.1"


class BytesReader:
    """Bytes that are all there, given out in segments as a connection would; the end of them is the end of it."""

    def __init__(self, data: bytes, segments: Sequence[int] = ()) -> None:
        self._view = memoryview(data)
        self._segments = list(reversed(segments))
        self.begun = 0

    def read(self, count: int) -> memoryview:
        if len(self._view) < count:
            raise Closed("no more bytes")
        part, self._view = self._view[:count], self._view[count:]
        return part

    def read_some(self, count: int) -> memoryview:
        segment = self._segments.pop() if self._segments else count
        return self.read(max(1, min(count, segment, len(self._view))))

    @property
    def left(self) -> int:
        return len(self._view)

    def begin(self) -> None:
        self.begun += 1

    def end(self) -> None:
        self.begun = 0

    def pending(self) -> bool:
        return bool(self._view)


class BytePeer:
    """A socket and what can be said on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(20)

    def associate(self, maximum_length: int = 0) -> None:
        """Open the three contexts; the answer must be an acceptance of all."""
        self.send(association_request(maximum_length))
        kind, body = self.receive()
        assert kind == pdu.A_ASSOCIATE_AC
        answers = associate.read_acceptance(body).contexts
        assert [(answer.context_id, answer.result) for answer in answers] == [(CT, 0), (ECHO, 0), (FIND, 0)]

    def send(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def receive(self) -> tuple[int, bytes]:
        """Type and variable part of the next PDU; (0, b"") at the end of the connection."""
        try:
            header = self._exactly(6)
            kind, length = struct.unpack(">BxI", header)
            return kind, self._exactly(length)
        except (EOFError, ConnectionError):
            return 0, b""

    def response(self) -> command.Command:
        """The next response without data set, gathered from its fragments."""
        gathered = b""
        while True:
            kind, body = self.receive()
            assert kind == pdu.P_DATA_TF, f"PDU of type {kind}: {body!r}"
            while body:
                length, _, control = struct.unpack_from(">IBB", body)
                gathered += body[6 : 4 + length]
                body = body[4 + length :]
                assert control & 1
                if control & 2:
                    return command.decode(gathered)

    def ends(self) -> tuple[int | None, int | None]:
        """Source and reason of the A-ABORT that must come before the end of the connection; Nones without one."""
        found: tuple[int | None, int | None] = (None, None)
        while True:
            kind, body = self.receive()
            if kind == 0:
                return found
            if kind == pdu.A_ABORT:
                found = body[2], body[3]

    def close(self) -> None:
        self.socket.close()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data


@dataclass
class ByteSite:
    database: Database
    files: Files
    server: Server
    received: list[str]

    @contextmanager
    def peer(self, *, associated: bool = True, maximum_length: int = 0) -> Iterator[BytePeer]:
        peer = BytePeer(self.server.port)
        try:
            if associated:
                peer.associate(maximum_length)
            yield peer
        finally:
            peer.close()


def association_request(maximum_length: int = 0) -> bytes:
    proposals = [
        PresentationContext(IMAGE_STORAGE[0], (EXPLICIT,)),
        PresentationContext(VERIFICATION, (EXPLICIT,)),
        PresentationContext(STUDY_ROOT_FIND, (EXPLICIT,)),
    ]
    request, _ = negotiation.propose("SCANNER", "CORONODE", proposals, maximum_length)
    return request


@pytest.fixture(scope="session")
def request_bytes() -> Callable[..., bytes]:
    return association_request


@contextmanager
def serving(folder: Path, *, peers: dict | None = None, retrieves: bool = False, **node: object) -> Iterator[ByteSite]:
    options = {"acse_timeout": 2, "dimse_timeout": 2, "network_timeout": 4, "max_associations": 20} | node
    node_settings = {"port": 0, "accept_unknown_peers": True, "data_dir": folder} | options
    settings = Settings(node=node_settings, peers=peers or {})
    database = Database.open(f"sqlite:///{folder / 'index.sqlite'}")
    database.migrate()
    files = Files(folder / "objects")
    received: list[str] = []
    storage = StorageScp(
        database,
        files,
        clock=lambda: datetime.now(UTC),
        received=lambda series_instance_uid, _: received.append(series_instance_uid),
        rules=StorageRules.from_settings(settings.node.model_copy(update={"reserve_mb": 0})),
    )
    services = [verification.provide(), storage.provide(), QueryScp(database, files, settings.node.ae_title).provide()]
    if retrieves:
        services.append(RetrieveScp(database, files, settings.node, settings.peers).provide())
    server = Server(settings.node, Admission.from_settings(settings), services, find_shortage=storage.find_shortage)
    server.start()
    try:
        yield ByteSite(database, files, server, received)
    finally:
        server.stop()
        database.close()


@pytest.fixture(scope="session")
def serve() -> Callable[..., object]:
    """`with serve(folder, key=value) as site:` a server with settings of the section [node]."""
    return serving


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByteSite]:
    with serving(tmp_path_factory.mktemp("bytes")) as running:
        yield running


def encoded_image(uid: str, filler: int = 3000) -> bytes:
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = IMAGE_STORAGE[0], uid
    image.Modality = "CT"
    image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    image.Rows = image.Columns = 1
    image.add_new(0x7FE00010, "OW", bytes(filler))
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, image)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def image_of() -> Callable[..., bytes]:
    return encoded_image

"""Requestors and destinations of retrievals, by pynetdicom."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from pynetdicom import AE, build_role, evt
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from scp.reception.incoming import StoreRequest

DESTINATION = "DEST"


def unused_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def destination_port() -> int:
    return unused_port()


@pytest.fixture
def peers(destination_port: int) -> dict[str, dict[str, object]]:
    return {
        "ARCHIVE": {"ae_title": DESTINATION, "host": "127.0.0.1", "port": destination_port},
        "CALLER": {"ae_title": "CALLER", "host": "127.0.0.1"},
    }


@dataclass
class Taken:
    """What a peer got: the bytes of each data set by SOP Instance UID, and the requests."""

    data: dict[str, bytes] = field(default_factory=dict)
    syntaxes: dict[str, str] = field(default_factory=dict)
    requests: list[object] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    on_store: Callable[[evt.Event], None] = lambda _event: None

    def take(self, event: evt.Event) -> int:
        self.requests.append(event.request)
        self.on_store(event)
        status = self.answers.pop(0) if self.answers else 0
        if status == 0:
            uid = event.request.AffectedSOPInstanceUID
            self.data[uid] = event.request.DataSet.getvalue()
            self.syntaxes[uid] = event.context.transfer_syntax
        return status


@dataclass
class Archive(Taken):
    """A move destination; `contexts` are the classes and syntaxes that it takes."""

    port: int = 0
    contexts: list[tuple[str, list[str]]] = field(default_factory=lambda: [(CTImageStorage, [ExplicitVRLittleEndian])])
    associations: int = 0
    most: int = 0
    _open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        ae = AE(DESTINATION)
        for sop_class, syntaxes in self.contexts:
            ae.add_supported_context(sop_class, syntaxes)
        handlers = [
            (evt.EVT_C_STORE, self.take),
            (evt.EVT_ACCEPTED, lambda _: self._count(1)),
            (evt.EVT_RELEASED, lambda _: self._count(-1)),
            (evt.EVT_ABORTED, lambda _: self._count(-1)),
        ]
        self.server = ae.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)

    def _count(self, number: int) -> None:
        with self._lock:
            self._open += number
            self.associations += number > 0
            self.most = max(self.most, self._open)

    def stop(self) -> None:
        self.server.shutdown()


@pytest.fixture
def archive(destination_port: int) -> Iterator[Archive]:
    made = Archive(port=destination_port)
    yield made
    if hasattr(made, "server"):
        made.stop()


@dataclass
class Ended:
    """The responses to a retrieval."""

    pending: list[Dataset]
    final: Dataset
    identifier: Dataset | None

    @property
    def counts(self) -> tuple[int | None, int | None, int | None, int | None]:
        names = ("Remaining", "Completed", "Failed", "Warning")
        return tuple(self.final.get(f"NumberOf{name}Suboperations") for name in names)

    @property
    def failed(self) -> list[str]:
        value = (self.identifier or Dataset()).get("FailedSOPInstanceUIDList", [])
        return [value] if isinstance(value, str) else list(value)


def make_identifier(level: str, **keys: object) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


def collect(responses) -> Ended:
    pending, final = [], None
    for status, identifier in responses:
        final = (status, identifier)
        if status.Status == 0xFF00:
            assert identifier is None
            pending.append(status)
    return Ended(pending, *final)


@pytest.fixture
def move(site) -> Callable[..., Ended]:
    """`move(model, level, **keys)` asks the node to send objects to the destination."""

    def ask(model: str, level: str, to: str = DESTINATION, **keys: object) -> Ended:
        ae = AE("CALLER")
        ae.add_requested_context(model)
        association = ae.associate("127.0.0.1", site.port, ae_title="CORONODE")
        assert association.is_established
        ended = collect(association.send_c_move(make_identifier(level, **keys), to, model, msg_id=7))
        association.release()
        return ended

    return ask


@pytest.fixture
def get(site) -> Callable[..., Ended]:
    """`get(taken, model, level, **keys)` fetches objects on one association, in these contexts."""

    only_ct = ((CTImageStorage, ExplicitVRLittleEndian),)

    def ask(
        taken: Taken, model: str, level: str, *, contexts=only_ct, as_scp: bool = True, options=b"", **keys
    ) -> Ended:
        ae = AE("CALLER")
        ae.add_requested_context(model)
        for sop_class, syntax in contexts:
            ae.add_requested_context(sop_class, syntax)
        roles = [build_role(sop_class, scp_role=True) for sop_class in dict(contexts) if as_scp]
        if options:
            extended = SOPClassExtendedNegotiation()
            extended.sop_class_uid, extended.service_class_application_information = model, options
            roles.append(extended)
        association = ae.associate(
            "127.0.0.1",
            site.port,
            ae_title="CORONODE",
            ext_neg=roles,
            evt_handlers=[(evt.EVT_C_STORE, taken.take)],
        )
        assert association.is_established
        ended = collect(association.send_c_get(make_identifier(level, **keys), model))
        association.release()
        return ended

    return ask


def encode(image: Dataset) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, image.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"
    write_dataset(buffer, image)
    return bytes(buffer.getvalue())


@pytest.fixture
def encoded() -> Callable[[Dataset], bytes]:
    """The bytes of a data set in the transfer syntax that its file meta information names."""
    return encode


@pytest.fixture
def store(site) -> Callable[[Dataset], bytes]:
    """Store a data set without a network, and return its bytes."""

    def take(image: Dataset) -> bytes:
        data, syntax = encode(image), image.file_meta.TransferSyntaxUID
        reception = site.storage.begin(StoreRequest(str(image.SOPClassUID), str(image.SOPInstanceUID), syntax))
        reception.write(data)
        reception.finish()
        return data

    return take


@pytest.fixture
def filled(store, slice_of) -> dict[str, bytes]:
    """Two studies of two patients; the first has two series. The data sets by SOP Instance UID."""
    images = [
        *(slice_of(number) for number in (1, 2, 3)),
        slice_of(1, series=2, SeriesDescription="Lung"),
        slice_of(1, study=2),
    ]
    return {image.SOPInstanceUID: store(image) for image in images}


@pytest.fixture
def taken() -> Taken:
    """What a requestor of C-GET gets."""
    return Taken()


@pytest.fixture
def picture() -> Callable[[Dataset], Dataset]:
    """The same pixels as a Secondary Capture."""

    def capture(image: Dataset) -> Dataset:
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
        image.Modality = "OT"
        return image

    return capture

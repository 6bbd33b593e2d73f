"""A whole node in this process, a scanner and a PACS to talk to it, and one small patient that is scored quickly."""

from __future__ import annotations

import random
import shutil
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    CTImageStorage,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    generate_uid,
)
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.transport import AssociationSocket
from sqlalchemy.orm import Session

from config.errors import Transient
from config.settings import Settings
from scoring.phantom.phantom import make_phantom
from scoring.phantom.series import write_series
from scoring.phantom.spec import PhantomSpec
from scp.installation import Installation
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor
from scp.node import Node
from storage.database.engine import Database
from storage.database.opening import open_database
from storage.intake.instances import register
from storage.objects.files import Files
from storage.objects.header import InstanceHeader
from storage.outbox import deliveries
from storage.outbox.deliveries import Delivery
from storage.series import states
from storage.series.states import State, UnknownSeries

SMALL = PhantomSpec(
    matrix=128, slice_thickness_mm=5, slice_increment_mm=5, above_left_main_mm=45, below_left_main_mm=100
)


@pytest.fixture(scope="session", autouse=True)
def peers_close_their_sockets() -> Iterator[None]:
    """pynetdicom 3.0.4 leaves a socket open when the other side has closed it: it shuts it down before it closes it."""

    def close(self: AssociationSocket) -> None:
        if self.socket is not None:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AssociationSocket, "_shutdown_socket", close)
        yield


RESULTS = (
    State.SCORED,
    State.DELIVERED,
    State.UNDELIVERABLE,
    State.NOT_SCORABLE,
)


def wait_for(what: str, condition: Callable[[], object], *, seconds: float = 90) -> None:
    """Wait until the condition holds; the deadline is for machines that have other things to do."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """`eventually(what, condition)` waits with a generous deadline."""
    return wait_for


def unused_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Pacs:
    """A receiving PACS; `answers` says what each coming C-STORE gets, `verdicts` each coming association.

    `classes` are the SOP classes that it takes.
    An answer is a status, a status with an Error Comment, or "abort" (half-way through the data set); a verdict is
    "accept" or the result, source and diagnostic of an A-ASSOCIATE-RJ. When they have run out, all is well.
    """

    def __init__(self, port: int | None = None) -> None:
        self.port = port or unused_port()
        self.classes: list[str] = [ComprehensiveSRStorage]
        self.received: list[Dataset] = []
        self.asked: list[str] = []
        self.answers: deque[int | tuple[int, str] | str] = deque()
        self.verdicts: deque[str | tuple[int, int, int]] = deque()
        self._data_pdus: Counter[Association] = Counter()
        self._server = None

    def start(self) -> None:
        ae = AE("PACS")
        ae.maximum_pdu_size = 4096  # an SR takes several PDUs, so that one can be cut in the middle
        for sop_class in self.classes:
            ae.add_supported_context(sop_class, ExplicitVRLittleEndian)
        handlers = [
            (evt.EVT_REQUESTED, self._on_requested),
            (evt.EVT_PDU_RECV, self._on_pdu),
            (evt.EVT_C_STORE, self._on_store),
        ]
        self._server = ae.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)

    def stop(self) -> None:
        if self._server is not None:
            associations = self._server.active_associations
            self._server.shutdown()
            for association in associations:
                association.abort()
                association.join(20)
            self._server = None

    def _on_requested(self, event: evt.Event) -> None:
        self.asked.append(str(event.assoc.requestor.ae_title).strip())
        verdict = self.verdicts.popleft() if self.verdicts else "accept"
        if verdict != "accept":
            event.assoc.acse.send_reject(*verdict)
            event.assoc.kill()

    def _on_pdu(self, event: evt.Event) -> None:
        """Abort at the second PDU with data: the command has come, and part of the data set."""
        if type(event.pdu).__name__ == "P_DATA_TF":
            self._data_pdus[event.assoc] += 1
            if self._data_pdus[event.assoc] == 2 and self.answers and self.answers[0] == "abort":
                self.answers.popleft()
                event.assoc.abort(block=False)

    def _on_store(self, event: evt.Event) -> Dataset:
        answer = self.answers.popleft() if self.answers else 0
        status, comment = answer if isinstance(answer, tuple) else (answer, "")
        if status == 0:
            document = event.dataset
            document.file_meta = event.file_meta
            self.received.append(document)
        response = Dataset()
        response.Status = status
        if comment:
            response.ErrorComment = comment
        return response


@pytest.fixture
def new_pacs() -> Iterator[Callable[[], Pacs]]:
    """Make a PACS, not yet started; each is stopped in the end."""
    made: list[Pacs] = []

    def make() -> Pacs:
        made.append(Pacs())
        return made[-1]

    yield make
    for item in made:
        item.stop()


@pytest.fixture
def pacs(new_pacs: Callable[[], Pacs]) -> Pacs:
    """A PACS that listens."""
    made = new_pacs()
    made.start()
    return made


class MutePeer:
    """Takes connections and never says a word."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._take, name="mute", daemon=True)
        self._thread.start()

    @property
    def calls(self) -> int:
        return len(self._taken)

    def stop(self) -> None:
        """Hang up; twice is harmless."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(20)
        for item in (*self._taken, self._listener):
            item.close()

    def _take(self) -> None:
        while True:
            try:
                self._taken.append(self._listener.accept()[0])
            except OSError:
                return


@pytest.fixture
def mute() -> Iterator[MutePeer]:
    peer = MutePeer()
    yield peer
    peer.stop()


class StandingClock:
    """The wall clock of an installation; it stands until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


class UnsteadyDatabase(Database):
    """A database that refuses the next so many writing transactions, as one does whose disk is full."""

    refusals = 0

    def session(self) -> AbstractContextManager[Session]:
        if self.refusals:
            self.refusals -= 1
            raise Transient("the database did not take the change: disk full")
        return super().session()


@pytest.fixture(scope="session")
def empty_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "empty.sqlite"
    database = Database.open(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture
def install(empty_index: Path, tmp_path: Path, clock: StandingClock) -> Iterator[Callable[..., Installation]]:
    """`install({"PACS": {...}}, documents=("sr",), ...)`: an installation with these peers, all of them destinations.

    Nothing runs in it; further arguments are keys of `[results]`. Another call is the same installation with other
    settings.
    """
    file = tmp_path / "index.sqlite"
    shutil.copy(empty_index, file)
    database = UnsteadyDatabase.open(f"sqlite:///{file}", durable=False)
    files = Files(tmp_path / "objects", durable=False)

    def make(peers: dict[str, dict[str, object]] | None = None, **results: object) -> Installation:
        named = {
            name: {"ae_title": name, "host": "127.0.0.1", "port": 104} | changes
            for name, changes in (peers or {"PACS": {}}).items()
        }
        settings = Settings(peers=named, results={"destinations": tuple(named), "documents": ("sr",)} | results)
        return Installation(settings, database, files, clock)

    yield make
    database.close()


@pytest.fixture(scope="session")
def receive() -> Callable[..., str]:
    """`receive(installation, count, **attributes)` registers CT slices of one series and returns its UID."""

    def register_slices(installation: Installation, count: int = 1, first: int = 1, **attributes: object) -> str:
        series = str(attributes.get("SeriesInstanceUID", "1.2.1.1"))
        for number in range(first, first + count):
            dataset = Dataset()
            dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, f"{series}.{number}"
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = "1.2.1", series, "CT"
            for keyword, value in attributes.items():
                setattr(dataset, keyword, value)
            header = InstanceHeader.from_dataset(dataset, ExplicitVRLittleEndian)
            stored = installation.files.write(header.sop_instance_uid.encode(), header.file_name(f"{number:064}"))
            register(installation.database, installation.files, header, stored, now=installation.clock())
        return series

    return register_slices


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a quick, patient node: `configured({"PACS": port}, completion={...}, ...)`."""

    def configure(peers: dict[str, int], folder: Path | None = None, **sections: dict[str, object]) -> Settings:
        node = {"port": 0, "data_dir": folder or tmp_path / "data", "accept_unknown_peers": True, "reserve_mb": 0}
        results = {"destinations": tuple(peers), "documents": ("sr",)}
        results |= {"retry_first_seconds": 0.2, "retry_longest_seconds": 0.4}
        return Settings(
            node=node | {"acse_timeout": 20, "dimse_timeout": 20} | sections.pop("node", {}),
            peers={name: {"ae_title": name, "host": "127.0.0.1", "port": port} for name, port in peers.items()},
            results=results | sections.pop("results", {}),
            **({"completion": {"quiet_seconds": 1}} | sections),
        )

    return configure


@contextmanager
def running(settings: Settings) -> Iterator[Node]:
    node = Node(settings)
    try:
        node.start()
        yield node
    finally:
        node.stop()


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes in this process see at once that a delivery is due again."""
    monkeypatch.setattr("scp.durable.workflow.RECONCILE_SECONDS", 0.3)


@pytest.fixture(scope="session")
def run_node() -> Callable[[Settings], object]:
    """`with run_node(settings) as node:` a node from start to stop; one at a time."""
    return running


@pytest.fixture(scope="session")
def small_series(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, ...]:
    """29 slices of a phantom, from the head down."""
    return tuple(dcmread(path) for path in write_series(make_phantom(SMALL), tmp_path_factory.mktemp("phantom")))


@pytest.fixture
def patient(small_series: tuple[Dataset, ...]) -> Callable[[], list[Dataset]]:
    """The same slices as another patient, under UIDs of their own."""

    def copy() -> list[Dataset]:
        study, own = generate_uid(), generate_uid()
        images = []
        for slice_ in small_series:
            image = deepcopy(slice_)
            image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID = study, own, generate_uid()
            images.append(image)
        return images

    return copy


@pytest.fixture(scope="session")
def picture_of() -> Callable[..., Dataset]:
    """`picture_of(image, series_instance_uid, number=1)`: a screen save of the study, as Secondary Capture."""

    def save_screen(image: Dataset, series_instance_uid: str, number: int = 1) -> Dataset:
        picture = deepcopy(image)
        picture.SOPClassUID, picture.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
        picture.SeriesInstanceUID, picture.Modality = series_instance_uid, "OT"
        picture.SeriesNumber, picture.InstanceNumber = 900, 900 + number
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "FrameOfReferenceUID"):
            del picture[keyword]
        picture.file_meta.MediaStorageSOPClassUID = picture.SOPClassUID
        picture.file_meta.MediaStorageSOPInstanceUID = picture.SOPInstanceUID
        return picture

    return save_screen


class OpenAssociation:
    """An association of the scanner; by our own requestor, since pynetdicom loses an answer now and then when busy."""

    def __init__(self, requestor: Requestor) -> None:
        self._requestor = requestor
        self._contexts = {context.abstract_syntax: context for context in requestor.accepted_contexts}

    def store(self, image: Dataset) -> int:
        """Send one object and return the status."""
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, False
        write_dataset(buffer, image)
        answer = self._requestor.store(self._contexts[image.SOPClassUID], image.SOPInstanceUID, buffer.getvalue())
        assert answer.status is not None
        return answer.status


class Scanner:
    """Sends images to a node; every one must be taken."""

    def __init__(self, port: int, ae_title: str = "SCANNER") -> None:
        self._opening = Opening(ae_title, "CORONODE", "127.0.0.1", port, 60, 60, 60, 16384)
        self._classes = [CTImageStorage]

    def add(self, sop_class: str) -> None:
        """Send this kind of object too."""
        self._classes.append(sop_class)

    @contextmanager
    def associated(self) -> Iterator[OpenAssociation]:
        contexts = [PresentationContext(sop_class, (ExplicitVRLittleEndian,)) for sop_class in self._classes]
        requestor = Requestor(self._opening, contexts)
        try:
            yield OpenAssociation(requestor)
        finally:
            requestor.release()

    def send(self, images: Sequence[Dataset]) -> list[int]:
        """Send over one association and return the statuses."""
        with self.associated() as association:
            return [association.store(image) for image in images]

    def send_in_parallel(self, images: Sequence[Dataset], associations: int) -> list[int]:
        """Deal the images to several associations that are open at the same time."""
        statuses: list[int] = []

        def send(share: Sequence[Dataset]) -> None:
            statuses.extend(self.send(share))

        threads = [threading.Thread(target=send, args=(images[k::associations],)) for k in range(associations)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses


@pytest.fixture(scope="session")
def scanner_at() -> Callable[..., Scanner]:
    return Scanner


@pytest.fixture(scope="session")
def scanner_of() -> Callable[[Node], Scanner]:
    return lambda node: Scanner(node.server.port)


@pytest.fixture
def shuffled() -> Callable[[Sequence[Dataset]], list[Dataset]]:
    rng = random.Random(20)  # noqa: S311
    return lambda images: rng.sample(list(images), len(images))


def series_state(node: Node, series_instance_uid: str) -> State | None:
    """The state of a series, None before its first slice."""
    try:
        return states.get(node.database, series_instance_uid).state
    except UnknownSeries:
        return None


@pytest.fixture(scope="session")
def state_of() -> Callable[[Node, str], State | None]:
    return series_state


@pytest.fixture(scope="session")
def undelivered_site(
    tmp_path_factory: pytest.TempPathFactory, small_series: tuple[Dataset, ...]
) -> tuple[Path, Delivery]:
    """The folder of a stopped node that scored one series and could not deliver its SR to PACS."""
    folder = tmp_path_factory.mktemp("undelivered")
    settings = Settings(
        node={"port": 0, "data_dir": folder, "accept_unknown_peers": True, "reserve_mb": 0},
        peers={"PACS": {"ae_title": "PACS", "host": "127.0.0.1", "port": unused_port()}},
        completion={"quiet_seconds": 1},
        results={
            "destinations": ("PACS",),
            "documents": ("sr",),
            "retry_first_seconds": 0.1,
            "retry_longest_seconds": 1,
        },
    )
    with running(settings) as node:
        Scanner(node.server.port).send(small_series)
        wait_for("a result", lambda: states.list_series(node.database)[0].state in RESULTS)
        assert states.list_series(node.database)[0].reason == ""
        wait_for("the first attempt", lambda: any(d.last_error for d in deliveries.list_deliveries(node.database)))
    with closing(open_database(settings)) as database:  # only now nothing counts its attempts any further
        (delivery,) = deliveries.list_deliveries(database)
    return folder, delivery


@pytest.fixture
def undelivered(undelivered_site: tuple[Path, Delivery], tmp_path: Path) -> tuple[Path, Delivery]:
    """A copy of that folder, and the delivery that is owed."""
    folder, delivery = undelivered_site
    shutil.copytree(folder, tmp_path / "data")
    return tmp_path / "data", delivery

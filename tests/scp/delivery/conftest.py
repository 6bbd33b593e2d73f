"""A destination at the seam of delivery, and a result whose documents are owed to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ComprehensiveSRStorage, ExplicitVRLittleEndian

from config.errors import Transient
from config.settings import PeerSettings
from scp.delivery.courier import Courier
from scp.delivery.retry import Retry
from scp.installation import Installation
from scp.scu.storage import Sending
from storage.outbox import deliveries, outgoing
from storage.outbox.deliveries import Delivery, DeliveryState, Document
from storage.series import lifecycle, states
from storage.series.states import State


class FakePeer:
    """A destination without a network: `associate` stands where an association would be opened.

    `answers` says what each coming object gets: a status, an error of the sender's side, or "lost" for an association
    that ends half-way. When they have run out, everything is stored. `refusal` is raised instead of an association.
    """

    def __init__(self) -> None:
        self.sop_classes: set[str] = {ComprehensiveSRStorage}
        self.answers: deque[int | Exception | str] = deque()
        self.refusal: Exception | None = None
        self.called: list[str] = []
        self.proposed: list[list[str]] = []
        self.stored: list[str] = []
        self.is_established = False
        self.when_open: Callable[[], None] = lambda: None

    @contextmanager
    def associate(self, peer: PeerSettings, objects: Sequence[Sending]) -> Iterator[FakePeer]:
        self.called.append(peer.ae_title)
        self.proposed.append([item.sop_class_uid for item in objects])
        if self.refusal is not None:
            raise self.refusal
        self.is_established = True
        self.when_open()
        try:
            yield self
        finally:
            self.is_established = False

    def store(self, item: Sending) -> int:
        if not self.is_established:
            raise Transient("association ended before the object was sent")
        answer = self.answers.popleft() if self.answers else 0
        if answer == "lost":
            self.is_established = False
            raise Transient("association ended while sending")
        if isinstance(answer, Exception):
            raise answer
        self.stored.append(item.sop_instance_uid)
        return answer


class FakeReporting:
    """Makes substitutes; `makes` says which documents for which label."""

    def __init__(self) -> None:
        self.makes: dict[str, list[Document]] = {}
        self.asked: list[tuple[str, int, str]] = []

    def make_other(self, series_instance_uid: str, version: int, label: str) -> list[Document]:
        self.asked.append((series_instance_uid, version, label))
        return self.makes.get(label, [])


@dataclass
class Site:
    """One scored series, its outbox, a courier and the destination that it reaches."""

    installation: Installation
    peer: FakePeer
    reporting: FakeReporting
    courier: Courier
    series: str
    version: int

    def keep(self, number: int, sop_class: str = ComprehensiveSRStorage, kind: str = "sr") -> Document:
        """A stored document that can be sent."""
        dataset, uid = Dataset(), f"{self.series}.9.{number}"
        dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, uid
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        buffer = BytesIO()
        dataset.save_as(buffer, enforce_file_format=True)
        stored = self.installation.files.write(buffer.getvalue(), f"instances/{number}.dcm")
        return Document(self.series, self.version, uid, kind, stored.path)

    def owe(self, *documents: Document, to: str = "PACS") -> list[int]:
        return outgoing.add(self.installation.database, documents, (to,), self.installation.clock())

    def deliver(self, to: str = "PACS") -> None:
        self.courier.deliver(self.series, self.version, to)

    def item(self, delivery_id: int) -> Delivery:
        return deliveries.get(self.installation.database, delivery_id)

    def states(self, *ids: int) -> list[DeliveryState]:
        return [self.item(each).state for each in ids]

    @property
    def state(self) -> State:
        return states.get(self.installation.database, self.series).state


@pytest.fixture
def make_site(install, receive) -> Callable[..., Site]:
    """`make_site({"PACS": {...}}, ...)` with the arguments of `install`; the whole pause is waited, three tries."""

    def make(peers: dict[str, dict[str, object]] | None = None, **results: object) -> Site:
        installation = install(peers, **results)
        series = receive(installation, 3)
        now = installation.clock()
        version = lifecycle.complete(installation.database, series, now, expected=3)
        assert lifecycle.start_scoring(installation.database, series, version, now)
        lifecycle.finish(installation.database, series, version, "{}", "scored", now=now)
        peer, reporting = FakePeer(), FakeReporting()
        retry = Retry(first_seconds=10, longest_seconds=60, attempts=3, jitter=lambda: 1.0)
        courier = Courier(installation, reporting, associate=peer.associate, retry=retry)
        return Site(installation, peer, reporting, courier, series, version)

    return make


@pytest.fixture
def site(make_site) -> Site:
    return make_site()

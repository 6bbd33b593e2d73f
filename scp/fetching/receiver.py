"""Objects that an archive sends by C-GET, on their way into the node's own store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from pydicom.uid import (
    BasicTextSRStorage,
    EncapsulatedPDFStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    RawDataStorage,
    SecondaryCaptureImageStorage,
    XRayRadiationDoseSRStorage,
)

from dicom.sop_classes import IMAGE_STORAGE, REPORT_STORAGE, UNCOMPRESSED
from scp.fetching.limits import Throttle
from scp.network.message import Message
from scp.network.negotiation import AcceptedContext
from scp.network.requestor import Requestor
from scp.scu import retrieve
from scp.services.storage import StorageScp
from scp.services.storage_contexts import IMAGE_TRANSFER_SYNTAXES

_BESIDE_IMAGES: Final = (
    SecondaryCaptureImageStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    BasicTextSRStorage,
    XRayRadiationDoseSRStorage,
    EncapsulatedPDFStorage,
    RawDataStorage,
)
"""What some archives keep in a series of CT images."""
RECEIVED: Final = tuple(
    chain(
        *(retrieve.receiving(uid, IMAGE_TRANSFER_SYNTAXES) for uid in IMAGE_STORAGE),
        *(retrieve.receiving(uid, UNCOMPRESSED) for uid in (*REPORT_STORAGE, *_BESIDE_IMAGES)),
    )
)
"""The contexts on which objects come by C-GET."""


@dataclass(frozen=True, slots=True)
class _Source:
    """The archive as a sender of objects, no faster than the throttle allows."""

    association: Requestor
    calling_ae: str
    name: str
    throttle: Throttle

    @property
    def messages(self) -> _Source:
        """Where its data sets are read."""
        return self

    def data(self) -> Iterator[memoryview]:
        """Yield the last message's data set in pieces."""
        for piece in self.association.messages.data():
            self.throttle.spend("bytes", len(piece))
            yield piece

    def context(self, message: Message) -> AcceptedContext:
        """Return the presentation context of a message."""
        return self.association.context(message)

    def is_alive(self) -> bool:
        """Return whether the association has not ended."""
        return self.association.is_established


class Receiver:
    """Stores the objects of one archive as if it had sent them; `received` is told the bytes of each that came.

    The archive's AE title stands for the sender, so that it can be asked about the series later.
    """

    def __init__(self, storage: StorageScp, ae_title: str, throttle: Throttle, received: Callable[[], object]) -> None:
        self._storage = storage
        self._ae_title = ae_title
        self._throttle = throttle
        self._received = received

    def __call__(self, association: Requestor, message: Message) -> int:
        """Store one object and return the status to answer. Raises AssociationEnded, Released and Stopped."""
        self._throttle.spend("objects", 1)
        source = _Source(association, self._ae_title, f"{self._ae_title} (fetched) {id(association)}", self._throttle)
        answer = self._storage.receive(source, message)
        self._received()
        return answer.status

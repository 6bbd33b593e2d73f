"""Patients as a scanner has them, and the scanner that sends them until every image is acknowledged."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pynetdicom.dsutils import encode

from scoring.phantom.spec import PhantomSpec
from scp.network.errors import AssociationEnded
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor

SPEC: Final = PhantomSpec(
    matrix=128, slice_thickness_mm=5, slice_increment_mm=5, above_left_main_mm=45, below_left_main_mm=100
)
"""A small patient that is scored within a second or two."""
_SUCCESS: Final = 0
_SECONDS: Final = 10


@dataclass
class Patient:
    """A series as the scanner has it, and the instances that the node has acknowledged."""

    study_instance_uid: str
    series_instance_uid: str
    images: dict[str, Dataset]
    acknowledged: set[str] = field(default_factory=set)

    @classmethod
    def copy(cls, slices: Sequence[Dataset], number: int, rng: random.Random) -> Patient:
        """Copy the images under new UIDs and in a random order, in which the two ends of the scan come first.

        A part of such a series always has a gap, so that no part of it is scored as if it were all.
        """
        study, series, images = generate_uid(), generate_uid(), {}
        first, *inner, last = sorted(slices, key=lambda image: float(image.ImagePositionPatient[2]))
        for original in (first, last, *rng.sample(inner, len(inner))):
            image = deepcopy(original)
            image.PatientID = f"KILL-{number}"
            image.StudyInstanceUID, image.SeriesInstanceUID = study, series
            image.SOPInstanceUID = generate_uid()
            images[str(image.SOPInstanceUID)] = image
        return cls(study, series, images)

    @property
    def is_acknowledged(self) -> bool:
        """Whether every image has been acknowledged."""
        return len(self.acknowledged) == len(self.images)

    def payload(self, sop_instance_uid: str) -> bytes:
        """Return the encoded data set as transmitted."""
        encoded = encode(self.images[sop_instance_uid], is_implicit_vr=False, is_little_endian=True)
        return encoded or b""


class Scanner(threading.Thread):
    """Sends one patient until every image is acknowledged, over as many associations as it takes.

    `ports` names the receivers of the moment; each association is opened with one of them.
    """

    def __init__(
        self, patient: Patient, ports: Callable[[], Sequence[int]], rng: random.Random, *, pause: float = 0.05
    ) -> None:
        super().__init__(name="scanner", daemon=True)
        self._patient = patient
        self._ports = ports
        self._rng = rng
        self._pause = pause
        self.given_up = threading.Event()

    def run(self) -> None:
        """Send; like some scanners, at times start again from the first image after a broken association."""
        patient, again = self._patient, False
        while not patient.is_acknowledged and not self.given_up.is_set():
            self._send([uid for uid in patient.images if again or uid not in patient.acknowledged])
            again = self._rng.random() < 0.5  # noqa: PLR2004
            self.given_up.wait(self._pause)

    def _send(self, uids: Sequence[str]) -> None:
        with suppress(OSError, AssociationEnded, IndexError):  # the node was killed; all of them were
            port = self._rng.choice(self._ports())
            opening = Opening("SCANNER", "CORONODE", "127.0.0.1", port, _SECONDS, _SECONDS, _SECONDS, 131072)
            association = Requestor(opening, [PresentationContext(CTImageStorage, (ExplicitVRLittleEndian,))])
            for uid in uids:
                answer = association.store(association.accepted_contexts[0], uid, self._patient.payload(uid))
                if answer.status != _SUCCESS:
                    break
                self._patient.acknowledged.add(uid)
            association.release()

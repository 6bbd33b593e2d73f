"""Scanner traffic as bytes: association requests, C-STORE of synthetic objects (PS3.7 9.3.1, PS3.8 9.3)."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
from pydicom import Dataset
from pydicom.uid import (
    PYDICOM_IMPLEMENTATION_UID,
    ComprehensiveSRStorage,
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
)
from pynetdicom import build_context
from pynetdicom.dsutils import encode
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification

CONTEXT_ID: Final = 1
SIDE: Final = 512
FRAME_BYTES: Final = SIDE * SIDE * 2
LONGEST_PDU: Final = 131072
RELEASE_RQ: Final = struct.pack(">BxII", 5, 4, 0)
_COMMAND, _LAST = 1, 2
_COUNTER_DIGITS: Final = 8
_BLOCK_PDUS: Final = 16
_COMMENT: Final = 2000


def new_uid() -> str:
    """Return a UID that ends in a counter of zeros, which `numbered` sets."""
    return f"2.25.{secrets.randbelow(9 * 10**28) + 10**28}" + "0" * _COUNTER_DIGITS


def numbered(uid: str, number: int) -> str:
    """Return the UID with another counter."""
    return f"{uid[:-_COUNTER_DIGITS]}{number:0{_COUNTER_DIGITS}d}"


def associate_rq(sop_class: str, title: str = "CORONODE") -> bytes:
    """Encode an A-ASSOCIATE-RQ with one presentation context."""
    request = A_ASSOCIATE()
    request.application_context_name = "1.2.840.10008.3.1.1.1"
    request.calling_ae_title, request.called_ae_title = "BENCH", title
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = 16384
    implementation.implementation_class_uid = PYDICOM_IMPLEMENTATION_UID
    request.user_information = [length, implementation]
    context = build_context(sop_class, ExplicitVRLittleEndian)
    context.context_id = CONTEXT_ID
    request.presentation_context_definition_list = [context]
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(request)
    return bytes(pdu.encode())


def ct_slice() -> Dataset:
    """Return a CT image of 512 x 512 noisy 16-bit pixels, 527 kB encoded, in its own study."""
    image = _image(CTImageStorage)
    image.ImagePositionPatient = [0, 0, 0]
    image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    image.PixelSpacing, image.SliceThickness, image.KVP = [0.4, 0.4], 3, 120
    image.RescaleSlope, image.RescaleIntercept = 1, -1024
    image.InstanceNumber = 1
    image.ImageComments = "x" * _COMMENT  # a scanner's header is some kB long
    noise = np.random.default_rng(1).integers(0, 4096, SIDE * SIDE, dtype="<u2")
    image.add_new(0x7FE00010, "OW", noise.tobytes())
    return image


def enhanced_ct(frames: int) -> Dataset:
    """Return an Enhanced CT image without pixels."""
    image = _image(EnhancedCTImageStorage)
    image.NumberOfFrames = frames
    return image


def report(kilobytes: int) -> Dataset:
    """Return a Comprehensive SR with this many kB of text."""
    document = Dataset()
    document.SOPClassUID, document.SOPInstanceUID = ComprehensiveSRStorage, new_uid()
    document.StudyInstanceUID, document.SeriesInstanceUID = new_uid(), new_uid()
    document.PatientID, document.PatientName, document.Modality = "BENCH", "Bench", "SR"
    document.ValueType, document.ContinuityOfContent = "CONTAINER", "SEPARATE"
    document.CompletionFlag, document.VerificationFlag = "COMPLETE", "UNVERIFIED"
    document.ConceptNameCodeSequence = [_code("121060", "DCM", "History")]
    document.ContentSequence = [_text("x" * 1000) for _ in range(kilobytes)]
    return document


class Slices:
    """C-STORE requests for one object after another, which differ only in the SOP Instance UID.

    The message is built once and the counter in its UIDs is changed in place, so that sending costs almost nothing.
    """

    def __init__(self, image: Dataset, maximum_length: int) -> None:
        uid = str(image.SOPInstanceUID)
        data = encode(image, is_implicit_vr=False, is_little_endian=True) or b""
        room = fragment_bytes(maximum_length)
        pieces = [data[start : start + room] for start in range(0, len(data), room)]
        pdus = [data_pdu(piece, 0) for piece in pieces[:-1]] + [data_pdu(pieces[-1], _LAST)]
        self._message = bytearray(data_pdu(_store_rq(image), _COMMAND | _LAST) + b"".join(pdus))
        self._uid, self._places = uid, list(_find_all(self._message, uid.encode()))
        self.object_bytes = len(data)

    def message(self, number: int) -> bytearray:
        """Return all PDUs of the request; valid until the next call."""
        uid = numbered(self._uid, number).encode()
        for place in self._places:
            self._message[place : place + len(uid)] = uid
        return self._message


def enhanced_message(frames: int, maximum_length: int) -> Iterator[bytes]:
    """Yield the PDUs of a C-STORE request for an Enhanced CT image of zero pixels, a few at a time."""
    image, room = enhanced_ct(frames), fragment_bytes(maximum_length)
    head = encode(image, is_implicit_vr=False, is_little_endian=True) or b""
    left = frames * FRAME_BYTES
    yield data_pdu(_store_rq(image), _COMMAND | _LAST)
    yield data_pdu(head + struct.pack("<HH2sxxI", 0x7FE0, 0x0010, b"OW", left), 0)
    block = data_pdu(bytes(room), 0) * _BLOCK_PDUS
    while left > room * _BLOCK_PDUS:
        yield block
        left -= room * _BLOCK_PDUS
    while left > room:
        yield block[: len(block) // _BLOCK_PDUS]
        left -= room
    yield data_pdu(bytes(left), _LAST)


def fragment_bytes(maximum_length: int) -> int:
    """Return how many bytes of a message fit in a PDU of the peer's maximum length (0: no maximum)."""
    return min(maximum_length or LONGEST_PDU, LONGEST_PDU) - 6


def data_pdu(fragment: bytes, control: int) -> bytes:
    """Encode a P-DATA-TF with one presentation data value."""
    size = len(fragment)
    return struct.pack(">BxIIBB", 4, size + 6, size + 2, CONTEXT_ID, control) + fragment


def _image(sop_class: str) -> Dataset:
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = sop_class, new_uid()
    image.StudyInstanceUID, image.SeriesInstanceUID = new_uid(), new_uid()
    image.PatientID, image.PatientName, image.Modality = "BENCH", "Bench", "CT"
    image.StudyDate, image.StudyTime, image.AccessionNumber = "20240101", "120000", "1"
    image.StudyID, image.SeriesNumber = "1", 1
    image.Rows = image.Columns = SIDE
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    return image


def _text(words: str) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType, item.TextValue = "CONTAINS", "TEXT", words
    item.ConceptNameCodeSequence = [_code("121071", "DCM", "Finding")]
    return item


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _store_rq(image: Dataset) -> bytes:
    command = Dataset()
    command.CommandGroupLength = 0
    command.AffectedSOPClassUID = image.SOPClassUID
    command.CommandField = 0x0001
    command.MessageID = 1
    command.Priority = 0
    command.CommandDataSetType = 0x0001
    command.AffectedSOPInstanceUID = image.SOPInstanceUID
    group_length = 12
    encoded = encode(command, is_implicit_vr=True, is_little_endian=True) or b""
    command.CommandGroupLength = len(encoded) - group_length
    return encode(command, is_implicit_vr=True, is_little_endian=True) or b""


def _find_all(message: bytearray, uid: bytes) -> Iterator[int]:
    place = message.find(uid)
    while place >= 0:
        yield place
        place = message.find(uid, place + 1)

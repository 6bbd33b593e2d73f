"""Storage Commitment requests and results as data sets (PS3.4 J.3, PS3.3 C.14)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from io import BytesIO
from typing import Final

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence

from config.errors import Rejected
from dicom import elements, status
from dicom.encoding import encode_element
from dicom.stored import DAMAGE
from dicom.uids import is_keepable_uid

LONGEST: Final = 8 * 1024 * 1024
"""Bytes of a request or result: more than 50,000 references."""

_TRANSACTION_UID: Final = 0x00081195
_FAILURE_REASON: Final = 0x00081197
_FAILED: Final = 0x00081198
_REFERENCED: Final = 0x00081199
_SOP_CLASS: Final = 0x00081150
_SOP_INSTANCE: Final = 0x00081155
_ITEM: Final = struct.pack("<HH", 0xFFFE, 0xE000)


class FailureReason(IntEnum):
    """Why an object is not committed: Failure Reason (0008,1197), PS3.3 C.14.1.1."""

    PROCESSING_FAILURE = status.PROCESSING_FAILURE
    NO_SUCH_INSTANCE = status.NO_SUCH_SOP_INSTANCE
    CLASS_CONFLICT = status.CLASS_INSTANCE_CONFLICT
    CLASS_NOT_SUPPORTED = status.SOP_CLASS_NOT_SUPPORTED
    DUPLICATE_TRANSACTION = status.DUPLICATE_TRANSACTION_UID
    RESOURCE_LIMITATION = status.RESOURCE_LIMITATION


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that is referred to."""

    sop_class_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class CommitmentRequest:
    """The Action Information of an N-ACTION of type 1 (PS3.4 table J.3-1)."""

    transaction_uid: str
    references: tuple[Reference, ...]

    def encode(self, *, implicit: bool) -> bytes:
        """Encode it in Implicit or Explicit VR Little Endian."""
        return encode_element(_TRANSACTION_UID, "UI", self.transaction_uid, implicit=implicit) + _encode_sequence(
            _REFERENCED, ((reference, None) for reference in self.references), implicit=implicit
        )


@dataclass(frozen=True, slots=True)
class CommitmentResult:
    """The Event Information of an N-EVENT-REPORT of type 1 or 2 (PS3.4 table J.3-2): failures with their reasons."""

    transaction_uid: str
    committed: tuple[Reference, ...]
    failed: tuple[tuple[Reference, int], ...]

    def encode(self, *, implicit: bool) -> bytes:
        """Encode it in Implicit or Explicit VR Little Endian; an empty sequence is left out."""
        parts = [encode_element(_TRANSACTION_UID, "UI", self.transaction_uid, implicit=implicit)]
        if self.failed:
            parts.append(_encode_sequence(_FAILED, self.failed, implicit=implicit))
        if self.committed:
            committed = ((reference, None) for reference in self.committed)
            parts.append(_encode_sequence(_REFERENCED, committed, implicit=implicit))
        return b"".join(parts)


def decode_request(data: bytes | bytearray, *, implicit: bool) -> CommitmentRequest:
    """Decode the Action Information of a request; an object that is named twice counts once.

    Raises Rejected with a status of PS3.7 10.1.4.1.10: 0x0212 when it cannot be read, 0x0114 when an attribute is
    missing, 0x0115 when one has a value that cannot be used.
    """
    dataset = _decode(data, implicit=implicit)
    transaction_uid = _read_uid(dataset, "TransactionUID", "Transaction UID")
    references = tuple(dict.fromkeys(reference for reference, _ in _read_sequence(dataset, "ReferencedSOPSequence")))
    if not references:
        raise Rejected(status.NO_SUCH_ARGUMENT, "Referenced SOP Sequence is missing or empty")
    return CommitmentRequest(transaction_uid, references)


def decode_result(data: bytes | bytearray, *, implicit: bool) -> CommitmentResult:
    """Decode the Event Information of a report, whatever its type says; raises as `decode_request` does."""
    dataset = _decode(data, implicit=implicit)
    transaction_uid = _read_uid(dataset, "TransactionUID", "Transaction UID")
    committed = tuple(reference for reference, _ in _read_sequence(dataset, "ReferencedSOPSequence"))
    failed = tuple(_read_sequence(dataset, "FailedSOPSequence"))
    if not committed and not failed:
        raise Rejected(status.NO_SUCH_ARGUMENT, "neither Referenced nor Failed SOP Sequence")
    return CommitmentResult(transaction_uid, committed, failed)


def _decode(data: bytes | bytearray, *, implicit: bool) -> Dataset:
    try:
        return read_dataset(BytesIO(data), is_implicit_VR=implicit, is_little_endian=True)
    except DAMAGE as error:
        words = "the data set cannot be read in the negotiated transfer syntax"
        raise Rejected(status.MISTYPED_ARGUMENT, words) from error


def _read_uid(dataset: Dataset, keyword: str, name: str) -> str:
    values = elements.texts(dataset, keyword)
    if not values:
        raise Rejected(status.NO_SUCH_ARGUMENT, f"{name} is missing or empty")
    if len(values) > 1 or not is_keepable_uid(values[0]):
        raise Rejected(status.INVALID_ARGUMENT_VALUE, f"{name} is not a UID")
    return values[0]


def _read_sequence(dataset: Dataset, keyword: str) -> Iterable[tuple[Reference, int]]:
    """Read the references of a sequence, each with its Failure Reason (0 where there is none)."""
    items = elements.value(dataset, keyword)
    for item in items if isinstance(items, Sequence) else ():
        sop_class_uid = _read_uid(item, "ReferencedSOPClassUID", "Referenced SOP Class UID")
        sop_instance_uid = _read_uid(item, "ReferencedSOPInstanceUID", "Referenced SOP Instance UID")
        reason = elements.number(item, "FailureReason")
        yield Reference(sop_class_uid, sop_instance_uid), 0 if reason is None else int(reason)


def _encode_sequence(tag: int, items: Iterable[tuple[Reference, int | None]], *, implicit: bool) -> bytes:
    content = b"".join(_encode_item(reference, reason, implicit=implicit) for reference, reason in items)
    group, element = tag >> 16, tag & 0xFFFF
    if implicit:
        return struct.pack("<HHL", group, element, len(content)) + content
    return struct.pack("<HH2sxxL", group, element, b"SQ", len(content)) + content


def _encode_item(reference: Reference, reason: int | None, *, implicit: bool) -> bytes:
    content = encode_element(_SOP_CLASS, "UI", reference.sop_class_uid, implicit=implicit)
    content += encode_element(_SOP_INSTANCE, "UI", reference.sop_instance_uid, implicit=implicit)
    if reason is not None:
        content += encode_element(_FAILURE_REASON, "US", reason, implicit=implicit)
    return _ITEM + struct.pack("<L", len(content)) + content

"""A query of a peer as an event of the audit log (PS3.15 A.5.3.10), with its identifier as it was encoded.

What a query asks for may be a patient's name or number. Unless audit messages name patients, only those values are kept
that name nobody; every other element is left without its value, which for a query means that it was asked for.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import Final

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from dicom.text import read_text
from scp.outside_text import escape
from scp.peer_events import PeerEvent
from scp.reception.addresses import shorten_address
from storage.auditing import statements
from storage.auditing.statements import Queried

LONGEST: Final = 8192
"""Bytes of an identifier that is kept, of some hundred UIDs; a longer one is named, and not repeated."""

_LEVEL: Final = 0x00080052
_LONGEST_LEVEL: Final = 16
_UID: Final = frozenset(b"0123456789.\\*? \0")
_KEPT: Final = frozenset(
    tag_for_keyword(keyword)
    for keyword in (
        "SpecificCharacterSet",
        "QueryRetrieveLevel",
        "InstanceAvailability",
        "RetrieveAETitle",
        "Modality",
        "ModalitiesInStudy",
        "StudyDate",
        "StudyTime",
        "SeriesDate",
        "SeriesTime",
        "AcquisitionDate",
        "AcquisitionTime",
        "ContentDate",
        "ContentTime",
        "TimezoneOffsetFromUTC",
        "SeriesNumber",
        "InstanceNumber",
    )
)
"""Elements that name no patient, besides UIDs."""


def make_query(
    sop_class_uid: str,
    transfer_syntax_uid: str,
    identifier: bytes,
    *,
    host: str,
    calling_ae: str,
    failed: bool,
    patient_ids: bool,
) -> PeerEvent:
    """Make the event of a query; the work is done when its text is made. The same query again is a repeat."""
    queried = Queried(sop_class_uid, transfer_syntax_uid, shorten_address(host), failed=failed)
    digest = hashlib.sha256(identifier).digest()
    kept = identifier if len(identifier) <= LONGEST else b""
    return PeerEvent(
        statements.QUERIED,
        partial(_make_text, queried, kept, patient_ids),
        peer_ae=escape(calling_ae.strip()),
        same=(calling_ae, queried, digest),
    )


def _make_text(queried: Queried, identifier: bytes, patient_ids: bool, count: int) -> str:
    level, kept = _read(identifier, queried.transfer_syntax_uid)
    encoded = base64.b64encode(identifier if patient_ids else kept).decode("ascii")
    return statements.write(replace(queried, query=encoded, level=level, count=count))


def _read(identifier: bytes, transfer_syntax_uid: str) -> tuple[str, bytes]:
    """Return the level of an identifier, and what of it names no patient; "" and nothing where it cannot be read."""
    implicit = UID(transfer_syntax_uid).is_implicit_VR
    try:
        dataset = read_dataset(BytesIO(identifier), is_implicit_VR=implicit, is_little_endian=True)
        level = escape(read_text(dataset, _LEVEL, "CS")[:_LONGEST_LEVEL])
        return level, strip(dataset, implicit=implicit)
    except Exception:  # noqa: BLE001  # whatever the parser raises: the peer was told that it cannot be read
        return "", b""


def strip(identifier: Dataset, *, implicit: bool) -> bytes:
    """Encode an identifier without the values that might name a patient."""
    return b"".join(
        _encode(tag, identifier.get_item(tag), implicit=implicit) for tag in sorted(identifier.keys()) if tag.element
    )


def _encode(tag: int, element: DataElement | RawDataElement, *, implicit: bool) -> bytes:
    vr = (element.VR or _find_vr(tag)).split(" or ")[0]
    value = element.value if isinstance(element, RawDataElement) else None
    if value is None or not (tag in _KEPT or (vr == "UI" and _UID.issuperset(value))):
        value = b""
    if implicit:
        return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, len(value)) + value
    form = "<HH2sxxL" if vr in EXPLICIT_VR_LENGTH_32 else "<HH2sH"
    return struct.pack(form, tag >> 16, tag & 0xFFFF, vr.encode("ascii"), len(value)) + value


def _find_vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"

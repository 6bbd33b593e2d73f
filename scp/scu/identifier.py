"""Encoding of query identifiers and decoding of matches (PS3.4 C.4.1.1.3)."""

from __future__ import annotations

from io import BytesIO

import structlog
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.uid import UID

from dicom.text import read_text
from scp.network.negotiation import AcceptedContext

log = structlog.get_logger(__name__)


def make_identifier(level: str, keys: dict[str, str]) -> Dataset:
    """Make an identifier of a level with these keys; it declares ISO_IR 192 for non-ASCII values (PS3.4 C.4.1.1.3)."""
    identifier = Dataset()
    if not all(value.isascii() for value in keys.values()):
        identifier.SpecificCharacterSet = "ISO_IR 192"
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


def encode(identifier: Dataset, context: AcceptedContext) -> bytes:
    """Encode the identifier in the context's transfer syntax."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, UID(context.transfer_syntax).is_implicit_VR
    write_dataset(buffer, identifier)
    return bytes(buffer.getvalue())


def decode_match(data: bytes, context: AcceptedContext) -> Dataset | None:
    """Decode a match; None if the peer sent none, or an unreadable one."""
    try:
        implicit = UID(context.transfer_syntax).is_implicit_VR
        return read_dataset(BytesIO(data), is_implicit_VR=implicit, is_little_endian=True) if data else None
    except Exception:  # noqa: BLE001  # whatever the bytes make the parser raise
        log.warning("a match of the peer is not used", reason="it cannot be read in the negotiated transfer syntax")
        return None


def get_text(dataset: Dataset, keyword: str) -> str:
    """Return the value of an element as text; several values are joined by a backslash, none is ""."""
    tag = tag_for_keyword(keyword)
    return "" if tag is None else read_text(dataset, tag, dictionary_VR(tag))

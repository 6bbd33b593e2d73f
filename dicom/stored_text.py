"""The value of an element as text, whatever representation it is stored in."""

from __future__ import annotations

from typing import Final

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items

from dicom.binary import BINARY_VRS, BYTES_VRS, decode_numbers
from dicom.character_sets import Codecs, decode_value

_OPAQUE: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "AT"})


def read_stored_text(stored: DataElement | RawDataElement, vr: str, codecs: Codecs) -> str | None:
    """Read the values of an element that should have the representation `vr`, joined by backslashes and padded.

    Numbers stored as text and text stored as numbers, as other text or as unknown are read. None where the stored
    representation holds neither.
    """
    value = stored.value
    if value is None or value == b"":
        return ""
    if not isinstance(value, bytes):
        if isinstance(value, Items):
            return None
        return "\\".join(map(str, value)) if isinstance(value, MultiValue | list | tuple) else str(value)
    kept = vr if stored.VR is None or stored.VR in BYTES_VRS else stored.VR
    if kept in BINARY_VRS:
        text = decode_numbers(value, kept, little=bool(getattr(stored, "is_little_endian", True)))
        return text or None
    return None if kept in _OPAQUE else decode_value(value, vr, codecs)

"""The value of an element as text, whatever representation it is stored in."""

from __future__ import annotations

from typing import Final

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items
from pydicom.values import convert_value

from dicom.character_sets import Codecs, decode_value

_BINARY: Final = frozenset({"US", "SS", "UL", "SL", "SV", "UV", "FL", "FD"})
_OPAQUE: Final = frozenset({"OD", "OF", "OL", "OV", "OW", "SQ", "AT"})


def read_stored_text(stored: DataElement | RawDataElement, vr: str, codecs: Codecs) -> str | None:
    """Read the values of an element that should have the representation `vr`, joined by backslashes and padded.

    Numbers stored as text and text stored as numbers, as other text or as unknown are read. None where the stored
    representation holds neither. Raises one of `DAMAGE` for binary numbers of a wrong length.
    """
    value = stored.value
    if value is None or value == b"":
        return ""
    if not isinstance(stored, RawDataElement) or not isinstance(value, bytes):
        return None if isinstance(value, Items) else _join(value)
    kept = vr if stored.VR in {None, "UN", "OB"} else stored.VR
    if kept in _BINARY:
        return _join(convert_value(kept, stored))
    return None if kept in _OPAQUE else decode_value(value, vr, codecs)


def _join(value: object) -> str:
    return "\\".join(map(str, value)) if isinstance(value, MultiValue | list | tuple) else str(value)

"""The DICOM JSON Model (PS3.18 annex F): data sets as the JSON of the web services.

Values are read from the stored bytes, however invalid: a value that JSON or the model cannot express is null, and an
element that cannot be read at all is left out.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items

from dicom.binary import BINARY_VRS, unpack_numbers
from dicom.character_sets import (
    CHARACTER_SET,
    DEFAULT_REPERTOIRE,
    SINGLE_VALUE_VRS,
    STRING_VRS,
    Codecs,
    decode_value,
    find_declared_codecs,
)
from dicom.decimals import parse_decimal
from dicom.elements import number
from dicom.legible import clean_text
from dicom.stored import DAMAGE, stored_element

MEDIA_TYPE: Final = "application/dicom+json"

Path = tuple[str, ...]
"""Tags and item numbers that lead to an element: ("7FE00010",), ("00082112", "0", "00081155")."""
Locate = Callable[[Path, int], str]
"""Gives the address of a binary value of so many bytes; "" where it stands in the JSON itself."""
Element = dict[str, Any]

_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_WORD_BYTES: Final = {"OD": 8, "OF": 4, "OL": 4, "OV": 8, "OW": 2}
BULK_VRS: Final = frozenset({*_WORD_BYTES, "OB", "UN"})
"""Representations whose values may stand elsewhere (PS3.18 F.2.2)."""
UTF_8: Final = "ISO_IR 192"
_LAST_META: Final = 0x0002FFFF
_DEEPEST: Final = 32
_EXACT: Final = 2**53


def encode(dataset: Dataset, locate: Locate | None = None) -> dict[str, Element]:
    """Return the elements of a data set by their tags, in tag order.

    `locate` says where binary values are found; without it all of them are written into the JSON. Group lengths and
    file meta information are left out (PS3.18 F.2.1.1).
    """
    return _encode(dataset, locate or (lambda _path, _length: ""), DEFAULT_REPERTOIRE, ())


def write(dataset: Mapping[str, Element]) -> bytes:
    """Write a data set as JSON in UTF-8."""
    return json.dumps(dataset, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def make_element(vr: str, *values: Any) -> Element:
    """Make an element from values that are of the model already; without values it is empty."""
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def is_ascii(element: Element) -> bool:
    """Return whether no value of an element has a character beyond ASCII, which needs a character set to be told."""
    return json.dumps(element, ensure_ascii=False).isascii()


def make_text_element(vr: str, values: Sequence[str]) -> Element:
    """Make an element from the values as text, as an index keeps them (PS3.18 F.2.3)."""
    converted = [_convert_text(value, vr) for value in values]
    return {"vr": vr} if not any(value is not None for value in converted) else {"vr": vr, "Value": converted}


def find_vr(stored_vr: str | None, tag: int, *, signed: bool) -> str:
    """Return the representation that is stored; where it is not, that of the dictionary (PS3.5 annex A.1)."""
    if stored_vr not in (None, "UN") or not dictionary_has_tag(tag):
        return stored_vr or "UN"
    choices = dictionary_VR(tag).split(" or ")
    if "OW" in choices:
        return "OW"
    return "SS" if signed and "SS" in choices else choices[0]


def _encode(
    dataset: Dataset, locate: Locate, inherited: Codecs, path: Path, *, signed: bool = False
) -> dict[str, Element]:
    codecs = find_declared_codecs(dataset, inherited)
    signed = signed or number(dataset, "PixelRepresentation") == 1
    found: dict[str, Element] = {}
    for tag in sorted(dataset.keys()):
        if tag.element == 0 or tag <= _LAST_META:
            continue
        name = f"{tag:08X}"
        try:
            element = _encode_element(dataset, int(tag), _Context(locate, codecs, signed, (*path, name)))
        except DAMAGE:
            continue
        if element is not None:
            found[name] = element
    return found


@dataclass(frozen=True, slots=True)
class _Context:
    """What the elements around an element say about it; `signed`: Pixel Representation (0028,0103)."""

    locate: Locate
    codecs: Codecs
    signed: bool
    path: Path


def _encode_element(dataset: Dataset, tag: int, context: _Context) -> Element | None:
    stored = stored_element(dataset, tag)
    if stored is None:
        return None
    if tag == CHARACTER_SET:
        return make_element("CS", UTF_8) if stored.value else {"vr": "CS"}
    vr, value = find_vr(stored.VR, tag, signed=context.signed), stored.value
    if vr == "SQ" or isinstance(value, Items):
        return _encode_sequence(dataset, tag, context)
    if isinstance(stored, DataElement) or not isinstance(value, bytes):
        return _encode_converted(value, vr, context)
    return _encode_raw(stored, vr, context)


def _encode_raw(stored: RawDataElement, vr: str, context: _Context) -> Element:
    """Encode the bytes of a value."""
    value = stored.value or b""
    if vr in STRING_VRS:
        return make_text_element(vr, _split(decode_value(value, vr, context.codecs), vr))
    little = stored.is_little_endian
    if vr in BINARY_VRS:
        return _make_numbers(vr, unpack_numbers(value, vr, little=little))
    if vr == "AT":
        return _make_tags(value, little=little)
    return _encode_bytes(value if little else _swap(value, vr), vr, context)


def _encode_sequence(dataset: Dataset, tag: int, context: _Context) -> Element:
    items = dataset[tag].value
    if not isinstance(items, Items) or len(context.path) > 2 * _DEEPEST:
        return {"vr": "SQ"}
    encoded = [
        _encode(item, context.locate, context.codecs, (*context.path, str(place)), signed=context.signed)
        for place, item in enumerate(items)
    ]
    return make_element("SQ", *encoded)


def _encode_converted(value: Any, vr: str, context: _Context) -> Element | None:
    """Encode a value that has been converted: one that was set here, or that pydicom has read."""
    if isinstance(value, bytes | bytearray):
        return _encode_bytes(bytes(value), vr, context)
    values = [] if value is None else list(value) if isinstance(value, MultiValue | list | tuple) else [value]
    if vr in BINARY_VRS:
        return _make_numbers(vr, [item for item in values if isinstance(item, int | float)])
    if vr == "AT":
        return make_element(vr, *(f"{int(item):08X}" for item in values))
    return make_text_element(vr, [part for item in values for part in _split(str(item), vr)])


def _encode_bytes(value: bytes, vr: str, context: _Context) -> Element:
    if not value:
        return {"vr": vr}
    address = context.locate(context.path, len(value)) if vr in BULK_VRS else ""
    if address:
        return {"vr": vr, "BulkDataURI": address}
    return {"vr": vr, "InlineBinary": base64.b64encode(value).decode()}


def _split(text: str, vr: str) -> list[str]:
    whole = text.rstrip(" \0")
    if not whole:
        return []
    return [whole] if vr in SINGLE_VALUE_VRS else whole.split("\\")


def _convert_text(value: str, vr: str) -> Any:
    """Return one value as the model has it; None for one that is empty or no number where one belongs."""
    if vr == "PN":
        groups = [clean_text(group, vr).strip() for group in value.split("=")]
        named = {name: group for name, group in zip(_GROUPS, groups, strict=False) if group}
        return named or None
    if vr == "DS":
        return _shorten(parse_decimal(value))
    if vr == "IS" or vr in BINARY_VRS:
        whole = parse_decimal(value)
        return None if whole is None or not whole.is_integer() else int(whole)
    return clean_text(value, vr).encode("utf-8", "replace").decode() or None


def _shorten(decimal: float | None) -> int | float | None:
    return int(decimal) if decimal is not None and decimal.is_integer() and abs(decimal) < _EXACT else decimal


def _make_numbers(vr: str, numbers: Sequence[int | float]) -> Element:
    return make_element(vr, *(item if math.isfinite(item) else None for item in numbers))


def _make_tags(value: bytes, *, little: bool) -> Element:
    if len(value) % 4:
        return {"vr": "AT"}
    pairs: Iterator[tuple[int, int]] = struct.iter_unpack("<HH" if little else ">HH", value)
    return make_element("AT", *(f"{group:04X}{element:04X}" for group, element in pairs))


def _swap(value: bytes, vr: str) -> bytes:
    """Return big-endian words as little-endian ones: bulk data are little endian (PS3.18 8.7.3.3.2)."""
    width = _WORD_BYTES.get(vr, 1)
    if width == 1 or len(value) % width:
        return value
    swapped = bytearray(len(value))
    for place in range(width):
        swapped[place::width] = value[width - 1 - place :: width]
    return bytes(swapped)

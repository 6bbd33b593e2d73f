"""Reading DICOM elements as text without stumbling over headers that break the rules.

The raw bytes are read where pydicom has not converted them yet: this is quick, raises nothing for an invalid value, and
no warning repeats a patient's name.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from pydicom.charset import convert_encodings, decode_bytes, python_encoding
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

LONGEST = 256
_BINARY = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d"}
_AS_IT_IS = frozenset({"UI", "CS", "SH", "LO", "PN", "DS", "AS", "AE"})
_CODED = frozenset({"SH", "LO", "ST", "LT", "UC", "UT", "PN"})
# Backslash, caret, equals and line ends end an escape sequence (PS3.5 6.1.2.5.3).
_DELIMITERS = {0x5C, 0x5E, 0x3D, 0x0A, 0x0C, 0x0D}
_CHARACTER_SET = 0x00080005


def text_of(dataset: Dataset, tag: int, vr: str, longest: int | None = LONGEST) -> str:
    """The element's value as trimmed text, values joined by a backslash; "" when absent, empty or unreadable.

    NULs and lone surrogates are removed, more than `longest` characters are cut off (None: never), and dates and times
    lose the dots and colons of ACR-NEMA (PS3.5 6.2).
    """
    if tag not in dataset:
        return ""
    element = dataset.get_item(tag)
    value = element.value
    if value is None:
        return ""
    if isinstance(value, bytes):
        little = bool(getattr(element, "is_little_endian", True))
        raw = _number(value, vr, little=little) if vr in _BINARY else _decoded(value, vr, lambda: _terms(dataset))
    else:
        raw = _joined(value)
    return _clean(raw, vr)[:longest].strip()


def text_of_bytes(value: bytes, vr: str, character_set: bytes, longest: int = LONGEST) -> str:
    """The same of an encoded value in little endian; `character_set` is that of Specific Character Set (0008,0005)."""
    if vr in _BINARY:
        raw = _number(value, vr, little=True)
    else:
        raw = _decoded(value, vr, lambda: text_of_bytes(character_set, "CS", b""))
        if vr in _AS_IT_IS and "\\" not in raw and "\0" not in raw and raw.isascii():
            return raw.strip()[:longest].strip()
    return _clean(raw, vr)[:longest].strip()


def _terms(dataset: Dataset) -> str:
    return text_of(dataset, _CHARACTER_SET, "CS")


def _clean(raw: str, vr: str) -> str:
    """Text as it is indexed and compared: no padding, NULs or surrogates."""
    legible = raw.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    parts = (part.strip() for part in legible.split("\\"))
    if vr == "DA":
        parts = (part.replace(".", "") for part in parts)
    elif vr == "TM":
        parts = (part.replace(":", "") for part in parts)
    elif vr == "IS":
        parts = (_integer(part) for part in parts)
    return "\\".join(parts)


def fold(name: str) -> str:
    """A person's name as it is matched: case folded, without empty trailing components and groups."""
    groups = (group.rstrip("^ ") for group in name.casefold().split("="))
    return "=".join(groups).rstrip("=")


def _integer(part: str) -> str:
    return str(int(part)) if re.fullmatch(r"[+-]?[0-9]{1,12}", part) else part


def _joined(value: object) -> str:
    if isinstance(value, MultiValue | list | tuple):
        return "\\".join(str(item) for item in value)
    return str(value)


def _number(value: bytes, vr: str, *, little: bool) -> str:
    order = "<" if little else ">"
    code = _BINARY[vr]
    size = struct.calcsize(order + code)
    if len(value) % size:
        return ""
    return "\\".join(str(item) for item in struct.unpack(f"{order}{len(value) // size}{code}", value))


def _decoded(value: bytes, vr: str, character_set: Callable[[], str]) -> str:
    if vr not in _CODED or (value.isascii() and b"\x1b" not in value):
        return value.decode("latin-1")
    terms = [term for term in character_set().split("\\") if term in python_encoding]
    encodings = convert_encodings(terms or [""])
    if len(encodings) > 1:
        # A broken escape sequence makes pydicom warn, without the value, and decode what it can.
        return decode_bytes(value, encodings, _DELIMITERS)
    try:
        return value.decode(encodings[0])
    except (LookupError, ValueError):
        return value.decode("latin-1")

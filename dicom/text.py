"""DICOM elements as text for the index, however invalid the header.

The raw bytes are read where pydicom has not converted them yet: this is fast, never raises for an invalid value, and
no warning repeats a patient's name.
"""

from __future__ import annotations

import re
import unicodedata

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as Items

from dicom.binary import BINARY_VRS, decode_numbers, write_number
from dicom.character_sets import CODED_VRS, STRING_VRS, decode_value, find_codecs, find_declared_codecs
from dicom.legible import clean_text
from dicom.stored import stored_element

LONGEST = 256
_ONE_I = str.maketrans({"\u0131": "i", "\u0307": None})  # dotless i; the dot that casefold leaves of a capital with one
_AS_IT_IS = frozenset({"CS", "SH", "LO", "PN", "DS", "AS", "AE"})


def read_text(dataset: Dataset, tag: int, vr: str, longest: int | None = LONGEST) -> str:
    """Return the element's value as trimmed text, values joined by a backslash; "" when absent, empty or unreadable.

    Control characters and lone surrogates are removed, the text is cut after `longest` characters (None: never), and
    the dots and colons of ACR-NEMA dates and times are dropped (PS3.5 6.2).
    """
    element = stored_element(dataset, tag)
    value = None if element is None else element.value
    if value is None or isinstance(value, Items):
        return ""
    if isinstance(value, bytes):
        form = form_of(vr, element.VR if isinstance(element, RawDataElement) else None)
        raw = (
            decode_numbers(value, form, little=bool(getattr(element, "is_little_endian", True)))
            if form in BINARY_VRS
            else decode_value(value, form, find_declared_codecs(dataset))
        )
    else:
        raw = _join(value)
    return _cut(_strip(raw, vr), longest)


def decode_text(value: bytes, vr: str, character_set: bytes, longest: int = LONGEST) -> str:
    """Decode a little-endian value in the same way; `character_set` is Specific Character Set (0008,0005)."""
    if vr in BINARY_VRS:
        raw = decode_numbers(value, vr, little=True)
    else:
        # most values are ASCII: only the others need the character set
        plain = vr not in CODED_VRS or (value.isascii() and b"\x1b" not in value)
        raw = (
            value.decode("latin-1") if plain else decode_value(value, vr, find_codecs(character_set.decode("latin-1")))
        )
        if vr in _AS_IT_IS and raw.isascii() and raw.isprintable() and "\\" not in raw:
            return _cut(raw.strip(), longest)
    return _cut(_strip(raw, vr), longest)


def _cut(text: str, longest: int | None) -> str:
    return text if longest is None or len(text) <= longest else text[:longest].strip()


def form_of(vr: str, stored_vr: str | None) -> str:
    """Return the representation in which a value is read: the attribute's, unless numbers are stored in another."""
    if stored_vr in BINARY_VRS or (vr in BINARY_VRS and stored_vr in STRING_VRS):
        return stored_vr
    return vr


def _strip(raw: str, vr: str) -> str:
    """Return text as it is indexed and compared: no padding, control characters or surrogates.

    A UID loses its padding alone, and a mark replaces a NUL inside: without a character it would be another UID.
    """
    if vr == "UI":
        raw = "\\".join(part.strip(" \0") for part in raw.split("\\")).replace("\0", "\N{REPLACEMENT CHARACTER}")
        return raw.encode("utf-8", "replace").decode("utf-8")
    if vr not in CODED_VRS:
        raw = raw.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    parts = (clean_text(part, vr).strip() for part in raw.split("\\"))
    if vr == "DA":
        parts = (part.replace(".", "") for part in parts)
    elif vr == "TM":
        parts = (part.replace(":", "") for part in parts)
    elif vr == "IS":
        parts = (_normalize_integer(part) for part in parts)
    return "\\".join(parts)


def fold(name: str) -> str:
    """Fold a person's name for matching: case folded, without empty trailing components and groups.

    Letters are in composed form (Unicode NFC), because some systems write u and a diaeresis where others write ü. The
    Turkish i with and without a dot are one letter, because capitals of other alphabets do not tell them apart.
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    groups = (group.rstrip("^ ") for group in folded.translate(_ONE_I).split("="))
    return "=".join(groups).rstrip("=")


def _normalize_integer(part: str) -> str:
    return str(int(part)) if re.fullmatch(r"[+-]?[0-9]{1,12}", part) else part


def _join(value: object) -> str:
    values = value if isinstance(value, MultiValue | list | tuple) else [value]
    # numbers in text keep the digits that they were stored with
    return "\\".join(write_number(item) if type(item) is float else str(item) for item in values)

"""Specific Character Set (0008,0005) and the text that it encodes (PS3.3 C.12.1.1.2, PS3.5 6.1).

Index, scoring and documents read text through this module, so that they never disagree about a patient's name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from pydicom.charset import decode_bytes, python_encoding
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.valuerep import TEXT_VR_DELIMS

from dicom.stored import stored_element

Codecs = tuple[str, ...]
"""Python codecs of the declared character sets, the one that holds without an escape sequence first."""

DEFAULT_REPERTOIRE: Final[Codecs] = ("iso8859",)
CHARACTER_SET: Final = 0x00080005

CODED_VRS: Final = frozenset({"SH", "LO", "ST", "LT", "UC", "UT", "PN"})
"""Representations to which Specific Character Set applies (PS3.5 6.1.2.3)."""

STRING_VRS: Final = CODED_VRS | {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"}
"""Representations whose values are encoded as characters."""

SINGLE_VALUE_VRS: Final = frozenset({"ST", "LT", "UT", "UR"})
"""Text in which a backslash separates nothing (PS3.5 6.2)."""

# designates a character set (ISO 2022); any other escape is a control character gone astray
_DESIGNATION: Final = re.compile(rb"\x1b[$()-]")
_GB_2312: Final = "\x1b$)A"
_SEPARATORS: Final = re.compile(r"[\s_-]+")
_STAND_ALONE: Final = frozenset({"UTF8", "GB18030", "GBK"})


def spell_term(term: str) -> str:
    """Spell a defined term as tables of this room do: capitals, a space for each separator."""
    return _SEPARATORS.sub(" ", term.strip(" \0").upper())


_CODECS: Final = {spell_term(term): codec for term, codec in python_encoding.items()} | {
    "UTF 8": "UTF8",
    "UTF8": "UTF8",
    "ISO IR 203": "iso8859_15",
}


@lru_cache(maxsize=256)
def find_codecs(declared: str, inherited: Codecs = DEFAULT_REPERTOIRE) -> Codecs:
    r"""Find the codecs of the defined terms in `declared`, separated by backslashes as stored.

    Terms are recognised in any case and with any separator (`ISO IR 192`, `ISO_2022_IR_6`), UTF-8 also by that name;
    unknown ones are ignored, and `inherited` is returned when none is known. A character set without code extensions
    is ignored unless it comes first, and is then the only one (PS3.3 C.12.1.1.2).
    """
    codecs = [codec for term in declared.split("\\") if (codec := _CODECS.get(spell_term(term))) is not None]
    if not codecs:
        return inherited
    if codecs[0] in _STAND_ALONE:
        return (codecs[0],)
    return tuple(codec for codec in codecs if codec not in _STAND_ALONE)


def find_declared_codecs(dataset: Dataset, inherited: Codecs = DEFAULT_REPERTOIRE) -> Codecs:
    """Find the codecs that a data set or item declares, else those inherited from the enclosing data set."""
    stored = stored_element(dataset, CHARACTER_SET)
    value = None if stored is None else stored.value
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if value is None or isinstance(value, Items):
        return inherited
    terms = value if isinstance(value, str) else "\\".join(str(term) for term in value)
    return find_codecs(terms, inherited)


def decode_value(value: bytes, vr: str, codecs: Codecs) -> str:
    """Decode a value of one of `STRING_VRS`; values stay separated by backslashes and padded.

    Bytes that do not fit the declared character set are tried as UTF-8, then as Latin-1; when only the default
    repertoire is declared, whose bytes are ASCII, UTF-8 comes first. Where Latin-1 has control characters, which no
    value may have (PS3.5 6.1.3), its superset Windows-1252 has the letters and signs that such bytes stand for.
    Never raises.
    """
    if vr not in CODED_VRS:
        return value.decode("latin-1")
    if _DESIGNATION.search(value):
        # a broken escape sequence makes pydicom warn, without the value, and decode what it can; that of GB 2312 it
        # leaves in the text
        return decode_bytes(value, codecs, _find_delimiters(vr)).replace(_GB_2312, "")
    for codec in ("utf-8",) if codecs == DEFAULT_REPERTOIRE else (codecs[0], "utf-8"):
        if codec == "latin_1":
            return _decode_latin(value)
        try:
            return value.decode(codec)
        except UnicodeDecodeError:
            continue
    return _decode_latin(value)


def _decode_latin(value: bytes) -> str:
    try:
        return value.decode("cp1252")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _find_delimiters(vr: str) -> set[int]:
    """Return the characters that end an escape sequence (PS3.5 6.1.2.5.3)."""
    return TEXT_VR_DELIMS | {0x5C} | ({0x5E, 0x3D} if vr == "PN" else set())

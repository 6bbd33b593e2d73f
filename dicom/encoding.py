"""Query responses as encoded data sets: what is the same in every row is encoded once.

Implicit and Explicit VR Little Endian (PS3.5 annex A.1 and A.2). The rules for values are those of `answers`, the
character sets those of `repertoires`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from dicom.answers import BINARY, CODED, clean_values
from dicom.character_sets import CHARACTER_SET
from dicom.repertoires import UTF_8, Repertoire

_LONGEST_SHORT: Final = 0xFFFF
_IMPLICIT, _EXPLICIT, _EXPLICIT_LONG = struct.Struct("<HHL"), struct.Struct("<HH2sH"), struct.Struct("<HH2sxxL")
_FORMATS: Final = {"US": "<H", "SS": "<h", "UL": "<L", "SL": "<l"}
# Most columns repeat from row to row; the cache is cleared beyond this many values.
_MOST_REMEMBERED: Final = 512


@dataclass(frozen=True, slots=True)
class Slot:
    """One element of the responses: filled from the row when `varies`, else always `value`.

    One that is `optional` is left out of a row that has no value for it.
    """

    tag: int
    vr: str
    varies: bool
    value: str = ""
    optional: bool = False


class Encoder:
    """Encodes rows with one set of columns.

    Args:
        slots: the elements in any order; those that vary take the row's values in the order of their tags.
        implicit: Implicit VR Little Endian, else Explicit VR Little Endian.
        preferred: the character sets for values that are not ASCII, where they can express all values of a row.
    """

    def __init__(self, slots: Iterable[Slot], *, implicit: bool, preferred: Repertoire | None = None) -> None:
        slots = list(slots)
        self._plain = _Elements(slots, UTF_8, implicit=implicit)
        self._coded = [
            _Elements(
                [*slots, Slot(CHARACTER_SET, "CS", varies=False, value=repertoire.terms)], repertoire, implicit=implicit
            )
            for repertoire in (preferred, UTF_8)
            if repertoire is not None
        ]

    def encode(self, row: Sequence[object]) -> bytes:
        """Encode the data set of one row; it declares a character set when a value is not ASCII (PS3.3 C.12.1.1.2).

        That is the preferred one, or ISO_IR 192 for a row with a character that the preferred one lacks.
        """
        if "".join(map(str, row)).isascii():
            return self._plain.encode(row)
        for elements in self._coded[:-1]:
            with suppress(UnicodeEncodeError):
                return elements.encode(row)
        return self._coded[-1].encode(row)


class _Elements:
    """The elements in tag order (PS3.5 7.1), constant ones joined to the one that follows."""

    def __init__(self, slots: Iterable[Slot], repertoire: Repertoire, *, implicit: bool) -> None:
        self._columns: list[_Column] = []
        before = b""
        for slot in sorted(slots, key=lambda slot: slot.tag):
            if slot.varies:
                self._columns.append(_Column(before, slot, repertoire, implicit=implicit))
                before = b""
            else:
                before += encode_element(slot.tag, slot.vr, slot.value, implicit=implicit)
        self._last = before

    def encode(self, row: Sequence[object]) -> bytes:
        parts = [column[value] for column, value in zip(self._columns, row, strict=False)]
        parts.append(self._last)
        return b"".join(parts)


class _Column(dict[object, bytes]):
    """Cache from a row's value to the encoded element with the constant elements before it; bounded."""

    def __init__(self, before: bytes, slot: Slot, repertoire: Repertoire, *, implicit: bool) -> None:
        super().__init__()
        self._before, self._tag, self._vr, self._optional = before, slot.tag, slot.vr, slot.optional
        self._repertoire, self._implicit = repertoire, implicit

    def __missing__(self, value: object) -> bytes:
        encoded = self._before
        if value or not self._optional:
            encoded += encode_element(self._tag, self._vr, value, self._repertoire, implicit=self._implicit)
        if len(self) >= _MOST_REMEMBERED:
            self.clear()
        self[value] = encoded
        return encoded


def encode_element(tag: int, vr: str, value: object, repertoire: Repertoire = UTF_8, *, implicit: bool) -> bytes:
    """Encode one element, padded to even length (PS3.5 7.1.1); as UN when too long for the VR's length field.

    Raises UnicodeEncodeError where the repertoire lacks a character.
    """
    content = _encode_value(vr, clean_values(vr, value), repertoire)
    group, number, size = tag >> 16, tag & 0xFFFF, len(content)
    if implicit:
        return _IMPLICIT.pack(group, number, size) + content
    if vr in EXPLICIT_VR_LENGTH_32:
        return _EXPLICIT_LONG.pack(group, number, vr.encode(), size) + content
    if size > _LONGEST_SHORT:
        return _EXPLICIT_LONG.pack(group, number, b"UN", size) + content
    return _EXPLICIT.pack(group, number, vr.encode(), size) + content


def _encode_value(vr: str, values: list[str], repertoire: Repertoire) -> bytes:
    if vr in BINARY:
        return b"".join(struct.pack(_FORMATS[vr], int(value)) for value in values)
    text = "\\".join(values)
    content = repertoire.encode(text, vr) if vr in CODED else text.encode("latin-1")
    if len(content) % 2:
        content += b"\0" if vr == "UI" else b" "
    return content

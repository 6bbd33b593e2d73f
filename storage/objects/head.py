"""The head of an encoded data set: the indexed elements, read without decoding the rest (PS3.5 7.1).

Elements are stored in tag order, so everything of interest precedes the pixels. Whatever is not plain (a truncated
head, an unknown value representation, numbers in another one than the attribute's, sequences nested too deeply) the
caller leaves to pydicom.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Final, NamedTuple

from dicom.text import form_of
from storage.objects import pixel_data
from storage.objects.attributes import ATTRIBUTES, TIMEZONE

_LONG_VRS: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_SHORT_VRS: Final = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS"}
    | {b"ST", b"TM", b"UI", b"UL", b"US"}
)
_SHORT_HEADER: Final = struct.Struct("<HH2sH")
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_DEEPEST: Final = 32
CHARACTER_SET: Final = 0x00080005

_VRS: Final = {
    CHARACTER_SET: "CS",
    pixel_data.SAMPLES_PER_PIXEL: "US",
    pixel_data.BITS_ALLOCATED: "US",
    **{attribute.tag: attribute.vr for attribute in (*ATTRIBUTES.values(), TIMEZONE)},
}
_ENCODED_VRS: Final = {tag: vr.encode() for tag, vr in _VRS.items()}
WANTED: Final = frozenset(_VRS)
LAST: Final = max(WANTED)
"""No element beyond this tag is wanted."""
_LAST_PIXELS: Final = max(pixel_data.TAGS)


class Head(NamedTuple):
    """The wanted elements, as encoded values by tag, and the offset of the first element beyond them."""

    values: dict[int, bytes]
    end: int


class NotPlain(Exception):
    """The head cannot be read this way; with `truncated`, more bytes might help."""

    def __init__(self, *, truncated: bool) -> None:
        super().__init__("truncated" if truncated else "not plain")
        self.truncated = truncated


def read(data: bytes | bytearray | memoryview, *, implicit: bool, whole: bool = False) -> Head:
    """Read the wanted elements.

    Args:
        data: the first bytes of a data set in little endian byte order.
        implicit: whether value representations are implicit.
        whole: whether `data` is the complete data set, so that it may end before the last wanted tag.

    Raises:
        NotPlain: see the class.
    """
    values: dict[int, bytes] = {}
    return Head(values, _read_into(values, data, implicit=implicit, whole=whole))


def read_until_damage(data: bytes | bytearray | memoryview, *, implicit: bool) -> dict[int, bytes]:
    """Read the wanted elements as far as the head is plain: those of an object that cannot be taken."""
    values: dict[int, bytes] = {}
    with suppress(NotPlain):
        _read_into(values, data, implicit=implicit, whole=True)
    return values


def _read_into(values: dict[int, bytes], data: bytes | bytearray | memoryview, *, implicit: bool, whole: bool) -> int:
    """Add the wanted elements to `values`, and return the offset of the first element beyond them."""
    position, end = 0, len(data)
    try:
        while True:
            start = position
            if position == end and whole:
                break
            # every element has eight bytes and more
            group, element, vr, length = _SHORT_HEADER.unpack_from(data, position)
            tag = group << 16 | element
            if tag > LAST:
                break
            if vr in _SHORT_VRS and not implicit:  # most elements
                position += _SHORT_HEADER.size
            else:
                vr, length, position = _read_element(data, position + 4, implicit=implicit)
            if length == _UNDEFINED:
                position = _skip_sequence(data, position, implicit=implicit or vr == b"UN")
                continue
            if position + length > end:
                raise NotPlain(truncated=not whole)
            if tag in WANTED:
                if vr and vr != _ENCODED_VRS[tag] and form_of(_VRS[tag], vr.decode()) != _VRS[tag]:
                    raise NotPlain(truncated=False)
                values[tag] = bytes(data[position : position + length])
            position += length
    except struct.error:
        raise NotPlain(truncated=not whole) from None
    return start


def find_pixel_data(
    data: bytes | bytearray | memoryview, start: int, *, implicit: bool, whole: bool = False
) -> pixel_data.Extent | None:
    """Find Pixel Data from the element at `start` on; None when the data set has none. Arguments as for `read`.

    Raises:
        NotPlain: see the class.
    """
    position = start
    try:
        while not (whole and position >= len(data)):
            group, element = struct.unpack_from("<HH", data, position)
            tag = group << 16 | element
            if tag > _LAST_PIXELS:
                break
            vr, length, position = _read_element(data, position + 4, implicit=implicit)
            if tag in pixel_data.TAGS:
                return pixel_data.Extent(position, None if length == _UNDEFINED else length)
            if length == _UNDEFINED:
                position = _skip_sequence(data, position, implicit=implicit or vr == b"UN")
            else:
                position += length
    except struct.error:
        raise NotPlain(truncated=not whole) from None
    return None


def _read_element(data: bytes | bytearray | memoryview, position: int, *, implicit: bool) -> tuple[bytes, int, int]:
    """Read value representation (empty when implicit), length and offset of the value."""
    if implicit:
        return b"", struct.unpack_from("<I", data, position)[0], position + 4
    vr, length = struct.unpack_from("<2sH", data, position)
    if vr in _SHORT_VRS:
        return vr, length, position + 4
    if vr in _LONG_VRS:
        return vr, struct.unpack_from("<I", data, position + 4)[0], position + 8
    raise NotPlain(truncated=False)


def _skip_sequence(data: bytes | bytearray | memoryview, position: int, *, implicit: bool) -> int:
    """Return the offset after a sequence of undefined length (PS3.5 7.5), however it is nested."""
    open_ends = [_SEQUENCE_END]
    while open_ends:
        if len(open_ends) > _DEEPEST:
            raise NotPlain(truncated=False)
        group, element = struct.unpack_from("<HH", data, position)
        tag = group << 16 | element
        if tag in (_ITEM, _ITEM_END, _SEQUENCE_END):
            (length,) = struct.unpack_from("<I", data, position + 4)
            position += 8
            if tag == open_ends[-1]:
                open_ends.pop()
            elif tag != _ITEM or open_ends[-1] != _SEQUENCE_END:
                raise NotPlain(truncated=False)
            elif length == _UNDEFINED:
                open_ends.append(_ITEM_END)
            else:
                position += length
            continue
        if open_ends[-1] != _ITEM_END:
            raise NotPlain(truncated=False)
        vr, length, position = _read_element(data, position + 4, implicit=implicit)
        if length != _UNDEFINED:
            position += length
        elif vr == b"UN" and not implicit:
            raise NotPlain(truncated=False)
        else:
            open_ends.append(_SEQUENCE_END)
    return position

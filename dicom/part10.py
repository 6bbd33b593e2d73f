"""Preamble and File Meta Information of a stored object (PS3.10 7.1), packed directly: every object needs it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from dicom.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

_PREAMBLE: Final = b"\0" * 128 + b"DICM"
_VERSION: Final = struct.pack("<HH2sHI", 0x0002, 0x0001, b"OB", 0, 2) + b"\0\1"
START_BYTES: Final = 144
"""Bytes up to the end of File Meta Information Group Length, which tell where the data set begins."""

_GROUP_LENGTH: Final = struct.Struct("<HH2sHI")
_GROUP_START: Final = struct.Struct("<HH2sH")
_META_GROUP: Final = 0x0002
_LONG_HEADER: Final = 12


def encode_preface(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, calling_ae: str = "") -> bytes:
    """Encode everything that precedes the data set in the file; values longer than 64 characters are cut."""
    body = b"".join(
        (
            _VERSION,
            _encode_element(0x0002, b"UI", sop_class_uid, b"\0"),
            _encode_element(0x0003, b"UI", sop_instance_uid, b"\0"),
            _encode_element(0x0010, b"UI", transfer_syntax_uid, b"\0"),
            _encode_element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID, b"\0"),
            _encode_element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME, b" "),
            _encode_element(0x0016, b"AE", calling_ae, b" ") if calling_ae else b"",
        )
    )
    return _PREAMBLE + _GROUP_LENGTH.pack(0x0002, 0x0000, b"UL", 4, len(body)) + body


def find_data_set(start: bytes) -> int | None:
    """Return the offset of the data set in a file that begins with `start`; None where that is no Part 10 file."""
    if len(start) < START_BYTES or start[128:132] != _PREAMBLE[128:]:
        return None
    *element, length = _GROUP_LENGTH.unpack_from(start, len(_PREAMBLE))
    return START_BYTES + int(length) if element == [0x0002, 0x0000, b"UL", 4] else None


@dataclass(frozen=True, slots=True)
class Meta:
    """File Meta Information as far as it is needed to store the object; `data_set_at` is the offset of its data set."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    data_set_at: int


def read_meta(start: bytes) -> Meta:
    """Read the File Meta Information of a file that begins with `start` (PS3.10 7.1).

    Raises ValueError when that is no Part 10 file, names no transfer syntax, or its File Meta Information does not end
    within `start`.
    """
    if start[128:132] != _PREAMBLE[128:]:
        raise ValueError("no DICOM file (PS3.10): it has no preamble and prefix")
    position, values = len(_PREAMBLE), dict[int, str]()
    while True:
        if position + _LONG_HEADER > len(start):
            if position != len(start):
                raise ValueError("its File Meta Information is cut off")
            break
        group, element, vr, length = _GROUP_START.unpack_from(start, position)
        if group != _META_GROUP:
            break
        position += _GROUP_START.size
        if vr in (b"OB", b"UN", b"UT"):
            length = struct.unpack_from("<I", start, position)[0]
            position += 4
        if position + length > len(start):
            raise ValueError("its File Meta Information is cut off")
        values[element] = start[position : position + length].decode("latin-1").strip(" \0")
        position += length
    if not values.get(0x0010):
        raise ValueError("its File Meta Information names no transfer syntax")
    return Meta(values.get(0x0002, ""), values.get(0x0003, ""), values[0x0010], position)


def _encode_element(element: int, vr: bytes, value: str, padding: bytes) -> bytes:
    raw = value.encode("ascii", "replace")[:64]
    raw += padding * (len(raw) % 2)
    return struct.pack("<HH2sH", 0x0002, element, vr, len(raw)) + raw

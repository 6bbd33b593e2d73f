"""Preamble and File Meta Information of a stored object (PS3.10 7.1), packed directly: every object needs it."""

from __future__ import annotations

import struct
from typing import Final

from dicom.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

_PREAMBLE: Final = b"\0" * 128 + b"DICM"
_VERSION: Final = struct.pack("<HH2sHI", 0x0002, 0x0001, b"OB", 0, 2) + b"\0\1"
START_BYTES: Final = 144
"""Bytes up to the end of File Meta Information Group Length, which tell where the data set begins."""

_GROUP_LENGTH: Final = struct.Struct("<HH2sHI")


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


def _encode_element(element: int, vr: bytes, value: str, padding: bytes) -> bytes:
    raw = value.encode("ascii", "replace")[:64]
    raw += padding * (len(raw) % 2)
    return struct.pack("<HH2sH", 0x0002, element, vr, len(raw)) + raw

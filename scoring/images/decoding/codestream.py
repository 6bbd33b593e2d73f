"""The header of a compressed frame: how large it is and how deep its samples are, before anything is decoded.

A decoder allocates what the stream claims, whatever the DICOM header promised, so the claim is read first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_J2K_START: Final = b"\xff\x4f\xff\x51"
"""SOC and SIZ, the first two markers of a codestream (ISO/IEC 15444-1 A.4, A.5); a JP2 file has boxes before them."""

_JPEG_START: Final = b"\xff\xd8"
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length (ISO/IEC 10918-1 table B.1)
_FRAMES: Final = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}  # SOF of JPEG, and of JPEG-LS (14495-1 C.2)


@dataclass(frozen=True, slots=True)
class Codestream:
    """What a frame's stream says of itself: `rows` x `columns` samples of `precision` bits."""

    rows: int
    columns: int
    precision: int


def read(stream: bytes) -> Codestream:
    """Read the header of a JPEG, JPEG-LS, JPEG 2000 or HTJ2K stream. Raises ValueError when it has none."""
    try:
        if stream.startswith(_JPEG_START):
            return _read_jpeg(stream)
        start = stream.find(_J2K_START)
        if start >= 0:
            return _read_j2k(stream, start + len(_J2K_START))
    except (struct.error, IndexError):
        pass
    raise ValueError("the stream has no frame header")


def _read_jpeg(stream: bytes) -> Codestream:
    position = len(_JPEG_START)
    while True:
        marker = stream[position + 1]
        if stream[position] != 0xFF or marker == 0xFF:  # fill bytes may precede a marker (ISO/IEC 10918-1 B.1.1.2)
            position += 1
            continue
        position += 2
        if marker in _ALONE:
            continue
        if marker in _FRAMES:
            precision, rows, columns = struct.unpack_from(">BHH", stream, position + 2)
            return Codestream(rows, columns, precision)
        position += struct.unpack_from(">H", stream, position)[0]


def _read_j2k(stream: bytes, position: int) -> Codestream:
    # Lsiz, Rsiz, then the reference grid: its size, the image's offset, the tiles' size and offset; then components
    right, bottom, left, top = struct.unpack_from(">4I", stream, position + 4)
    depth = stream[position + 38]  # bit 7 is the sign
    return Codestream(bottom - top, right - left, (depth & 0x7F) + 1)

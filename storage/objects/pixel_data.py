"""Whether an object brings all of its pixels: the length of Pixel Data against the bytes received and the header.

Nothing is decoded. Native pixels are one value (PS3.5 8.2, A.1 to A.3), compressed ones a sequence of fragments that a
delimiter ends (A.4).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from config.errors import Rejected
from dicom import status
from storage.objects.header import InstanceHeader

TAGS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""Float Pixel Data, Double Float Pixel Data, Pixel Data."""
SAMPLES_PER_PIXEL: Final = 0x00280002
BITS_ALLOCATED: Final = 0x00280100

_ITEM: Final = 0xFFFEE000
_DELIMITER: Final = 0xFFFEE0DD
_PADDING: Final = 1  # bytes by which a value of odd length may end early (PS3.5 7.1.1)

ReadAt = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Extent:
    """Offset of the value of Pixel Data in the data set, and its length in bytes, None where undefined."""

    offset: int
    length: int | None


def count_promised(header: InstanceHeader, samples_per_pixel: str, bits_allocated: str) -> int | None:
    """Count the bytes of native pixels that the header promises (PS3.3 C.7.6.3); None where it cannot be told.

    With several samples a pixel it depends on the colour space; such an image is no slice of a scan.
    """
    try:
        rows, columns, bits = int(header.image["rows"]), int(header.image["columns"]), int(bits_allocated)
        samples = int(samples_per_pixel or 1)
    except ValueError:
        return None
    return (rows * columns * count_frames(header) * bits + 7) // 8 if samples == 1 else None


def count_frames(header: InstanceHeader) -> int:
    """Return Number of Frames (0028,0008), 1 where it is absent or unreadable."""
    frames = header.image["number_of_frames"]
    return max(int(frames), 1) if frames.isdecimal() and frames.isascii() else 1


def check_presence(header: InstanceHeader, extent: Extent | None) -> None:
    """Check that an image has a size and pixels. Raises Rejected (0xA900), naming what is missing."""
    for name, column in (("Rows (0028,0010)", "rows"), ("Columns (0028,0011)", "columns")):
        if header.image[column] in ("", "0"):
            raise Rejected(status.DOES_NOT_MATCH, f"{name} is missing")
    if extent is None:
        raise Rejected(status.DOES_NOT_MATCH, "Pixel Data (7FE0,0010) is missing")


def check_native(extent: Extent, size: int, promised: int | None) -> None:
    """Check native pixels of an object whose data set has `size` bytes; more than is promised is padding.

    Raises Rejected (0xC000) when the value ends before its own length or before the `promised` bytes.
    """
    stated = extent.length or 0
    present = min(stated, size - extent.offset)
    needed = stated - _PADDING if promised is None else max(promised, stated - _PADDING)
    if present < needed:
        raise Rejected(status.UNABLE_TO_PROCESS, f"Pixel Data (7FE0,0010) is short: {present} of {needed} bytes")


def check_fragments(extent: Extent, size: int, read_at: ReadAt, frames: int) -> None:
    """Check that compressed pixels are complete: every fragment, one at least for each frame, and the delimiter.

    `read_at` reads the data set by offset and number of bytes. Raises Rejected (0xC000).
    """
    position, fragments = extent.offset, -1  # the first item is the Basic Offset Table
    while position + 8 <= size:
        group, element, length = struct.unpack("<HHI", read_at(position, 8))
        position += 8
        tag = group << 16 | element
        if tag == _DELIMITER:
            if fragments < frames:
                words = f"Pixel Data (7FE0,0010) has {max(fragments, 0)} fragments for {frames} frames"
                raise Rejected(status.UNABLE_TO_PROCESS, words)
            return
        if tag != _ITEM:
            raise Rejected(status.UNABLE_TO_PROCESS, "Pixel Data (7FE0,0010) is not a sequence of fragments")
        fragments += bool(length) or fragments < 0
        position += length
    raise Rejected(status.UNABLE_TO_PROCESS, "Pixel Data (7FE0,0010) is cut off before its end")

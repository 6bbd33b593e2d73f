"""Deflated data sets (PS3.5 A.5), inflated no further than their own header promises: a megabyte may hold gigabytes."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import BinaryIO, Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from dicom.text import read_text

HEADER_BYTES: Final = 16 << 20
"""Bytes that a data set may have besides its pixels; the functional groups of some thousand frames take half."""

_MARK: Final = DeflatedExplicitVRLittleEndian.encode()
_PREAMBLE_BYTES: Final = 132
_CHUNK_BYTES: Final = 1 << 20
_META_GROUP: Final = 2
_PIXELS: Final = 0x7FE00010
_FACTORS: Final = {
    "Rows": "US",
    "Columns": "US",
    "SamplesPerPixel": "US",
    "BitsAllocated": "US",
    "NumberOfFrames": "IS",
}


class InflatesTooFarError(ValueError):
    """A deflated data set is longer than its header promises."""

    def __init__(self, promised: int) -> None:
        super().__init__(f"the data set inflates to more than the {promised} bytes that its header promises")


def seems_deflated(start: bytes) -> bool:
    """Return whether the first kilobyte of a file names the deflated transfer syntax."""
    return _MARK in start


def read_deflated(file: BinaryIO, *, preamble: bool, pixels: bool, tags: Sequence[str] | None) -> Dataset | None:
    """Read a file as `dcmread` does, without its pixels unless asked for; None when it is not deflated after all.

    Raises InflatesTooFarError, with `pixels` alone: a header is read from the first 16 MiB; zlib.error and what pydicom
    raises for damage.
    """
    file.seek(_PREAMBLE_BYTES if preamble else 0)
    meta = FileMetaDataset(read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=_ends_meta))
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return None
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = _inflate(file, inflater, b"", HEADER_BYTES)
    if pixels and len(inflated) == HEADER_BYTES:
        promised = HEADER_BYTES + _count_pixel_bytes(_parse(inflated, pixels=False, tags=list(_FACTORS)))
        inflated = _inflate(file, inflater, inflated, promised + 1)
        if len(inflated) > promised:
            raise InflatesTooFarError(promised)
    dataset = _parse(inflated, pixels=pixels, tags=tags)
    dataset.file_meta = meta
    return dataset


def _inflate(file: BinaryIO, inflater: zlib._Decompress, before: bytes, limit: int) -> bytes:
    """Return `before` and what follows it, at most `limit` bytes together."""
    parts, size = [before], len(before)
    while size < limit and not inflater.eof:
        chunk = inflater.unconsumed_tail or file.read(_CHUNK_BYTES)
        part = inflater.decompress(chunk, limit - size)
        if not chunk and not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _parse(data: bytes, *, pixels: bool, tags: Sequence[str] | None) -> Dataset:
    return read_dataset(
        BytesIO(data),
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=None if pixels else _is_pixels,
        specific_tags=None if tags is None else [Tag(tag) for tag in tags],
    )


def _count_pixel_bytes(header: Dataset) -> int:
    """Return the length of uncompressed pixel data; 0 when a factor is missing or unreadable."""
    rows, columns, samples, bits, frames = (read_text(header, Tag(keyword), vr) for keyword, vr in _FACTORS.items())
    factors = (rows, columns, samples, bits, frames or "1")
    return math.prod(map(int, factors)) // 8 if all(map(str.isdecimal, factors)) else 0


def _ends_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group != _META_GROUP


def _is_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return int(tag) >= _PIXELS

"""A complete data set as it came: its header for the index, and the check that an image brings its pixels.

The first bytes are read as a stream of elements. What is not plain is left to pydicom, which reads the file.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from config.errors import Rejected
from dicom import part10, status
from dicom.sop_classes import IMAGE_STORAGE, UNCOMPRESSED
from dicom.text import decode_text, read_text
from scp.reception import identity
from storage.objects import head, pixel_data
from storage.objects.header import InstanceHeader
from storage.objects.pixel_data import BITS_ALLOCATED, SAMPLES_PER_PIXEL, Extent

HEAD_BYTES: Final = 128 * 1024
"""Bytes that are kept in memory while an object arrives."""

_READ: Final = (*map(Tag, head.WANTED), *map(Tag, identity.KEYWORDS))
_NATIVE: Final = (*UNCOMPRESSED, DeflatedExplicitVRLittleEndian)
_STUDY_UID: Final = 0x0020000D
_SERIES_UID: Final = 0x0020000E
_UNDEFINED: Final = 0xFFFFFFFF
_PADDING: Final = b" \0"
_INFLATED_BYTES: Final = 16 * 1024 * 1024
_CHUNK_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class DataSet:
    """The `size` bytes of a data set in the file at `path`, after the `preface_bytes` of its meta information.

    `head` holds its first bytes, at most HEAD_BYTES; `association` identifies the association on which it arrived.
    """

    path: Path
    preface_bytes: int
    head: bytes | bytearray
    size: int
    transfer_syntax_uid: str
    association: str = ""

    def read(self) -> Parsed:
        """Read the indexed part.

        Raises Rejected: 0xA900 when a UID is missing, 0xC000 when one cannot be used or the data set cannot be read
        (PS3.4 B.2.3).
        """
        with _refuse_damage():
            return self._read_head() or self._parse()

    def check_pixels(self, parsed: Parsed) -> None:
        """Check that an image is complete.

        Raises Rejected: 0xA900 when its size or pixels are missing, 0xC000 when there are fewer pixels than promised.
        """
        with _refuse_damage():
            parsed.check_pixels(self)

    def read_at(self, offset: int, count: int) -> bytes:
        """Read `count` bytes of the data set from `offset` on."""
        if offset + count <= len(self.head):
            return bytes(self.head[offset : offset + count])
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), count, self.preface_bytes + offset)

    def count_bytes(self, enough: int) -> int:
        """Count the bytes of the data set, up to `enough`: a deflated one is inflated for it and may be endless."""
        if self.transfer_syntax_uid != DeflatedExplicitVRLittleEndian:
            return self.size
        count = 0
        for chunk in _inflate(self.path, self.preface_bytes):
            count += len(chunk)
            if count >= enough:
                break
        return count

    def _read_head(self) -> Parsed | None:
        """Read the first bytes; None where the file must be parsed: also without Study or Series UID."""
        syntax = self.transfer_syntax_uid
        if syntax in (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian):
            return None
        implicit, whole = syntax == ImplicitVRLittleEndian, self.size <= len(self.head)
        try:
            found = head.read(self.head, implicit=implicit, whole=whole)
            values = found.values
            if not all(values.get(tag, b"").strip(_PADDING) for tag in (_STUDY_UID, _SERIES_UID)):
                return None
            header = InstanceHeader.from_values(values, syntax)
            extent = None
            if _has_pixels(header):
                extent = head.find_pixel_data(self.head, found.end, implicit=implicit, whole=whole)
        except head.NotPlain:
            return None
        samples, bits = (decode_text(values.get(tag, b""), "US", b"") for tag in (SAMPLES_PER_PIXEL, BITS_ALLOCATED))
        return Parsed(header, extent, samples, bits)

    def _parse(self) -> Parsed:
        if self.transfer_syntax_uid != DeflatedExplicitVRLittleEndian:
            with self.path.open("rb") as file:
                dataset, extent = _parse_until_pixels(file, self.preface_bytes)
        else:
            meta = part10.encode_preface("", "", ExplicitVRLittleEndian)
            inflated = BytesIO(meta + _inflate_start(self.path, self.preface_bytes))
            dataset, extent = _parse_until_pixels(inflated, len(meta))
        identity.complete(dataset, self.association)
        header = InstanceHeader.from_dataset(dataset, self.transfer_syntax_uid)
        samples, bits = (read_text(dataset, tag, "US") for tag in (SAMPLES_PER_PIXEL, BITS_ALLOCATED))
        return Parsed(header, extent, samples, bits)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The header of a data set, where its pixels are, and what it says of them beside what is indexed."""

    header: InstanceHeader
    extent: Extent | None
    samples_per_pixel: str
    bits_allocated: str

    def check_pixels(self, data: DataSet) -> None:
        """Check that an image that can be scored is complete, and that no other image is cut off. Raises Rejected."""
        if not _has_pixels(self.header):
            return
        is_ct = self.header.sop_class_uid in IMAGE_STORAGE
        if is_ct:
            pixel_data.check_presence(self.header, self.extent)
        if self.extent is None:
            return
        if self.extent.length is None:
            frames = pixel_data.count_frames(self.header) if is_ct else 0
            pixel_data.check_fragments(self.extent, data.size, data.read_at, frames)
            return
        promised = None
        if is_ct and data.transfer_syntax_uid in _NATIVE:
            promised = pixel_data.count_promised(self.header, self.samples_per_pixel, self.bits_allocated)
        enough = self.extent.offset + max(self.extent.length, promised or 0)
        pixel_data.check_native(self.extent, data.count_bytes(enough), promised)


@contextmanager
def _refuse_damage() -> Iterator[None]:
    try:
        yield
    except Rejected:
        raise
    except Exception as error:  # whatever the parser raises, the object cannot be understood
        words = "data set cannot be read in the negotiated transfer syntax"
        raise Rejected(status.UNABLE_TO_PROCESS, words) from error


def _has_pixels(header: InstanceHeader) -> bool:
    """Return whether the object is an image, or says that it is one."""
    return header.sop_class_uid in IMAGE_STORAGE or header.image["rows"] != ""


def _parse_until_pixels(file: BinaryIO, preface_bytes: int) -> tuple[Dataset, Extent | None]:
    """Parse a file up to its pixels, and find out where these are."""
    lengths: list[int] = []

    def is_pixel_data(tag: BaseTag, vr: str | None, length: int) -> bool:
        del vr
        if tag in pixel_data.TAGS:
            lengths.append(length)
        return bool(lengths)

    # what is not wanted is skipped, however large it is
    dataset = read_partial(file, is_pixel_data, specific_tags=list(_READ))
    if not lengths:
        return dataset, None
    # the file stands before the element again: tag, then VR and two spare bytes where they are explicit, then length
    is_implicit, _ = dataset.original_encoding
    offset = file.tell() + (8 if is_implicit else 12) - preface_bytes
    return dataset, Extent(offset, None if lengths[0] == _UNDEFINED else lengths[0])


def _inflate_start(path: Path, start: int) -> bytes:
    """Inflate a deflated data set as far as its header may reach: a small one may inflate to any size."""
    inflated = bytearray()
    for piece in _inflate(path, start):
        inflated += piece
        if len(inflated) >= _INFLATED_BYTES:
            break
    return bytes(inflated)


def _inflate(path: Path, start: int) -> Iterator[bytes]:
    """Inflate a deflated data set piece by piece."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    with path.open("rb") as file:
        file.seek(start)
        while chunk := stream.unconsumed_tail or file.read(_CHUNK_BYTES):
            yield stream.decompress(chunk, _CHUNK_BYTES)

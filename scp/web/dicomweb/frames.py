"""Frames as they are stored: their places in the file, decoded or not (PS3.18 10.4.1.1.6)."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import HTTPException
from pydicom.encaps import get_frame
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from config.errors import Permanent
from dicom import elements
from dicom.stored import DAMAGE
from scp.web.dicomweb.contents import open_contents
from scp.web.dicomweb.decoding import FrameDecoding, find_decoders
from scp.web.dicomweb.media import OCTETS, NotAcceptable, Offer

COMPRESSED: Final = {
    JPEGBaseline8Bit: "image/jpeg",
    JPEGExtended12Bit: "image/jpeg",
    JPEGLossless: "image/jpeg",
    JPEGLosslessSV1: "image/jpeg",
    RLELossless: "image/dicom-rle",
    JPEGLSLossless: "image/jls",
    JPEGLSNearLossless: "image/jls",
    JPEG2000Lossless: "image/jp2",
    JPEG2000: "image/jp2",
    HTJ2KLossless: "image/jphc",
    HTJ2KLosslessRPCL: "image/jphc",
    HTJ2K: "image/jphc",
}
"""Media types of compressed frames by transfer syntax (PS3.18 table 8.7.3-5)."""

_DEFAULTS: Final = frozenset({JPEGLosslessSV1, RLELossless, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless})
"""The transfer syntax of each where none is asked for."""

_IN_PLACE: Final = frozenset({ExplicitVRLittleEndian, ImplicitVRLittleEndian})
_OFFSETS, _LENGTHS = 0x7FE00001, 0x7FE00002
_TAGS: Final = (0x00280002, 0x00280004, 0x00280008, 0x00280010, 0x00280011, 0x00280100, _OFFSETS, _LENGTHS)
_MOST_REMEMBERED: Final = 8192


@dataclass(frozen=True, slots=True)
class Layout:
    """How the frames of a file lie in it: from `offset` on, `bits` each where they are native, else encapsulated."""

    path: Path
    syntax: str
    frames: int
    offset: int
    bits: int

    @property
    def is_native(self) -> bool:
        """Whether frames can be read from the file as they are wanted."""
        return self.bits > 0

    @property
    def is_encapsulated(self) -> bool:
        """Whether frames are compressed, each by itself."""
        return UID(self.syntax) in COMPRESSED

    def list_offers(self, *, multipart: bool) -> list[Offer]:
        """List the representations of a frame: decoded, and as it is stored where it is compressed."""
        offers = [Offer(OCTETS, multipart, str(ExplicitVRLittleEndian))]
        media_type = COMPRESSED.get(UID(self.syntax))
        if media_type is not None:
            offers.append(Offer(media_type, multipart, self.syntax, is_default=self.syntax in _DEFAULTS))
        return offers

    def check(self, numbers: tuple[int, ...]) -> None:
        """Raise HTTPException (404) unless all frames, counted from 1, are there."""
        missing = next((number for number in numbers if not 1 <= number <= self.frames), None)
        if missing is not None:
            raise HTTPException(404, f"there is no frame {missing}; this instance has frames 1 to {self.frames}")

    def decode(self, number: int) -> bytes:
        """Return the values of a frame. Raises NotAcceptable where it cannot be decoded, Transient."""
        if self.is_native:
            return self._read_native(number - 1)
        try:
            return find_decoders().perform(FrameDecoding(self.path, number - 1))
        except Permanent as error:
            raise NotAcceptable(self.list_offers(multipart=True)[1:]) from error

    def read_compressed(self, number: int) -> bytes:
        """Return the compressed bytes of a frame. Raises NotAcceptable where they cannot be told from others."""
        try:
            header = open_contents(self.path, self.syntax, (_OFFSETS, _LENGTHS)).header if self.frames > 1 else None
            extended = None
            if header is not None and _OFFSETS in header and _LENGTHS in header:
                extended = (header[_OFFSETS].value, header[_LENGTHS].value)
            with self.path.open("rb") as file:
                file.seek(self.offset)
                return bytes(get_frame(file, number - 1, extended_offsets=extended, number_of_frames=self.frames))
        except DAMAGE as error:
            raise NotAcceptable(self.list_offers(multipart=True)[:1]) from error

    def _read_native(self, index: int) -> bytes:
        first, last = index * self.bits, (index + 1) * self.bits
        begin, end = first // 8, (last + 7) // 8
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offset + begin)
            data = file.read(end - begin)
        if len(data) < end - begin:
            raise HTTPException(410, "the pixels of this instance are cut off")
        shift = first - begin * 8
        if not shift and not self.bits % 8:
            return data
        # frames of single bits follow each other without a gap (PS3.5 8.1.1); each begins with a byte of its own here
        whole = int.from_bytes(data, "little") >> shift & (1 << self.bits) - 1
        return whole.to_bytes((self.bits + 7) // 8, "little")


@functools.lru_cache(maxsize=_MOST_REMEMBERED)
def find_layout(path: Path, syntax: str) -> Layout:
    """Find the frames of a stored file, whose name changes with its content.

    Raises HTTPException (404) for an object without frames, (410) for a damaged one; Transient.
    """
    contents = open_contents(path, syntax, _TAGS)
    header, pixels = contents.header, contents.pixels
    rows, columns, allocated = (
        int(elements.number(header, name) or 0) for name in ("Rows", "Columns", "BitsAllocated")
    )
    if pixels is None or not rows or not columns:
        raise HTTPException(404, "this instance has no frames")
    frames = max(1, int(elements.number(header, "NumberOfFrames") or 1))
    samples = int(elements.number(header, "SamplesPerPixel") or 1)
    if pixels.extent is None or UID(syntax) not in _IN_PLACE or pixels.extent.length is None:
        return Layout(path, syntax, frames, 0 if pixels.extent is None else pixels.extent.offset, 0)
    bits = rows * columns * samples * allocated
    if str(header.get("PhotometricInterpretation", "")) == "YBR_FULL_422":
        bits = bits * 2 // 3  # two samples of colour for two pixels (PS3.3 C.7.6.3.1.2)
    if not bits or frames * bits > pixels.extent.length * 8:
        raise HTTPException(410, "the pixels of this instance are cut off")
    return Layout(path, syntax, frames, pixels.extent.offset, bits)


def read_frames(layout: Layout, numbers: tuple[int, ...], offer: Offer) -> Iterator[bytes]:
    """Yield frames, counted from 1, in the representation chosen."""
    for number in numbers:
        yield layout.decode(number) if offer.media_type == OCTETS else layout.read_compressed(number)

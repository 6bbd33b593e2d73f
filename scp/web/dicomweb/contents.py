"""A stored object, opened: its header, and where its pixels lie in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from fastapi import HTTPException
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from config.errors import Transient, is_fault
from dicom import elements, json_model
from dicom.stored import DAMAGE
from storage.objects.files import Files
from storage.objects.pixel_data import TAGS, Extent
from storage.query.retrieval import StoredObject

DEFER_BYTES: Final = 1024 * 1024
"""A longer value stays in the file."""
_CHUNK_BYTES: Final = 1024 * 1024
_UNDEFINED: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class PixelData:
    """The element with the pixels: its tag and value representation, and where its value lies.

    `extent` counts from the beginning of the file; None in a deflated file, which does not say where.
    """

    tag: int
    vr: str
    extent: Extent | None


@dataclass(frozen=True, slots=True)
class Contents:
    """The header of a file without pixels, and what is known of these; None for an object without any.

    `left` are long binary values that are left in the file: value representation and place by tag.
    """

    header: Dataset
    pixels: PixelData | None
    left: Mapping[int, tuple[str, Extent]] = field(default_factory=dict)


class GoneError(HTTPException):
    """410: the object is indexed, and its file is lost or damaged."""

    def __init__(self) -> None:
        super().__init__(410, "the file of this object is lost or damaged; see coronode doctor on the node")


def find_path(files: Files, item: StoredObject) -> Path:
    """Return the whole file of an object. Raises GoneError, and Transient while its disk is away."""
    try:
        path = files.fetch(item.path, item.size)
        size = path.stat().st_size
    except OSError as error:
        if not files.is_present() or not isinstance(error, FileNotFoundError):
            raise Transient("the disk of the store is away") from error
        raise GoneError from error
    if size != item.size:
        raise GoneError
    return path


def open_contents(path: Path, transfer_syntax_uid: str, tags: Sequence[int] | None = None) -> Contents:
    """Read a header, all of it or some elements. Raises GoneError and Transient."""
    try:
        if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
            return _open_deflated(path)
        with path.open("rb") as file:
            found: list[tuple[int, str | None, int]] = []

            def is_pixel_data(tag: BaseTag, vr: str | None, length: int) -> bool:
                if tag in TAGS:
                    found.append((int(tag), vr, length))
                return bool(found)

            wanted: list[BaseTag | int] | None = None if tags is None else [Tag(tag) for tag in tags]
            header = read_partial(file, is_pixel_data, defer_size=DEFER_BYTES, specific_tags=wanted)
            after = file.tell()
            left = _leave(header, file)
            if not found:
                return Contents(header, None, left)
            tag, vr, length = found[0]
            is_implicit, _ = header.original_encoding
            # the file stands before the element again: tag, then VR and two spare bytes where they are explicit, length
            offset = after + (8 if is_implicit else 12)
            extent = Extent(offset, None if length == _UNDEFINED else length)
            return Contents(header, PixelData(tag, vr or "OW", extent), left)
    except DAMAGE as error:
        if is_fault(error):
            raise Transient("the disk of the store cannot be read") from error
        raise GoneError from error


def read_file(path: Path, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
    """Read a part of a file in pieces; raises EOFError where it is cut off, so that nobody takes it for whole."""
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        left = path.stat().st_size - offset if length is None else length
        while left > 0:
            piece = file.read(min(left, _CHUNK_BYTES))
            if not piece:
                raise EOFError
            left -= len(piece)
            yield piece


def _leave(header: Dataset, file: BinaryIO) -> dict[int, tuple[str, Extent]]:
    """Take long values that were not read out of the header; one that is not binary is read after all."""
    left: dict[int, tuple[str, Extent]] = {}
    for tag, raw in list(header.items()):
        if not isinstance(raw, RawDataElement) or raw.value is not None or not raw.length:
            continue
        vr = json_model.find_vr(raw.VR, int(tag), signed=False)
        if vr in json_model.BULK_VRS and raw.is_little_endian:
            left[int(tag)] = vr, Extent(raw.value_tell, raw.length)
            del header[tag]
        else:
            file.seek(raw.value_tell)
            header[tag] = raw._replace(value=file.read(raw.length))
    return left


def _open_deflated(path: Path) -> Contents:
    header = elements.opened(path)
    if header is None:
        raise GoneError
    has_pixels = "Rows" in header
    return Contents(header, PixelData(0x7FE00010, "OW", None) if has_pixels else None)

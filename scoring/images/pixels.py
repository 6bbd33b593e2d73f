"""Decoding: from the stored pixel values of a slice to Hounsfield units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from config.errors import NotScorable, is_fault
from dicom import elements
from scoring.images.slices import Slice
from scoring.images.volume import AIR_HU, StoredOrder

_LIMITS = np.iinfo(np.int16)


def read(slices: Sequence[Slice], order: StoredOrder, out: NDArray[np.int16]) -> None:
    """Fill `out` (slices, y, x) with the HU of every slice, one image in memory at a time.

    HU are rounded to whole numbers and limited to int16; padding (PS3.3 C.7.5.1.1.2) becomes at most -1024.
    Raises NotScorable when a file cannot be decoded; the text names its SOP Instance UID.
    """
    files: dict[Path, list[int]] = {}
    for index, item in enumerate(slices):
        files.setdefault(item.path, []).append(index)
    for indices in files.values():
        # frames in file order: compressed frames can only be located by reading through the file
        ordered = sorted(indices, key=lambda index: slices[index].frame or 0)
        images = _decode([slices[index] for index in ordered])
        for index, (stored, padding) in zip(ordered, images, strict=True):
            out[index] = order.canonical(_rescale(stored, padding, slices[index]))


def hold_same_hu(one: Slice, other: Slice) -> bool:
    """True if two slices of the same size hold the same HU."""
    order = StoredOrder(one.plane.rows, one.plane.columns)
    both = np.empty((2, *order.shape), dtype=np.int16)
    read((one, other), order, both)
    return bool(np.array_equal(both[0], both[1]))


def _decode(slices: Sequence[Slice]) -> Iterator[tuple[NDArray[Any], tuple[int, int] | None]]:
    """Stored values and the range of padding values of slices that lie in one file."""
    first = slices[0]
    header = elements.opened(first.path, pixels=first.frame is None)
    if header is None:
        raise NotScorable("unreadable_pixels", variant="gone", uid=first.sop_instance_uid)
    syntax = UID(header.file_meta.TransferSyntaxUID)
    try:
        padding = _read_padding(header)
        images = _decode_images(first, header, syntax, [(item.frame or 1) - 1 for item in slices])
        for item, image in zip(slices, images, strict=True):
            if image.shape != (item.plane.rows, item.plane.columns):
                raise ValueError(f"decoded as {image.shape}")  # noqa: TRY301 - one text for everything that can be wrong
            yield _extend_sign(image, header), padding
    # decoders raise all kinds of exceptions for a damaged stream; the verdict is the same
    except Exception as error:
        if is_fault(error):
            raise
        words = " ".join(str(error).split())
        raise NotScorable(
            "unreadable_pixels", variant="decoding", uid=first.sop_instance_uid, syntax=syntax.name, error=words
        ) from error


def _decode_images(first: Slice, header: Dataset, syntax: UID, frames: Sequence[int]) -> Iterator[NDArray[Any]]:
    if first.frame is None:
        return iter_pixels(header, indices=frames, raw=True)
    if syntax == DeflatedExplicitVRLittleEndian:
        # a deflated file has no frame to seek to
        whole = elements.opened(first.path, pixels=True)
        return iter_pixels(whole if whole is not None else header, indices=frames, raw=True)
    return iter_pixels(first.path, indices=frames, raw=True)


def _extend_sign(image: NDArray[Any], header: Dataset) -> NDArray[Any]:
    """Sign-extend stored values whose stream was coded as unsigned with more bits than are stored (PS3.5 8.1.1)."""
    unused = image.dtype.itemsize * 8 - int(elements.number(header, "BitsStored") or 16)
    if image.dtype.kind != "i" or unused <= 0:
        return image
    return (image << unused) >> unused


def _read_padding(header: Dataset) -> tuple[int, int] | None:
    value = elements.number(header, "PixelPaddingValue")
    if value is None:
        return None
    limit = elements.number(header, "PixelPaddingRangeLimit")
    bits = int(elements.number(header, "BitsAllocated") or 16)
    signed = elements.number(header, "PixelRepresentation") == 1

    def as_stored(number: float) -> int:
        # seen in the field: -2000 written as the unsigned 63536
        unsigned = int(number) % (1 << bits)
        return unsigned - (1 << bits) if signed and unsigned >= 1 << (bits - 1) else unsigned

    ends = (as_stored(value), as_stored(value if limit is None else limit))
    return min(ends), max(ends)


def _rescale(stored: NDArray[Any], padding: tuple[int, int] | None, item: Slice) -> NDArray[np.int16]:
    slope, intercept = item.rescale.slope, item.rescale.intercept
    if slope == 1.0 and intercept.is_integer():
        hu: NDArray[Any] = stored.astype(np.int32) + int(intercept)
    else:
        hu = np.rint(stored * slope + intercept)
    hu = np.clip(hu, _LIMITS.min, _LIMITS.max).astype(np.int16)
    if padding is not None:
        padded = (stored >= padding[0]) & (stored <= padding[1])
        hu[padded] = np.minimum(hu[padded], AIR_HU)
    return hu

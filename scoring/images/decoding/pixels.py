"""Decoding: from the stored pixel values of a slice to Hounsfield units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, JPEGTransferSyntaxes, RLELossless
from scipy import ndimage

from config.errors import NotScorable, is_fault
from dicom import elements
from scoring.images.decoding import codestream
from scoring.images.decoding.bits import SampleBits, UnexplainedBitsError, read_sample_bits
from scoring.images.slices import Slice
from scoring.images.volume import AIR_HU, StoredOrder

_LIMITS = np.iinfo(np.int16)
# padding below this cannot be mistaken for tissue
_TISSUE_HU: Final = -500


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
        for index, (stored, padded) in zip(ordered, images, strict=True):
            out[index] = order.canonical(_rescale(stored, padded, slices[index]))


def hold_same_hu(one: Slice, other: Slice) -> bool:
    """True if two slices of the same size hold the same HU."""
    order = StoredOrder(one.plane.rows, one.plane.columns)
    both = np.empty((2, *order.shape), dtype=np.int16)
    read((one, other), order, both)
    return bool(np.array_equal(both[0], both[1]))


def _decode(slices: Sequence[Slice]) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_] | None]]:
    """Stored values, and where they are padding, of slices that lie in one file."""
    first = slices[0]
    uid, syntax = first.sop_instance_uid, DeflatedExplicitVRLittleEndian
    try:
        header = elements.opened(first.path, pixels=first.frame is None)
        if header is None:
            raise NotScorable("unreadable_pixels", variant="gone", uid=uid)  # noqa: TRY301 - one place opens the file
        if first.frame is None and not header.get("PixelData"):
            raise NotScorable("unreadable_pixels", variant="absent", uid=uid)  # noqa: TRY301
        syntax = UID(header.file_meta.TransferSyntaxUID)
        bits, padding = read_sample_bits(header), _read_padding(header)
        images = _decode_images(first, header, syntax, [(item.frame or 1) - 1 for item in slices], bits)
        for item, (image, precision) in zip(slices, images, strict=True):
            if image.shape != (item.plane.rows, item.plane.columns):
                raise ValueError(f"decoded as {image.shape}")  # noqa: TRY301 - one text for everything that can be wrong
            yield _find_values(image, precision, bits, padding)
    except (NotScorable, MemoryError):
        raise
    except UnexplainedBitsError as error:
        stored, high = error.bits.stored, error.bits.high
        raise NotScorable("broken_image", variant="bits", image=uid, stored=stored, high=high) from error
    # decoders raise all kinds of exceptions for a damaged stream; the verdict is the same
    except Exception as error:
        if is_fault(error):
            raise
        words = " ".join(str(error).split())
        raise NotScorable("unreadable_pixels", variant="decoding", uid=uid, syntax=syntax.name, error=words) from error


def _decode_images(
    first: Slice, header: Dataset, syntax: UID, frames: Sequence[int], bits: SampleBits
) -> Iterator[tuple[NDArray[Any], int]]:
    """Decode frames in file order: all bits of the samples, and how many of them were coded."""
    # every bit is asked for: which of them are the value is not the decoder's to decide; the header's numbers may be
    # stored in any representation, which the decoder would take as they are
    samples, count = (elements.number(header, name) for name in ("SamplesPerPixel", "NumberOfFrames"))
    whole: dict[str, Any] = {
        "rows": first.plane.rows,
        "columns": first.plane.columns,
        "samples_per_pixel": int(samples or 0),
        "number_of_frames": int(count or 1),
        "pixel_representation": int(bits.signed),
        "bits_allocated": bits.allocated,
        "bits_stored": bits.allocated,
        "correct_unused_bits": False,
        "apply_j2k_sign_correction": False,
        "apply_jls_sign_correction": False,
    }
    if not syntax.is_encapsulated and syntax != DeflatedExplicitVRLittleEndian and first.frame is not None:
        return ((image, bits.allocated) for image in iter_pixels(first.path, indices=frames, raw=True, **whole))
    # neither a compressed nor a deflated file says where a frame begins
    dataset = header if first.frame is None else elements.opened(first.path, pixels=True)
    if dataset is None:
        raise ValueError("the file cannot be read")
    if syntax.is_encapsulated and syntax != RLELossless:
        precisions = _check_streams(dataset, frames, first)
        if syntax in JPEGTransferSyntaxes:
            # without a sign of its own, a stream of fewer bits holds the low bits of the stored value
            precisions = [max(precision, bits.stored) for precision in precisions]
    else:
        precisions = [bits.allocated] * len(frames)
    return zip(iter_pixels(dataset, indices=frames, raw=True, **whole), precisions, strict=True)


def _check_streams(dataset: Dataset, frames: Sequence[int], first: Slice) -> list[int]:
    """Return the bits of a sample in each stream. Raises ValueError when one has another size than the header says."""
    count = int(elements.number(dataset, "NumberOfFrames") or 1)
    offsets = None
    if "ExtendedOffsetTable" in dataset and "ExtendedOffsetTableLengths" in dataset:
        offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    wanted, precisions = set(frames), []
    streams = generate_frames(dataset.PixelData, number_of_frames=count, extended_offsets=offsets)
    for index, stream in enumerate(streams):
        if index not in wanted:
            continue
        found = codestream.read(stream)
        if (found.rows, found.columns) != (first.plane.rows, first.plane.columns):
            raise ValueError(f"the stream has {found.rows} x {found.columns} samples")
        precisions.append(found.precision)
    return precisions


def _find_values(
    samples: NDArray[Any], precision: int, bits: SampleBits, padding: tuple[int, int] | None
) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    if padding is None:
        return bits.to_values(samples, precision), None
    padded = _lie_in(bits.to_whole(samples, precision), padding)
    values = bits.to_values(samples, precision, padded)
    return values, padded | _lie_in(values, padding)


def _lie_in(values: NDArray[Any], ends: tuple[int, int]) -> NDArray[np.bool_]:
    return np.asarray((values >= ends[0]) & (values <= ends[1]))


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


def _rescale(stored: NDArray[Any], padded: NDArray[np.bool_] | None, item: Slice) -> NDArray[np.int16]:
    slope, intercept = item.rescale.slope, item.rescale.intercept
    if slope == 1.0 and intercept.is_integer():
        hu: NDArray[Any] = stored.astype(np.int32) + int(intercept)
    else:
        hu = np.rint(stored * slope + intercept)
    hu = np.clip(hu, _LIMITS.min, _LIMITS.max).astype(np.int16)
    if padded is not None:
        padded = _keep_tissue(padded, hu)
        hu[padded] = np.minimum(hu[padded], AIR_HU)
    return hu


def _keep_tissue(padded: NDArray[np.bool_], hu: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return the pixels that are padding; where its value occurs in tissue, only those that reach the image's edge.

    Padding fills up a picture to its rectangle (PS3.3 C.7.5.1.1.2); inside, its value is that of tissue, or of calcium.
    """
    if not np.any(padded & (hu > _TISSUE_HU)):
        return padded
    edge = np.ones(padded.shape, dtype=bool)
    edge[1:-1, 1:-1] = False
    return ndimage.binary_propagation(edge & padded, mask=padded)

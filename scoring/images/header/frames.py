"""The frames of a multi-frame image: whether header, functional groups and pixel data speak of the same number.

Where they do not, nobody knows which values belong to which frame, and frames may be missing.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import parse_basic_offsets, parse_fragments
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from config.errors import NotScorable
from dicom import elements
from dicom.stored import DAMAGE

_MULTI_FRAME: Final = (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
_PIXEL_TAGS: Final = ("Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "PixelData")
_PIXEL_DATA: Final = 0x7FE00010
_UNDEFINED_LENGTH: Final = 0xFFFFFFFF
_BIG: Final = 4096


def find_contradiction(path: Path, dataset: Dataset, groups: int) -> NotScorable | None:
    """Say why the number of frames of a file is not known; None when it is, or the image has one frame.

    `dataset` is the header, `groups` the items of Per-frame Functional Groups Sequence: one for each frame
    (PS3.3 C.7.6.16). The object of CT Image Storage has one frame (A.3). The reason is `frames_disagree`.
    """
    uid = elements.text(dataset, "SOPInstanceUID")
    stated = elements.numbers(dataset, "NumberOfFrames", 1)
    frames = None if stated is None else int(stated[0])
    sop_class_uid = elements.text(dataset, "SOPClassUID")
    if not groups and sop_class_uid not in _MULTI_FRAME:
        if sop_class_uid in ("", CTImageStorage) and frames is not None and frames > 1:
            return NotScorable("frames_disagree", variant="class", uid=uid, frames=frames)
        return None
    if frames is None:
        return NotScorable("frames_disagree", variant="uncounted", uid=uid, groups=groups)
    if frames != groups:
        return NotScorable("frames_disagree", variant="groups", uid=uid, frames=frames, groups=groups)
    held = _count_frames(path, frames)
    if held is not None and held != frames:
        return NotScorable("frames_disagree", variant="pixels", uid=uid, frames=frames, held=held)
    return None


def _count_frames(path: Path, frames: int) -> int | None:
    """The whole frames in the pixel data, at most `frames` of compressed ones; None where that cannot be told.

    Only the length of uncompressed pixel data is read.
    """
    try:
        dataset = dcmread(path, defer_size=_BIG, specific_tags=list(_PIXEL_TAGS), force=True)
        # looked up by itself, the value would be read
        stored = next((element for element in dataset.values() if element.tag == _PIXEL_DATA), None)
        if stored is None:
            return 0
        length = getattr(stored, "length", None)
        if length is None or length == _UNDEFINED_LENGTH:
            return _count_compressed(dataset, frames)
        sizes = [elements.number(dataset, keyword) for keyword in _PIXEL_TAGS[:4]]
        rows, columns, bits, samples = (int(size or 0) for size in sizes)
        size = rows * columns * bits * (samples or 1) // 8
        return length // size if size else None
    except DAMAGE:
        return None


def _count_compressed(dataset: Dataset, frames: int) -> int | None:
    data = BytesIO(dataset.PixelData)
    offsets = parse_basic_offsets(data)
    if offsets:
        return len(offsets)
    fragments, _ = parse_fragments(data)
    # a frame can consist of several fragments, but not of none
    return min(fragments, frames)

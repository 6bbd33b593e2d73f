"""Pixels of one frame, decoded: runs in the processes of `decoding`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from dicom import elements
from scp.services.retrieve.encoding import SUBSAMPLED, NotEncodable

_NOWHERE: Final = frozenset({DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian})
"""Files whose frames cannot be read by themselves."""


def decode_frame(source: Path, index: int) -> bytes:
    """Return a frame's stored values in little endian, the samples of a pixel side by side (PS3.18 8.7.3.3.2).

    Raises NotEncodable, and what pydicom and the decoders raise.
    """
    header = elements.opened(source)
    if header is None:
        raise NotEncodable("its file is damaged")
    image = read_frame(source, header, index, in_rgb=str(header.get("PhotometricInterpretation", "")) in SUBSAMPLED)
    return image.astype(image.dtype.newbyteorder("<"), copy=False).tobytes()


def read_frame(source: Path, header: Dataset, index: int, *, in_rgb: bool) -> NDArray[Any]:
    """Decode a frame; colours in YCbCr become RGB with `in_rgb`. Raises what pydicom and the decoders raise."""
    syntax = UID(header.file_meta.TransferSyntaxUID)
    if syntax in _NOWHERE:
        whole = elements.opened(source, pixels=True)
        if whole is None:
            raise NotEncodable("its file is damaged")
        return pixel_array(whole, index=index, raw=not in_rgb)
    return pixel_array(source, index=index, raw=not in_rgb)

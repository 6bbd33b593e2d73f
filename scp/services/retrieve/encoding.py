"""An object in another transfer syntax: inflated, decompressed, with or without value representations.

Runs in the process of `transcoding`: decoders are native code, and these bytes came from anywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRBigEndian

from dicom import elements

SUBSAMPLED: Final = frozenset({"YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422"})
"""Without compression they cannot be written, so that these images become RGB (PS3.3 C.7.6.3.1.2)."""


class NotEncodable(Exception):
    """The object cannot be encoded in this syntax; the text says why, without values of the header."""


def encode(source: Path, syntax: str, target: Path) -> None:
    """Write the data set of the file `source` to `target` in an uncompressed transfer syntax.

    The object keeps its SOP Instance UID, and Lossy Image Compression (0028,2110) says what it said before. Raises
    NotEncodable, OSError, MemoryError, and what pydicom and the decoders raise.
    """
    dataset = elements.opened(source, pixels=True)
    if dataset is None:
        raise NotEncodable("its file is damaged")
    stored = UID(dataset.file_meta.TransferSyntaxUID)
    if stored == ExplicitVRBigEndian:
        raise NotEncodable("its byte order is big endian")
    if stored.is_encapsulated:
        _decompress(dataset)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, UID(syntax).is_implicit_VR
    write_dataset(buffer, dataset)
    target.write_bytes(buffer.getvalue())


def _decompress(dataset: Dataset) -> None:
    if "PixelData" not in dataset:
        raise NotEncodable("it has no Pixel Data")
    try:
        get_decoder(dataset.file_meta.TransferSyntaxUID)
    except NotImplementedError as error:
        raise NotEncodable("nothing here decodes its transfer syntax") from error
    in_rgb = str(dataset.get("PhotometricInterpretation", "")) in SUBSAMPLED
    dataset.decompress(as_rgb=in_rgb, generate_instance_uid=False)

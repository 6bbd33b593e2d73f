"""The identity of an object in the first bytes of its data set, also where these are damaged."""

from __future__ import annotations

import zlib
from typing import Final

from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicom.text import decode_text
from storage.objects import head

SOP_CLASS, SOP_INSTANCE, MODALITY, STUDY, SERIES = 0x00080016, 0x00080018, 0x00080060, 0x0020000D, 0x0020000E
_VRS: Final = {SOP_CLASS: "UI", SOP_INSTANCE: "UI", MODALITY: "CS", STUDY: "UI", SERIES: "UI"}
_INFLATED_BYTES: Final = 1 << 20


def read_start(data: bytes, transfer_syntax_uid: str) -> dict[int, str]:
    """Read the identity; "" for what is not found, or lies behind damage.

    If the bytes make no sense, they are read in the other kind of encoding.
    """
    if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, _INFLATED_BYTES)
        except zlib.error:
            data = b""
    implicit = transfer_syntax_uid == ImplicitVRLittleEndian
    values = head.read_until_damage(data, implicit=implicit)
    if SERIES not in values:
        values = head.read_until_damage(data, implicit=not implicit)
    return {tag: decode_text(values.get(tag, b""), vr, b"") for tag, vr in _VRS.items()}

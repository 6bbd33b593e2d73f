"""What the Storage SCP takes: SOP classes and the transfer syntaxes of each (PS3.4 B.5, PS3.5 annex A)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    AllTransferSyntaxes,
    DeflatedExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPIPHTJ2KReferenced,
    JPIPHTJ2KReferencedDeflate,
    RLELossless,
    SMPTEST211020UncompressedInterlacedActiveVideo,
    SMPTEST211020UncompressedProgressiveActiveVideo,
    SMPTEST211030PCMDigitalAudio,
)

from dicom.sop_classes import IMAGE_STORAGE, REPORT_STORAGE, UNCOMPRESSED, is_companion
from scp.network.extended import Capabilities
from scp.network.negotiation import PresentationContext

IMAGE_TRANSFER_SYNTAXES: Final[tuple[str, ...]] = (
    *UNCOMPRESSED,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000Lossless,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    HTJ2K,
)
"""Stored as received, decoded when scored."""

_ENCAPSULATED_UNCOMPRESSED: Final = "1.2.840.10008.1.2.1.98"
_ELSEWHERE: Final = frozenset(
    {
        JPIPHTJ2KReferenced,
        JPIPHTJ2KReferencedDeflate,
        SMPTEST211020UncompressedProgressiveActiveVideo,
        SMPTEST211020UncompressedInterlacedActiveVideo,
        SMPTEST211030PCMDigitalAudio,
    }
)
"""Pixels behind a URL, and live video: not in the object, so that it would be stored without them."""

COMPANION_TRANSFER_SYNTAXES: Final[tuple[str, ...]] = (
    *IMAGE_TRANSFER_SYNTAXES,
    *(uid for uid in AllTransferSyntaxes if uid not in _ELSEWHERE and uid not in IMAGE_TRANSFER_SYNTAXES),
    _ENCAPSULATED_UNCOMPRESSED,
)
"""Stored as received and never decoded: pictures in lossy JPEG and video among them."""

CAPABILITIES: Final = Capabilities(b"\2\0\3\0\0\0")
"""Level 2, signatures preserved (level 3), no element coerced (PS3.4 tables B.3-2, B.4.1): bytes stay as they come."""

CONTEXTS: Final = (
    *(PresentationContext(uid, IMAGE_TRANSFER_SYNTAXES, extended=CAPABILITIES) for uid in IMAGE_STORAGE),
    *(PresentationContext(uid, UNCOMPRESSED, extended=CAPABILITIES) for uid in REPORT_STORAGE),
)


def find_companion_context(sop_class_uid: str) -> PresentationContext | None:
    """Return the context of a class that accompanies a CT study, None for any other; there are too many for a list."""
    if not is_companion(sop_class_uid):
        return None
    return PresentationContext(sop_class_uid, COMPANION_TRANSFER_SYNTAXES, extended=CAPABILITIES)


def find_dropped_context(sop_class_uid: str) -> PresentationContext | None:
    """Return the same for a node that keeps none of these objects: it claims no level of support."""
    context = find_companion_context(sop_class_uid)
    return context and replace(context, extended=None)

"""Presentation contexts: what the node accepts and proposes (PS3.8 9.3.2, PS3.4 annexes A, B and C).

The conformance statement is made from these tables.
"""

from __future__ import annotations

from typing import Final

from pydicom.uid import (
    HTJ2K,
    RLELossless,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    LegacyConvertedEnhancedCTImageStorage,
)
from pynetdicom import build_context
from pynetdicom.presentation import PresentationContext
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from config.settings import Service

UNCOMPRESSED: Final[tuple[str, ...]] = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)

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
"""Stored as they come, decoded when scored."""

IMAGE_STORAGE: Final[tuple[str, ...]] = (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)

QUERY: Final[tuple[str, ...]] = (
    StudyRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelFind,
)


def accepted(services: tuple[Service, ...]) -> list[PresentationContext]:
    """Contexts that a peer with these services may open; Verification is open to every peer."""
    contexts = [build_context(Verification, list(UNCOMPRESSED))]
    if "store" in services:
        contexts += [build_context(uid, list(IMAGE_TRANSFER_SYNTAXES)) for uid in IMAGE_STORAGE]
    if "query" in services:
        contexts += [build_context(uid, list(UNCOMPRESSED)) for uid in QUERY]
    return contexts


def proposed(objects: set[tuple[str, str]]) -> list[PresentationContext]:
    """One context for each (SOP class, transfer syntax) of the objects to be sent, as stored.

    At most 128 contexts fit one association (PS3.8 9.3.2.2: odd identifiers 1 to 255).
    Raises ValueError beyond that.
    """
    if len(objects) > 128:
        raise ValueError(f"{len(objects)} presentation contexts do not fit one association (128)")
    return [build_context(sop_class, [syntax]) for sop_class, syntax in sorted(objects)]

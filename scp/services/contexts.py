"""Presentation contexts: what the node accepts and proposes (PS3.8 9.3.2, PS3.4 annexes A, B and C).

The conformance statement is made from these tables.
"""

from __future__ import annotations

from typing import Final

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    LegacyConvertedEnhancedCTImageStorage,
    RLELossless,
)
from pynetdicom import build_context
from pynetdicom.presentation import PresentationContext

from config.settings import Service

VERIFICATION: Final = "1.2.840.10008.1.1"
PATIENT_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.1.1"
STUDY_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"

_MOST_CONTEXTS: Final = 128

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

REPORT_STORAGE: Final[tuple[str, ...]] = (ComprehensiveSRStorage, Comprehensive3DSRStorage, EnhancedSRStorage)
"""Earlier reports of a patient: kept, and read for a comparison."""

QUERY: Final[tuple[str, ...]] = (
    STUDY_ROOT_FIND,
    PATIENT_ROOT_FIND,
)


FIND: Final = frozenset(QUERY)
OF_THE_LIBRARY: Final[frozenset[str]] = frozenset()
"""Classes of services that pynetdicom serves for us: an association that proposes one of them is left to it."""


def is_storage(abstract_syntax: str) -> bool:
    """Whether it is a class of the Storage service: all of the Standard's lie under one root (PS3.4 B.5, PS3.6 A)."""
    return abstract_syntax.startswith("1.2.840.10008.5.1.4.1.1.")


def is_query(abstract_syntax: str) -> bool:
    """Whether it is a model of the Query service (PS3.4 C.3)."""
    return abstract_syntax in FIND


def accepted(services: tuple[Service, ...]) -> list[PresentationContext]:
    """Contexts that a peer with these services may open; Verification is open to every peer."""
    contexts = [build_context(VERIFICATION, list(UNCOMPRESSED))]
    if "store" in services:
        contexts += [build_context(uid, list(IMAGE_TRANSFER_SYNTAXES)) for uid in IMAGE_STORAGE]
        contexts += [build_context(uid, list(UNCOMPRESSED)) for uid in REPORT_STORAGE]
    if "query" in services:
        contexts += [build_context(uid, list(UNCOMPRESSED)) for uid in QUERY]
    return contexts


def proposed(objects: set[tuple[str, str]]) -> list[PresentationContext]:
    """One context for each (SOP class, transfer syntax) of the objects to be sent, as stored.

    At most 128 contexts fit one association (PS3.8 9.3.2.2: odd identifiers 1 to 255).
    Raises ValueError beyond that.
    """
    if len(objects) > _MOST_CONTEXTS:
        raise ValueError(f"{len(objects)} presentation contexts do not fit one association ({_MOST_CONTEXTS})")
    return [build_context(sop_class, [syntax]) for sop_class, syntax in sorted(objects)]

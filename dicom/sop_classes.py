"""SOP classes and transfer syntaxes used by more than one part of the node (PS3.4, PS3.6 annex A)."""

from __future__ import annotations

from typing import Final

from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    LegacyConvertedEnhancedCTImageStorage,
)

from dicom.uids import is_uid_form

VERIFICATION: Final = "1.2.840.10008.1.1"
PATIENT_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.1.1"
STUDY_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
PATIENT_ROOT_MOVE: Final = "1.2.840.10008.5.1.4.1.2.1.2"
STUDY_ROOT_MOVE: Final = "1.2.840.10008.5.1.4.1.2.2.2"
PATIENT_ROOT_GET: Final = "1.2.840.10008.5.1.4.1.2.1.3"
STUDY_ROOT_GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"
STORAGE_COMMITMENT: Final = "1.2.840.10008.1.20.1"
STORAGE_COMMITMENT_INSTANCE: Final = "1.2.840.10008.1.20.1.1"
"""The well-known SOP instance of Storage Commitment (PS3.4 J.3.5)."""
PERFORMED_PROCEDURE_STEP: Final = "1.2.840.10008.3.1.2.3.3"
"""Modality Performed Procedure Step (PS3.4 F.7)."""

UNCOMPRESSED: Final[tuple[str, ...]] = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
"""Transfer syntaxes that need no decoder, the preferred one first."""

IMAGE_STORAGE: Final[tuple[str, ...]] = (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)
"""The images that can be scored; nothing else in a series is part of the scan."""

KEY_OBJECT_SELECTION: Final = "1.2.840.10008.5.1.4.1.1.88.59"
"""Key Object Selection Document Storage: rejection notes among other selections."""

REPORT_STORAGE: Final[tuple[str, ...]] = (ComprehensiveSRStorage, Comprehensive3DSRStorage, EnhancedSRStorage)
"""Earlier reports of a patient, read for comparison."""

_DICOM_ROOT: Final = "1.2.840.10008."
_STORAGE_ROOT: Final = "1.2.840.10008.5.1.4.1.1."
_OTHER_SERVICES: Final = frozenset(
    {
        *(f"{_STORAGE_ROOT}200.{number}" for number in (4, 5, 6)),  # Protocol Approval: find, move, get
        *(f"{_STORAGE_ROOT}201.{number}" for number in (2, 3, 4, 5, 6)),  # Inventory, Repository Query
    }
)
"""Classes of query, retrieval and creation that stand under the root of the Storage classes."""


def is_storage(sop_class_uid: str) -> bool:
    """Return whether objects of this class may be stored: a Storage SOP class, or a private class (PS3.4 B.5, PS3.6 A).

    The Storage classes of composite objects share one UID root; one that a later edition adds is known by it. What a
    private class means only its maker knows, and storing is what makers use them for.
    """
    if not is_uid_form(sop_class_uid):
        return False
    standard = sop_class_uid.startswith(_DICOM_ROOT)
    return not standard or (sop_class_uid.startswith(_STORAGE_ROOT) and sop_class_uid not in _OTHER_SERVICES)


def is_companion(sop_class_uid: str) -> bool:
    """Return whether this is a class that accompanies a CT study: storable, and neither its images nor its reports."""
    return is_storage(sop_class_uid) and sop_class_uid not in IMAGE_STORAGE and sop_class_uid not in REPORT_STORAGE

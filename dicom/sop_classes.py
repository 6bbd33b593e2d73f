"""SOP classes and transfer syntaxes used by more than one part of the node (PS3.4, PS3.6 annex A)."""

from __future__ import annotations

from typing import Final

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

VERIFICATION: Final = "1.2.840.10008.1.1"
PATIENT_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.1.1"
STUDY_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"

UNCOMPRESSED: Final[tuple[str, ...]] = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
"""Transfer syntaxes that need no decoder, the preferred one first."""

_STORAGE_ROOT: Final = "1.2.840.10008.5.1.4.1.1."


def is_storage(sop_class_uid: str) -> bool:
    """Return whether this is a Storage SOP class: all of them share one UID root (PS3.4 B.5, PS3.6 A)."""
    return sop_class_uid.startswith(_STORAGE_ROOT)

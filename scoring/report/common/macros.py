"""What the items of copied sequences and the modules around them need to be valid (PS3.3 chapter 10, annex C)."""

from __future__ import annotations

import re
from typing import Final

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from dicom.legal import LONGEST

_CODE_SEQUENCE: Final = re.compile(r"CodeSequence$")
_PHYSICIAN: Final = re.compile(r"Physicians?\w*IdentificationSequence$")
_CODE_VALUES: Final = ("CodeValue", "LongCodeValue", "URNCodeValue")
_URN: Final = re.compile(r"(urn|https?):[!-~]+")
_REFERENCE: Final = ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID")
# Table 8.8-1b: of no use without one another
_CONTEXT: Final = ("ContextIdentifier", "MappingResource", "ContextGroupVersion")
_EXTENSION: Final = ("ContextGroupExtensionFlag", "ContextGroupLocalVersion", "ContextGroupExtensionCreatorUID")
_UNIVERSAL: Final = ("UniversalEntityID", "UniversalEntityIDType")

# type 1 in the items of these sequences, besides codes and references
_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "OtherPatientIDsSequence": ("PatientID", "TypeOfPatientID"),
    "SourcePatientGroupIdentificationSequence": ("PatientID",),
    "GroupOfPatientsIdentificationSequence": ("PatientID",),
    "BreedRegistrationSequence": ("BreedRegistrationNumber", "BreedRegistryCodeSequence"),
    "StrainStockSequence": ("StrainStockNumber", "StrainSource", "StrainSourceRegistryCodeSequence"),
    "ReferencedStudySequence": _REFERENCE,
    "ReferencedPatientSequence": _REFERENCE,
}

# Clinical Trial Subject (C.7.1.3): type 1, with one of the identifiers; type 2
_SUBJECT: Final = ("ClinicalTrialSponsorName", "ClinicalTrialProtocolID")
_SUBJECT_IDS: Final = ("ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID")
_SUBJECT_EMPTY: Final = ("ClinicalTrialProtocolName", "ClinicalTrialSiteID", "ClinicalTrialSiteName")
_METHODS: Final = ("DeidentificationMethod", "DeidentificationMethodCodeSequence")


def repair_item(sequence: BaseTag, item: Dataset) -> bool:
    """Make a copied item valid as far as it can be without a guess; False where it cannot, and must be left out.

    A Code Value of more than 16 characters becomes a Long Code Value (Table 8.8-1a); elements that mean nothing
    without another one that is missing go.
    """
    keyword = keyword_for_tag(sequence)
    _move_long_code(item)
    for group in (_CONTEXT, _UNIVERSAL):
        if not all(_has(item, word) for word in group):
            _remove(item, group)
    if "ContextIdentifier" not in item:
        _remove(item, (*_EXTENSION, "ContextUID"))
    if _CODE_SEQUENCE.search(keyword):
        return _has(item, "CodeMeaning") and _has_code(item)
    needed = ("PersonIdentificationCodeSequence",) if _PHYSICIAN.search(keyword) else _NEEDED.get(keyword, ())
    if any(word in item for word in _REFERENCE):
        needed = (*needed, *_REFERENCE)
    return all(_has(item, word) for word in needed)


def complete_modules(copied: Dataset) -> list[str]:
    """Complete what Patient and Clinical Trial Subject must have, or remove the latter; returns the keywords removed.

    A method of de-identification that the images do not name is said to be so (C.7.1.1: type 1C).
    """
    if copied.get("PatientIdentityRemoved") == "YES" and not any(_has(copied, word) for word in _METHODS):
        copied.DeidentificationMethod = "Not stated in the images"
    words = [word for word in (*_SUBJECT, *_SUBJECT_IDS, *_SUBJECT_EMPTY) if word in copied]
    if all(_has(copied, word) for word in _SUBJECT) and any(_has(copied, word) for word in _SUBJECT_IDS):
        for word in _SUBJECT_EMPTY:
            if word not in copied:
                setattr(copied, word, "")
        _remove(copied, [word for word in _SUBJECT_IDS if not _has(copied, word)])
        return []
    lost = [word for word in words if _has(copied, word)]
    _remove(copied, words)
    return lost


def _move_long_code(item: Dataset) -> None:
    """Move a code that is too long for Code Value to the element that is meant for it."""
    value = str(item.get("CodeValue", ""))
    if len(value) > LONGEST["SH"]:
        _remove(item, ("CodeValue",))
        setattr(item, "URNCodeValue" if _URN.fullmatch(value) else "LongCodeValue", value)


def _has_code(item: Dataset) -> bool:
    """Whether a code is complete, in one of its elements."""
    values = [word for word in _CODE_VALUES if _has(item, word)]
    _remove(item, [word for word in _CODE_VALUES if word not in values[:1]])
    return values[:1] == ["URNCodeValue"] or (bool(values) and _has(item, "CodingSchemeDesignator"))


def _has(item: Dataset, keyword: str) -> bool:
    return keyword in item and not item[keyword].is_empty


def _remove(item: Dataset, keywords: tuple[str, ...] | list[str]) -> None:
    for keyword in keywords:
        if keyword in item:
            del item[keyword]

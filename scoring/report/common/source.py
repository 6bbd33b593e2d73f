"""The elements that a document copies from the header of its source, however broken that header is.

Patient and Study modules are copied as they are stored; only text changes its encoding, to UTF-8. Elements
are taken from their bytes wherever possible, because conversion judges values that are not ours to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydicom import config
from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from dicom import elements
from dicom.character_sets import STRING_VRS, Codecs, decode_value, find_declared_codecs
from dicom.stored import DAMAGE, stored_element

_REFERENCE: Final = ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID")

# PS3.3 C.7.1.1, C.7.1.3, C.7.2.1, C.7.2.2, C.7.2.3 without group 0010, which is copied whole.
_STUDY: Final = (
    "StudyDate",
    "StudyTime",
    "TimezoneOffsetFromUTC",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "ReferringPhysicianName",
    "ReferringPhysicianIdentificationSequence",
    "ConsultingPhysicianName",
    "ConsultingPhysicianIdentificationSequence",
    "StudyDescription",
    "ProcedureCodeSequence",
    "PhysiciansOfRecord",
    "PhysiciansOfRecordIdentificationSequence",
    "NameOfPhysiciansReadingStudy",
    "PhysiciansReadingStudyIdentificationSequence",
    "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence",
    "ReferencedStudySequence",
    "ReferencedPatientSequence",
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "ClinicalTrialSubjectID",
    "ClinicalTrialSubjectReadingID",
    "ClinicalTrialTimePointID",
    "ClinicalTrialTimePointDescription",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "StudyInstanceUID",
    "StudyID",
    "RequestingService",
    "ReasonForVisit",
    "ReasonForVisitCodeSequence",
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "ServiceEpisodeID",
    "ServiceEpisodeDescription",
    "IssuerOfServiceEpisodeIDSequence",
    "PatientState",
    "ReasonForPerformedProcedureCodeSequence",
)
# Type 2 in Patient and General Study: present, empty where the source has none.
_REQUIRED: Final = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)
_STUDY_TAGS: Final = frozenset(Tag(tag) for tag in map(tag_for_keyword, _STUDY) if tag is not None)
_REQUIRED_TAGS: Final = tuple(Tag(tag) for tag in map(tag_for_keyword, _REQUIRED) if tag is not None)
# Type 2 in Clinical Trial Subject, which is there when one of its elements is.
_KEPT_EMPTY: Final = frozenset(
    Tag(tag) for word in _STUDY if word.startswith("ClinicalTrial") and (tag := tag_for_keyword(word)) is not None
).union(_REQUIRED_TAGS)


def copy_patient_and_study(source: Dataset) -> Dataset:
    """Patient, Patient Study and General Study modules of `source`, text as Unicode, values unchanged.

    Type 2 elements that the source lacks are there, empty; optional ones without a value, private ones and
    references to nothing are left out. The UIDs stay as they are, valid or not.
    """
    codecs = find_declared_codecs(source)
    tags = [tag for tag in source.keys() if tag.group == 0x0010 or tag in _STUDY_TAGS]  # noqa: SIM118
    copied = _copy(source, tags, codecs, optional=True)
    for tag in _REQUIRED_TAGS:
        if tag not in copied:
            copied.add(DataElement(tag, dictionary_VR(tag), ""))
    return copied


def copy_request_attributes(source: Dataset) -> list[Dataset]:
    """Items of Request Attributes Sequence (0040,0275) that have content, text as Unicode."""
    tag = Tag("RequestAttributesSequence")
    copied = _copy(source, [tag] if tag in source else [], find_declared_codecs(source), optional=True)
    return list(copied.get("RequestAttributesSequence", ()))


def _copy(source: Dataset, tags: Iterable[BaseTag], codecs: Codecs, *, optional: bool) -> Dataset:
    copied = Dataset()
    for tag in tags:
        if tag.is_private or not dictionary_has_tag(tag) or tag == Tag("SpecificCharacterSet"):
            continue
        element = _copy_element(source, tag, codecs)
        if element is None or (optional and element.is_empty and tag not in _KEPT_EMPTY):
            continue
        copied[tag] = element
    return copied


def _copy_element(source: Dataset, tag: BaseTag, codecs: Codecs) -> DataElement | None:
    """One element with its text decoded; None when its bytes make no sense in its VR."""
    stored = stored_element(source, tag)
    if stored is None:
        return None
    vr = elements.known_vr(stored.VR, tag)
    value: Any
    try:
        if vr == "SQ":
            value = list(_copy_items(source[tag].value or (), codecs))
        elif not stored.is_raw:
            value = stored.value
        elif vr in STRING_VRS:
            value = decode_value((stored.value or b"").rstrip(b" \0"), vr, codecs)
        else:
            return source[tag]
        return DataElement(tag, vr, value, validation_mode=config.IGNORE)
    except DAMAGE:
        return None


def _copy_items(items: Iterable[Dataset], codecs: Codecs) -> Iterator[Dataset]:
    for item in items:
        own = find_declared_codecs(item, codecs)
        copied = _copy(item, item.keys(), own, optional=False)
        if all(element.is_empty for element in copied):
            continue
        # An item that names nothing (empty UID or code) is worse than none: both are type 1.
        if any(keyword in copied and not copied[keyword].value for keyword in (*_REFERENCE, "CodeMeaning")):
            continue
        if len([keyword for keyword in _REFERENCE if keyword in copied]) == 1:
            continue
        yield copied

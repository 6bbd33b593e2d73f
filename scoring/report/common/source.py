"""The elements that a document copies from the header of its source, however broken that header is.

Patient and Study modules keep their meaning, in the encoding that the Standard allows (`dicom.legal`), text in UTF-8.
Elements are taken from their bytes wherever possible, because conversion judges values that are not ours to judge.
What cannot be copied is left out, and `find_changes` names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pydicom import config
from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from dicom import elements
from dicom.character_sets import Codecs, find_declared_codecs
from dicom.legal import make_legal
from dicom.stored import DAMAGE, stored_element
from dicom.stored_text import read_stored_text
from scoring.report.common.macros import complete_modules, repair_item

# of these a part would be another one
_IDENTIFIER: Final = re.compile(
    r"(IDs?|Numbers?|Locator|Identification|Designator|CodeValue|Version)$|^Issuer|OrderNumber"
)

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
# retired services' own references, of no meaning to a reader
_UNTOLD: Final = frozenset(map(Tag, ("ReferencedStudySequence", "ReferencedPatientSequence")))
_STUDY_INSTANCE_UID: Final = Tag("StudyInstanceUID")
# Type 2 in Clinical Trial Subject, which is there when one of its elements is.
_KEPT_EMPTY: Final = frozenset(
    Tag(tag) for word in _STUDY if word.startswith("ClinicalTrial") and (tag := tag_for_keyword(word)) is not None
).union(_REQUIRED_TAGS)


def copy_patient_and_study(source: Dataset) -> Dataset:
    """Patient, Patient Study and General Study modules of `source`, text as Unicode, in legal encoding.

    Type 2 elements that the source lacks are there, empty; optional ones without a value, private ones and
    references to nothing are left out. The Study Instance UID stays as it is, valid or not.
    """
    return _copy_modules(source)[0]


def copy_request_attributes(source: Dataset) -> list[Dataset]:
    """Items of Request Attributes Sequence (0040,0275) that have content, text as Unicode, in legal encoding."""
    return list(_copy_requests(source)[0].get("RequestAttributesSequence", ()))


def copy_elements(source: Dataset, keywords: Iterable[str]) -> Dataset:
    """The elements of these keywords that have a legal value."""
    tags = [tag for keyword in keywords if (tag := Tag(keyword)) in source]
    return _copy(source, tags, find_declared_codecs(source), optional=True)[0]


def find_changes(source: Dataset) -> list[str]:
    """Keywords of the elements that documents lack, wholly or in part, because their values are not legal."""
    tags = (_copy_modules(source)[1] | _copy_requests(source)[1]) - _UNTOLD
    return [keyword_for_tag(tag) for tag in sorted(tags)]


def _copy_modules(source: Dataset) -> tuple[Dataset, set[BaseTag]]:
    tags = [tag for tag in source.keys() if tag.group == 0x0010 or tag in _STUDY_TAGS]  # noqa: SIM118
    copied, changed = _copy(source, tags, find_declared_codecs(source), optional=True)
    changed |= {Tag(keyword) for keyword in complete_modules(copied)}
    for tag in _REQUIRED_TAGS:
        if tag not in copied:
            copied.add(DataElement(tag, dictionary_VR(tag), ""))
    return copied, changed


def _copy_requests(source: Dataset) -> tuple[Dataset, set[BaseTag]]:
    tag = Tag("RequestAttributesSequence")
    return _copy(source, [tag] if tag in source else [], find_declared_codecs(source), optional=True)


def _copy(source: Dataset, tags: Iterable[BaseTag], codecs: Codecs, *, optional: bool) -> tuple[Dataset, set[BaseTag]]:
    """The elements that have a legal value, and the tags of those that have lost something."""
    copied, changed = Dataset(), set()
    for tag in tags:
        if tag.is_private or not dictionary_has_tag(tag) or tag == Tag("SpecificCharacterSet"):
            continue
        element, lossy = _copy_element(source, tag, codecs)
        if lossy:
            changed.add(tag)
        if element is None or (optional and element.is_empty and tag not in _KEPT_EMPTY):
            continue
        copied[tag] = element
    return copied, changed


def _copy_element(source: Dataset, tag: BaseTag, codecs: Codecs) -> tuple[DataElement | None, bool]:
    """One element in legal encoding, and whether it has lost something; None where nothing of it can be kept."""
    vr = elements.known_vr(None, tag)
    try:
        if vr == "SQ":
            return _copy_sequence(source, tag, codecs)
        stored = stored_element(source, tag)
        text = None if stored is None else read_stored_text(stored, vr, codecs)
    except DAMAGE:
        return None, True
    if text is None:
        return None, True
    if tag == _STUDY_INSTANCE_UID:
        return DataElement(tag, vr, text.strip(" \0"), validation_mode=config.IGNORE), False
    keyword = keyword_for_tag(tag)
    least, most = _multiplicity(dictionary_VM(tag))
    # a longer code has an element of its own (PS3.3 8.8)
    rule = "UC" if keyword == "CodeValue" else vr
    made = make_legal(rule, text, keyword=keyword, most=most, identifies=_IDENTIFIER.search(keyword) is not None)
    if made.values and len(made.values) < least:
        return None, True
    return DataElement(tag, vr, _encode(vr, made.values), validation_mode=config.IGNORE), made.lossy


def _encode(vr: str, values: tuple[str, ...]) -> object:
    """Values as a data element takes them."""
    if vr in {"US", "SS", "UL", "SL"}:
        return [int(value) for value in values]
    if vr in {"FL", "FD"}:
        return [float(value) for value in values]
    return "\\".join(values)


def _multiplicity(allowed: str) -> tuple[int, int | None]:
    """The least and the greatest multiplicity of an entry of the dictionary (PS3.6): 1, 3, 1-8, 1-n, 2-2n."""
    least, _, most = allowed.partition("-")
    return int(least), int(most or least) if (most or least).isdigit() else None


def _copy_sequence(source: Dataset, tag: BaseTag, codecs: Codecs) -> tuple[DataElement | None, bool]:
    items, lossy = [], False
    for item in source[tag].value or ():
        own = find_declared_codecs(item, codecs)
        copied, changed = _copy(item, item.keys(), own, optional=False)
        for empty in [element.tag for element in copied if element.is_empty]:
            del copied[empty]
        lossy |= bool(changed)
        # an item that names nothing is worse than none: what it needs is type 1
        if len(copied) and repair_item(tag, copied):
            items.append(copied)
        elif len(copied):
            lossy = True
    return DataElement(tag, "SQ", items), lossy

"""What a document takes over from the header of its source, however broken that header is.

Patient and Study modules are copied as they are stored; only text changes its encoding, to UTF-8. Elements
are taken from their bytes wherever possible, because conversion judges values that are not ours to judge.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydicom import config
from pydicom.charset import decode_bytes, python_encoding
from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag
from pydicom.valuerep import TEXT_VR_DELIMS

_TEXT: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_ASCII: Final = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"})
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


def patient_and_study(source: Dataset) -> Dataset:
    """Patient, Patient Study and General Study modules of `source`, text as Unicode, values unchanged.

    Type 2 elements that the source lacks are there, empty; optional ones without a value, private ones and
    references to nothing are left out. The UIDs stay as they are, valid or not.
    """
    encodings = _encodings(source, ("iso8859",))
    tags = [tag for tag in source.keys() if tag.group == 0x0010 or tag in _STUDY_TAGS]  # noqa: SIM118
    copied = _copy(source, tags, encodings, optional=True)
    for tag in _REQUIRED_TAGS:
        if tag not in copied:
            copied.add(DataElement(tag, dictionary_VR(tag), ""))
    return copied


def request_attributes(source: Dataset) -> list[Dataset]:
    """Items of Request Attributes Sequence (0040,0275) that say something, text as Unicode."""
    tag = Tag("RequestAttributesSequence")
    copied = _copy(source, [tag] if tag in source else [], _encodings(source, ("iso8859",)), optional=True)
    return list(copied.get("RequestAttributesSequence", ()))


def text(source: Dataset, keyword: str) -> str:
    """First value of a UID or text element as stored, without padding; empty when it is not there."""
    values = _values(source, keyword)
    return str(values[0]).strip(" \0") if values else ""


def numbers(source: Dataset, keyword: str) -> tuple[float, ...]:
    """Values of a numeric element, none of them where one is no number."""
    try:
        return tuple(float(value) for value in _values(source, keyword))
    except (TypeError, ValueError):
        return ()


def _values(source: Dataset, keyword: str) -> list[Any]:
    if keyword not in source:
        return []
    element = _element(source, Tag(keyword), _encodings(source, ("iso8859",)))
    if element is None or element.is_empty:
        return []
    return list(element.value) if isinstance(element.value, MultiValue) else [element.value]


def _copy(source: Dataset, tags: Iterable[BaseTag], encodings: tuple[str, ...], *, optional: bool) -> Dataset:
    copied = Dataset()
    for tag in tags:
        if tag.is_private or not dictionary_has_tag(tag) or tag == Tag("SpecificCharacterSet"):
            continue
        element = _element(source, tag, encodings)
        if element is None or (optional and element.is_empty and tag not in _KEPT_EMPTY):
            continue
        copied[tag] = element
    return copied


def _element(source: Dataset, tag: BaseTag, encodings: tuple[str, ...]) -> DataElement | None:
    """One element with its text decoded; None when its bytes make no sense in its VR."""
    stored = source.get_item(tag)
    vr = _vr(stored.VR, tag)
    value: Any
    if vr == "SQ":
        value = list(_items(source[tag].value or (), encodings))
    elif not stored.is_raw:
        value = stored.value
    elif vr in _TEXT:
        delimiters = TEXT_VR_DELIMS | {0x5C} | ({0x5E, 0x3D} if vr == "PN" else set())
        value = _decode(stored.value or b"", encodings, delimiters)
    elif vr in _ASCII:
        value = (stored.value or b"").decode("latin-1").rstrip(" \0")
    else:
        return source[tag]
    try:
        return DataElement(tag, vr, value, validation_mode=config.IGNORE)
    except (ValueError, OverflowError):
        return None  # a number that is none


def _items(items: Iterable[Dataset], encodings: tuple[str, ...]) -> Iterator[Dataset]:
    for item in items:
        own = _encodings(item, encodings)
        copied = _copy(item, item.keys(), own, optional=False)
        if all(element.is_empty for element in copied):
            continue
        # An item that names nothing (empty UID or code) is worth less than none: both are type 1.
        if any(keyword in copied and not copied[keyword].value for keyword in (*_REFERENCE, "CodeMeaning")):
            continue
        if len([keyword for keyword in _REFERENCE if keyword in copied]) == 1:
            continue
        yield copied


def _vr(vr: str | None, tag: BaseTag) -> str:
    if vr is None or vr == "UN":
        return dictionary_VR(tag).split(" or ")[0] if dictionary_has_tag(tag) else "UN"
    return vr


def _encodings(source: Dataset, inherited: tuple[str, ...]) -> tuple[str, ...]:
    """Python codecs of Specific Character Set (PS3.3 C.12.1.1.2); unknown names are passed over."""
    if "SpecificCharacterSet" not in source:
        return inherited
    value = source.get_item("SpecificCharacterSet").value or ""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    names = value.split("\\") if isinstance(value, str) else value
    known = (python_encoding.get(str(name).strip(" \0").upper().replace("ISO IR", "ISO_IR")) for name in names)
    return tuple(codec for codec in known if codec is not None) or inherited


def _decode(value: bytes, encodings: tuple[str, ...], delimiters: set[int]) -> str:
    """Text of a string element; bytes that do not fit the declared character set are tried as UTF-8."""
    value = value.rstrip(b" \0")
    if b"\x1b" in value:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an unknown escape sequence is the source's fault
            return decode_bytes(value, encodings, delimiters)
    if encodings[0] == "iso8859" and not value.isascii():
        candidates: tuple[str, ...] = ("utf-8", "latin-1")
    else:
        candidates = (encodings[0], "utf-8", "latin-1")
    for codec in candidates:
        try:
            return value.decode(codec)
        except UnicodeDecodeError:
            continue
    return value.decode("latin-1")

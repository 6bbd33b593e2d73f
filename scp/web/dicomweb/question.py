"""What a QIDO-RS request asks: its query parameters as the keys of a search (PS3.18 8.3.4, 10.6.1.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import HTTPException, Request
from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from dicom.binary import BINARY_VRS
from dicom.character_sets import STRING_VRS
from dicom.uids import is_keepable_uid
from scp.web.dicomweb.resources import NoSuchResource, Resource
from storage.objects.attributes import ATTRIBUTES, Level
from storage.query.computed import COMPUTED_LEVELS
from storage.query.search import Search

LARGEST_PAGE: Final = 5000
_MOST_PARAMETERS: Final = 200
_LONGEST_VALUE: Final = 64 * 1024
_ATTRIBUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*|[0-9A-Fa-f]{8}")
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_OTHERS: Final = frozenset({"accept", "charset", "_"})
_FLAGS: Final[Mapping[str, str]] = {
    "fuzzymatching": "The fuzzymatching parameter is not supported. Only literal matching has been performed.",
    "emptyvaluematching": (
        "The emptyvaluematching parameter is not supported. Empty Value Matching has not been performed."
    ),
    "multiplevaluematching": (
        "The multiplevaluematching parameter is not supported. Multiple Value Matching has not been performed."
    ),
}

_STUDY: Final = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ModalitiesInStudy",
    "ReferringPhysicianName",
    "TimezoneOffsetFromUTC",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)
_SERIES: Final = (
    "Modality",
    "TimezoneOffsetFromUTC",
    "SeriesDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "NumberOfSeriesRelatedInstances",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
)
_INSTANCE: Final = (
    "SOPClassUID",
    "SOPInstanceUID",
    "TimezoneOffsetFromUTC",
    "InstanceNumber",
    "Rows",
    "Columns",
    "NumberOfFrames",
)
_NOT_ASKED: Final = frozenset({"RetrieveAETitle", "InstanceAvailability", "RetrieveURL"})


@dataclass(frozen=True, slots=True)
class Question:
    """A search, the part of its matches that is wanted, and what could not be done about it, in words."""

    search: Search
    offset: int
    limit: int
    warnings: tuple[str, ...]


def read_question(request: Request, level: Level, within: Resource) -> Question:
    """Read the query parameters of a search for a level, within a study or series.

    Raises HTTPException (400), and Rejected where a value is too long; NoSuchResource where a UID cannot be one.
    """
    items = request.query_params.multi_items()
    if len(items) > _MOST_PARAMETERS or any(len(value) > _LONGEST_VALUE for _, value in items):
        raise HTTPException(400, f"more than {_MOST_PARAMETERS} parameters, or a value that is too long")
    warnings, keys = [], {}
    for name, value in items:
        if name.lower() in ("limit", "offset", "includefield", *_OTHERS):
            continue
        if name.lower() in _FLAGS:
            if value.lower() == "true":
                warnings.append(_FLAGS[name.lower()])
            continue
        keyword = _find_keyword(name)
        if keyword is None:
            warnings.append(
                f"The parameter {re.sub('[^0-9A-Za-z.]', '?', name[:64])} is not known and has been ignored."
            )
        else:
            keys[keyword] = value
    keys |= _name_above(within)
    wanted = dict.fromkeys((*_list_required(level, within), *_list_included(request, level)), "")
    search = Search.parse("study", _make_identifier(level, wanted | keys))
    warnings += [
        f"The attribute {keyword} is not supported for matching and has been ignored."
        for keyword in search.unsupported
        if keyword in keys
    ]
    return Question(search, _read_number(request, "offset", 0), _read_limit(request), tuple(dict.fromkeys(warnings)))


def _name_above(within: Resource) -> dict[str, str]:
    given = {"StudyInstanceUID": within.study, "SeriesInstanceUID": within.series}
    if not all(is_keepable_uid(uid) for uid in given.values() if uid):
        raise NoSuchResource
    return {keyword: uid for keyword, uid in given.items() if uid}


def _list_required(level: Level, within: Resource) -> Iterator[str]:
    """List the attributes of a match: of its level, and of those above that the address does not give."""
    if not within.study:
        yield from _STUDY
    if level != "STUDY" and not within.series:
        yield from _SERIES
    if level == "IMAGE":
        yield from _INSTANCE
    # the address of a match needs them
    yield "StudyInstanceUID"
    if level != "STUDY":
        yield "SeriesInstanceUID"


def _list_included(request: Request, level: Level) -> Iterator[str]:
    for part in ",".join(request.query_params.getlist("includefield")).split(","):
        if part.strip().lower() == "all":
            levels = ("PATIENT", "STUDY") if level == "STUDY" else (level,)
            yield from (item.keyword for item in ATTRIBUTES.values() if item.level in levels)
            yield from (
                keyword for keyword, of in COMPUTED_LEVELS.items() if of in levels and keyword not in _NOT_ASKED
            )
        elif part.strip():
            keyword = _find_keyword(part.strip())
            if keyword is not None and keyword not in _NOT_ASKED:
                yield keyword


def _find_keyword(name: str) -> str | None:
    """Return the keyword of an attribute given by tag or keyword; None for one that is not known, or in a sequence."""
    if not _ATTRIBUTE.fullmatch(name):
        return None
    tag = tag_for_keyword(name)
    if tag is None and len(name) == 8:  # noqa: PLR2004  # digits of a tag
        try:
            tag = int(name, 16)
        except ValueError:
            return None
    if tag is None or not dictionary_has_tag(tag):
        return None
    return keyword_for_tag(tag) or None


def _make_identifier(level: Level, keys: Mapping[str, str]) -> Dataset:
    """Make the identifier that a C-FIND would have, from values as they came (PS3.18 8.3.4.1)."""
    identifier = Dataset()
    texts = {"SpecificCharacterSet": "ISO_IR 192", **keys, "QueryRetrieveLevel": level}
    for keyword, value in texts.items():
        tag, vr = BaseTag(tag_for_keyword(keyword) or 0), dictionary_VR(keyword).split(" or ")[0]
        if vr == "UI":
            value = value.replace(",", "\\")  # noqa: PLW2901  # a list of UIDs has commas here, backslashes there
        data = value.encode("utf-8", "replace")
        # numbers are text here
        stored = "IS" if vr in BINARY_VRS else vr
        if stored in STRING_VRS or not data:
            identifier[tag] = RawDataElement(
                tag, stored, len(data), data, 0, is_implicit_VR=False, is_little_endian=True
            )
    return identifier


def _read_number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text):
        raise HTTPException(400, f"{name} is a whole number from 0")
    return int(text)


def _read_limit(request: Request) -> int:
    return min(_read_number(request, "limit", LARGEST_PAGE), LARGEST_PAGE)

"""Flags for what the documents of a series lack because its headers hold values that the Standard does not allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from scoring.report.common.source import find_changes
from scoring.result import Flag, Score

# by these a PACS files a document under its patient and request
_IDENTIFIERS: Final = frozenset(
    {
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "IssuerOfPatientIDQualifiersSequence",
        "PatientBirthDate",
        "AccessionNumber",
        "IssuerOfAccessionNumberSequence",
        "StudyID",
        "RequestAttributesSequence",
    }
)


def add_header_flags(score: Score, source: Dataset) -> Score:
    """The score with a flag for identifying elements that documents lack, wholly or in part, and one for others.

    Flags name the elements of `source`, never their values; flags that the score has already stay as they are.
    """
    known = {flag.code for flag in score.flags}
    return replace(score, flags=(*score.flags, *(flag for flag in _flag(source) if flag.code not in known)))


def _flag(source: Dataset) -> Iterator[Flag]:
    changed = find_changes(source)
    identifying = [keyword for keyword in changed if keyword in _IDENTIFIERS]
    others = [keyword for keyword in changed if keyword not in _IDENTIFIERS]
    if identifying:
        yield Flag.build("identifiers_changed", "warning", elements=_name(identifying))
    if others:
        yield Flag.build("header_changed", "info", elements=_name(others))


def _name(keywords: list[str]) -> str:
    """The elements as the Standard names them, in any language."""
    tags = [Tag(tag) for keyword in keywords if (tag := tag_for_keyword(keyword)) is not None]
    return ", ".join(f"{dictionary_description(tag)} ({tag.group:04X},{tag.element:04X})" for tag in tags)

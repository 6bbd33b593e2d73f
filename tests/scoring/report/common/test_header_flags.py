"""What documents lack of a header is told by names, never by values."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset

from scoring.report.common.catalogue import sentence
from scoring.report.common.header_flags import add_header_flags
from scoring.report.common.request import ReportRequest
from scoring.report.common.texts import load
from scoring.report.sr import structured_report
from scoring.report.sr.statements import suitability
from scoring.result import Score

HeaderOf = Callable[..., Dataset]
BROKEN = {"AccessionNumber": "ACC1\\ACC2", "PatientID": "P" * 80, "PatientAge": "64", "StudyDescription": "D" * 65}


def test_a_valid_header_has_no_flag(scores: dict[str, Score], header_of: HeaderOf) -> None:
    assert add_header_flags(scores["3"], header_of(0)) == scores["3"]


def test_identifiers_are_a_warning_and_the_rest_is_not(scores: dict[str, Score], header_of: HeaderOf) -> None:
    flags = add_header_flags(scores["3"], header_of(0, **BROKEN)).flags
    assert [(flag.code, flag.severity, flag.values) for flag in flags] == [
        (
            "identifiers_changed",
            "warning",
            {"elements": "Accession Number (0008,0050), Patient ID (0010,0020)"},
        ),
        (
            "header_changed",
            "info",
            {"elements": "Study Description (0008,1030), Patient's Age (0010,1010)"},
        ),
    ]


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_value_is_told(language: str, scores: dict[str, Score], header_of: HeaderOf) -> None:
    flags = add_header_flags(scores["3"], header_of(0, **BROKEN)).flags
    words = " ".join(sentence(flag, load(language, None)) for flag in flags)
    assert "Patient ID (0010,0020)" in words
    assert not any(value in words for value in ("ACC1", "PPPP", "DDDD"))


def test_flags_are_told_once(scores: dict[str, Score], header_of: HeaderOf) -> None:
    once = add_header_flags(scores["3"], header_of(0, **BROKEN))
    assert add_header_flags(once, header_of(0, **BROKEN)) == once


def test_identifiers_say_nothing_about_the_images(
    scores: dict[str, Score], header_of: HeaderOf, first: ReportRequest
) -> None:
    source = header_of(0, **BROKEN)
    told = add_header_flags(scores["3"], source)
    assert suitability(told) == suitability(scores["3"])
    document = structured_report.build(told, [source], request=first)
    assert "Patient ID (0010,0020)" in document.to_json()

"""Every value of a document keeps its value representation when the source does (PS3.5 6.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pydicom import config
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import validate_value

from config.settings import SrTemplate
from scoring.report import seg
from scoring.report.common.request import ReportRequest
from scoring.report.pictures import overlay
from scoring.report.printed import pdf
from scoring.report.sr import structured_report
from scoring.result import Score

HeaderOf = Callable[..., Dataset]
ReadBack = Callable[[Dataset], Dataset]
WRITTEN = {"DA", "DS", "IS", "PN", "TM", "UI"}
"""Values of these have classes of their own in pydicom; the text is what is encoded."""


def complaints(document: Dataset) -> list[str]:
    return list(_complaints(document))


def _complaints(dataset: Dataset) -> Iterator[str]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _complaints(item)
        elif not element.is_empty:
            values = element.value if isinstance(element.value, MultiValue) else [element.value]
            for value in values:
                try:
                    validate_value(element.VR, str(value) if element.VR in WRITTEN else value, config.RAISE)
                except ValueError as error:
                    yield f"{element.keyword}: {error}"


@pytest.mark.parametrize("form", ["tid1500", "tid1500-3d", "tid3900"])
def test_every_form_of_the_report(
    form: SrTemplate,
    full: Score,
    refused: Score,
    scores: dict[str, Score],
    sources: list[Dataset],
    first: ReportRequest,
    read_back: ReadBack,
) -> None:
    for score in (full, refused, *scores.values()):
        document = structured_report.build(score, sources, request=first, template=form)
        assert complaints(document) == complaints(read_back(document)) == []


def test_segmentation_pictures_and_pdf(
    full: Score, sources: list[Dataset], first: ReportRequest, pixels: Callable[..., object]
) -> None:
    segmentation = seg.build(full, sources, first)
    assert segmentation is not None
    printed = pdf.encapsulate(b"%PDF-1.7 %%EOF", full, sources, first, kind="pdf")
    for document in (segmentation, printed, *overlay.build(full, sources, first, pixels)):
        assert complaints(document) == []


def test_what_the_source_breaks_is_seen(full: Score, header_of: HeaderOf, first: ReportRequest) -> None:
    source = header_of(0, StudyInstanceUID="1.02.3", PatientBirthDate="1960-02-29")
    found = complaints(structured_report.build(full, [source], request=first))
    assert {line.split(":")[0] for line in found} == {"StudyInstanceUID", "PatientBirthDate"}

"""Every value of a document keeps its value representation when the source does (PS3.5 6.2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from config.results import SrTemplate
from scoring.report import seg
from scoring.report.common.request import ReportRequest
from scoring.report.pictures import overlay
from scoring.report.printed import pdf
from scoring.report.sr import structured_report
from scoring.result import Score

HeaderOf = Callable[..., Dataset]
ReadBack = Callable[[Dataset], Dataset]
Complaints = Callable[[Dataset], list[str]]


@pytest.mark.parametrize("form", ["tid1500", "tid1500-3d", "tid3900"])
def test_every_form_of_the_report(
    form: SrTemplate,
    full: Score,
    refused: Score,
    scores: dict[str, Score],
    sources: list[Dataset],
    first: ReportRequest,
    read_back: ReadBack,
    complaints: Complaints,
) -> None:
    for score in (full, refused, *scores.values()):
        document = structured_report.build(score, sources, request=first, template=form)
        assert complaints(document) == complaints(read_back(document)) == []


def test_segmentation_pictures_and_pdf(
    full: Score, sources: list[Dataset], first: ReportRequest, pixels: Callable[..., object], complaints: Complaints
) -> None:
    segmentation = seg.build(full, sources, first)
    assert segmentation is not None
    printed = pdf.encapsulate(b"%PDF-1.7 %%EOF", full, sources, first, kind="pdf")
    for document in (segmentation, printed, *overlay.build(full, sources, first, pixels)):
        assert complaints(document) == []


def test_the_uid_of_a_study_is_never_changed(
    full: Score, header_of: HeaderOf, first: ReportRequest, complaints: Complaints
) -> None:
    source = header_of(0, StudyInstanceUID="1.02.3", PatientBirthDate="1960-02-29")
    document = structured_report.build(full, [source], request=first)
    assert document.StudyInstanceUID == "1.02.3"
    assert {line.split(":")[0] for line in complaints(document)} == {"StudyInstanceUID"}


GEOMETRY = ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "SliceThickness", "Rows", "Columns")


@pytest.mark.parametrize("vr", ["FD", "UT", "LO"])
def test_numbers_of_the_source_in_another_representation(
    vr: str,
    full: Score,
    sources: list[Dataset],
    first: ReportRequest,
    pixels: Callable[..., object],
    complaints: Complaints,
) -> None:
    plain = seg.build(full, sources, first)
    for source in sources:
        for keyword in GEOMETRY:
            if keyword in source:
                value = source[keyword].value
                values = [float(item) for item in (value if isinstance(value, MultiValue) else [value])]
                texts = [f"{item:g}" for item in values]
                source.add_new(keyword, vr, {"FD": values, "LO": texts}.get(vr, "\\".join(texts)))
    segmentation = seg.build(full, sources, first)
    assert plain is not None
    assert segmentation is not None
    assert (segmentation.Rows, segmentation.Columns) == (plain.Rows, plain.Columns)
    assert segmentation.SharedFunctionalGroupsSequence == plain.SharedFunctionalGroupsSequence
    printed = pdf.encapsulate(b"%PDF-1.7 %%EOF", full, sources, first, kind="pdf")
    report = structured_report.build(full, sources, request=first)
    for document in (segmentation, printed, report, *overlay.build(full, sources, first, pixels)):
        assert complaints(document) == []

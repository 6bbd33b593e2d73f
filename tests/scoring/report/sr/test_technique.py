"""The technique stands in the report as numbers with units, codes and names, in every form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from pydicom.dataset import Dataset

from config.results import SrTemplate
from scoring.report.common.request import ReportRequest
from scoring.report.sr import structured_report, technique
from scoring.report.sr.technique import Technique
from scoring.report.sr.tree import Item, walk
from scoring.result import Score

ReadBack = Callable[[Dataset], Dataset]


def parameters(document: Dataset) -> dict[tuple[str, str], object]:
    """The children of CT Acquisition Parameters: name to value and unit, code, or text."""
    (container,) = [item for item in walk(document) if item.name.value == "113822"]
    return {(name.value, name.scheme_designator): _value(child) for name, child in container.children}


def _value(item: Dataset) -> object:
    if item.ValueType == "NUM":
        measured = item.MeasuredValueSequence[0]
        return float(measured.NumericValue), measured.MeasurementUnitsCodeSequence[0].CodeValue
    if item.ValueType == "CODE":
        return str(item.ConceptCodeSequence[0].CodeValue)
    return str(item.TextValue)


@pytest.mark.parametrize("form", ["tid1500", "tid1500-3d", "tid3900"])
def test_every_fact_of_the_scan_is_coded(
    form: SrTemplate, scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    series = replace(
        scores["3"].series,
        kvp=100.0,
        exposure_mas=62.5,
        kernel="Qr36f\\3",
        manufacturer="MAKER",
        model="Scanner X",
        slices=48,
        slice_thickness_mm=3.0,
        spacing_mm=(2.5, 0.4, 0.41),
        field_of_view_mm=220.0,
        gated=True,
    )
    document = structured_report.build(replace(scores["3"], series=series), sources, request=first, template=form)
    assert parameters(read_back(document)) == {
        ("113733", "DCM"): (100, "kV"),
        ("113736", "DCM"): (62.5, "mA.s"),
        ("112225", "DCM"): (3, "mm"),
        ("112226", "DCM"): (2.5, "mm"),
        ("111066", "DCM"): (0.4, "mm"),
        ("111026", "DCM"): (0.41, "mm"),
        ("113878", "DCM"): "MAKER",
        ("113879", "DCM"): "Scanner X",
        ("KERNEL", "99CORONODE"): "Qr36f\\3",
        ("FIELD_OF_VIEW", "99CORONODE"): (220, "mm"),
        ("SLICES", "99CORONODE"): (48, "{slices}"),
        ("GATING", "99CORONODE"): "373066001",
    }


@pytest.mark.parametrize("form", ["tid1500", "tid1500-3d", "tid3900"])
def test_slabs_are_coded_beside_the_slices_and_read_back_as_what_was_scored(
    form: SrTemplate, scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    score = replace(
        scores["3"],
        series=replace(scores["3"].series, spacing_mm=(0.625, 0.4, 0.4), slice_thickness_mm=0.625),
        provenance=replace(scores["3"].provenance, slab_slices=5, slab_mm=3.125),
    )
    document = read_back(structured_report.build(score, sources, request=first, template=form))
    coded = parameters(document)
    assert coded["112225", "DCM"] == coded["112226", "DCM"] == (0.625, "mm")
    assert coded["SLAB", "99CORONODE"] == (3.125, "mm")
    read = technique.read_technique(list(walk(document)))
    assert read is not None
    assert (read.slice_thickness_mm, read.spacing_mm) == (3.125, 3.125)


def test_what_is_not_known_is_left_out(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    series = replace(
        scores["3"].series,
        kvp=None,
        exposure_mas=None,
        kernel=None,
        manufacturer=None,
        model=None,
        slice_thickness_mm=None,
        spacing_mm=None,
        field_of_view_mm=None,
    )
    document = structured_report.build(replace(scores["3"], series=series), sources, request=first)
    assert parameters(read_back(document)) == {
        ("SLICES", "99CORONODE"): (series.slices, "{slices}"),
        ("GATING", "99CORONODE"): "373067005",
    }


def test_a_refused_series_has_its_technique_too(
    refused: Score, sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    document = read_back(structured_report.build(refused, sources, request=first))
    read = technique.read_technique(list(walk(document)))
    assert read == Technique(120, "Qr36", "Maker", 3, 3, gated=False)


def test_a_number_in_another_unit_is_not_taken(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    document = read_back(structured_report.build(scores["3"], sources, request=first))
    items: list[Item] = list(walk(document))
    for item in items:
        if item.name.value == "112225":
            unit = item.dataset.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0]
            unit.CodeValue, unit.CodeMeaning = "cm", "centimeter"
    read = technique.read_technique(items)
    assert read is not None
    assert (read.slice_thickness_mm, read.spacing_mm) == (None, 3)

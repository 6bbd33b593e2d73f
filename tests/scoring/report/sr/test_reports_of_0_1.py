"""Reports of version 0.1.0, whose technique is a line of prose, are read as that version read them."""

from __future__ import annotations

import io

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage

from scoring.report.sr import reading

LINE = (
    "Maker Model, 120 kVp, 60 mAs, kernel Qr36f\\3, 48 slices, thickness 3 mm, field of view 250 mm, "
    "spacing 2.5 mm, pixel 0.488 x 0.488 mm"
)


def coded(value: str, scheme: str, meaning: str = "as written") -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def content(value_type: str, name: Dataset) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType, item.ConceptNameCodeSequence = "CONTAINS", value_type, [name]
    return item


def text(name: Dataset, value: str) -> Dataset:
    item = content("TEXT", name)
    item.TextValue = value
    return item


def code(name: Dataset, value: Dataset) -> Dataset:
    item = content("CODE", name)
    item.ConceptCodeSequence = [value]
    return item


def number(name: Dataset, value: str, unit: str, *modifiers: Dataset) -> Dataset:
    item, measured = content("NUM", name), Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = value, [coded(unit, "UCUM")]
    item.MeasuredValueSequence, item.ContentSequence = [measured], list(modifiers)
    return item


def report_of_0_1(line: str, *flags: str) -> Dataset:
    """The parts of a report of 0.1.0 that a reader looks at, in TID 1500, written and read."""
    total = code(coded("121401", "DCM"), coded("255619001", "SCT"))
    method = code(coded("370129005", "SCT"), coded("112055", "DCM"))
    group = content("CONTAINER", coded("125007", "DCM", "Measurement Group"))
    group.ContentSequence = [
        text(coded("112039", "DCM", "Tracking Identifier"), "All coronary arteries"),
        code(coded("363698007", "SCT", "Finding Site"), coded("41801008", "SCT", "Coronary artery")),
        text(coded("111001", "DCM", "Algorithm Name"), "Coronode"),
        text(coded("111003", "DCM", "Algorithm Version"), "0.1.0"),
        text(coded("111002", "DCM", "Algorithm Parameters"), "Convention: kvp-adapted"),
        text(coded("111002", "DCM", "Algorithm Parameters"), "Threshold: 130 HU"),
        number(coded("450360000", "SCT"), "250.03", "1", total, method),
        number(coded("122660", "DCM"), "212.5", "mm3", total),
        number(coded("122661", "DCM"), "41.25", "mg", total),
        text(coded("TECHNIQUE", "99CORONODE", "Technique"), line),
        *(text(coded("FLAG", "99CORONODE", "Quality flag"), flag) for flag in flags),
    ]
    measurements = content("CONTAINER", coded("126010", "DCM", "Imaging Measurements"))
    measurements.ContentSequence = [group]
    document = Dataset()
    document.SpecificCharacterSet, document.SOPClassUID = "ISO_IR 192", ComprehensiveSRStorage
    document.SOPInstanceUID, document.StudyInstanceUID = "1.2.3.9", "1.2.3"
    document.StudyDate, document.Manufacturer = "20240506", "Coronode"
    document.ConceptNameCodeSequence = [coded("126000", "DCM", "Imaging Measurement Report")]
    document.ContentSequence = [measurements]
    buffer = io.BytesIO()
    document.save_as(buffer, implicit_vr=False, little_endian=True)
    buffer.seek(0)
    return dcmread(buffer, force=True)


def test_score_and_technique():
    earlier = reading.read(report_of_0_1(LINE), "PACS")
    assert (earlier.date, earlier.agatston, earlier.volume_mm3, earlier.mass_mg) == ("2024-05-06", 250.03, 212.5, 41.25)
    assert (earlier.scanner, earlier.kvp, earlier.kernel) == ("Maker Model", 120, "Qr36f\\3")
    assert (earlier.slice_thickness_mm, earlier.spacing_mm) == (3, 2.5)
    assert (earlier.software, earlier.convention, earlier.gated) == ("Coronode 0.1.0", "kvp-adapted", True)


def test_gating_follows_the_flag():
    flag = "info: the header tells of no ECG gating [gating_unknown]"
    assert reading.read(report_of_0_1(LINE, "warning: another [kvp]", flag), "").gated is False


@pytest.mark.parametrize(
    ("line", "scanner", "kvp", "kernel", "thickness"),
    [
        (
            "MAKER, Inc. A 64, CT, 120 kVp, kernel B, C, 9 slices, thickness 2.5 mm",
            "MAKER, Inc. A 64, CT",
            120,
            "B, C",
            2.5,
        ),
        ("MAKER, 60 mAs, 9 slices", "MAKER", None, None, None),
        ("MAKER, 9 slices, spacing 3 mm, pixel 0.4 x 0.4 mm", "MAKER", None, None, None),
        ("80 kVp, 9 slices", None, 80, None, None),
        ("kernel Qr36, 9 slices", None, None, "Qr36", None),
        ("9 slices", None, None, None, None),
        ("1.2.3 kVp, 9 slices", None, None, None, None),
    ],
)
def test_lines_that_lack_parts(line, scanner, kvp, kernel, thickness):
    earlier = reading.read(report_of_0_1(line), "")
    assert (earlier.scanner, earlier.kvp, earlier.kernel, earlier.slice_thickness_mm) == (
        scanner,
        kvp,
        kernel,
        thickness,
    )
    assert earlier.gated is True


def test_without_a_line_nothing_is_known_of_the_scan():
    earlier = reading.read(report_of_0_1(""), "")
    assert (earlier.agatston, earlier.kvp, earlier.gated) == (250.03, None, None)

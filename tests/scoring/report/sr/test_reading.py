"""Scores read back from reports: ours in every form, other makers', and what is no report at all."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from dataclasses import replace

import highdicom.sr as hd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr._snomed_dict import mapping
from pydicom.sr.coding import Code
from pydicom.uid import ComprehensiveSRStorage, ExplicitVRLittleEndian

from scoring.report.common.identifiers import SR_SOP_CLASSES
from scoring.report.common.request import Predecessor
from scoring.report.sr import reading, structured_report

AGATSTON = Code("450360000", "SCT", "Coronary artery calcium score")
VOLUME, MASS = Code("122660", "DCM", "Calcium Volume"), Code("122661", "DCM", "Calcium Mass")
CORONARY, LAD = Code("41801008", "SCT", "Coronary artery"), Code("59438005", "SCT", "LAD")
FINDING_SITE = Code("363698007", "SCT", "Finding Site")
SNOMED_RT = mapping["SRT"]
NO_UNITS, MM3, MG = Code("1", "UCUM", "no units"), Code("mm3", "UCUM", "mm3"), Code("mg", "UCUM", "mg")
TOTAL, DERIVATION = Code("255619001", "SCT", "Total"), Code("121401", "DCM", "Derivation")
METHOD, AGATSTON_METHOD = (
    Code("370129005", "SCT", "Measurement Method"),
    Code("112055", "DCM", "Agatston scoring method"),
)


@pytest.mark.parametrize("form", SR_SOP_CLASSES)
@pytest.mark.parametrize("name", ["0", "3", "250", "1800"])
def test_our_own_report_gives_the_score_back(scores, sources, first, read_back, name, form):
    score = scores[name]
    document = read_back(structured_report.build(score, sources, request=first, template=form))
    earlier = reading.read(document, "PACS")
    assert document.SOPClassUID in reading.REPORT_CLASSES
    assert earlier.agatston == pytest.approx(score.agatston.total, abs=1e-6)
    assert earlier.volume_mm3 == pytest.approx(score.volume_mm3.total, abs=1e-6)
    mass = score.mass_mg
    assert earlier.mass_mg == (None if mass is None else pytest.approx(mass.total, abs=1e-6))
    assert (earlier.date, earlier.origin) == ("2026-01-05", "PACS")
    assert earlier.study_instance_uid == score.series.study_instance_uid
    assert earlier.sop_instance_uid == document.SOPInstanceUID
    assert (earlier.kvp, earlier.kernel, earlier.scanner) == (120, "Qr36", "Maker")
    assert (earlier.slice_thickness_mm, earlier.spacing_mm) == (3, 3)
    assert (earlier.software, earlier.convention) == ("Coronode 0.1.0", "standard")


@pytest.mark.parametrize("form", SR_SOP_CLASSES)
def test_a_report_with_everything_gives_todays_score_and_not_the_earlier_one(full, sources, first, read_back, form):
    earlier = reading.read(read_back(structured_report.build(full, sources, request=first, template=form)), "PACS")
    assert earlier.agatston == pytest.approx(full.agatston.total)
    assert earlier.mass_mg == pytest.approx(full.mass_mg.total)


def test_words_about_the_scan_are_read_as_they_were_written(scores, sources, first, read_back):
    series = scores["250"].series
    odd = replace(series, manufacturer="MAKER, Inc.", model="A 64, CT", kernel="Br36d\\3", slice_thickness_mm=2.5)
    bare = replace(series, manufacturer=None, kvp=None, kernel=None, exposure_mas=None, slice_thickness_mm=None)
    told = []
    for info in (odd, replace(odd, kvp=None, exposure_mas=None), replace(bare, kvp=80.0), bare):
        document = structured_report.build(replace(scores["250"], series=info), sources, request=first)
        told.append(reading.read(read_back(document), "PACS"))
    assert [(item.scanner, item.kvp, item.kernel, item.slice_thickness_mm) for item in told] == [
        ("MAKER, Inc. A 64, CT", 120, "Br36d\\3", 2.5),
        ("MAKER, Inc. A 64, CT", None, "Br36d\\3", 2.5),
        (None, 80, None, None),
        (None, None, None, None),
    ]


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("form", SR_SOP_CLASSES)
def test_gating_is_that_of_the_header(scores, sources, first, read_back, gated, form):
    score = replace(scores["250"], series=replace(scores["250"].series, gated=gated))
    document = read_back(structured_report.build(score, sources, request=first, template=form))
    assert reading.read(document, "").gated is gated


@pytest.mark.parametrize("form", SR_SOP_CLASSES)
def test_the_convention_is_read_from_its_code(scores, sources, first, read_back, form):
    provenance = replace(scores["250"].provenance, convention="kvp-adapted")
    document = read_back(
        structured_report.build(replace(scores["250"], provenance=provenance), sources, request=first, template=form)
    )
    earlier = reading.read(document, "")
    assert (earlier.convention, earlier.volume_definition) == ("kvp-adapted", "voxels")


def test_numbers_of_the_scan_are_exact(scores, sources, first, read_back):
    series = replace(scores["250"].series, spacing_mm=(2.4999123, 0.4, 0.4), slice_thickness_mm=0.625, kvp=119.96)
    earlier = reading.read(
        read_back(structured_report.build(replace(scores["250"], series=series), sources, request=first)), ""
    )
    assert (earlier.spacing_mm, earlier.slice_thickness_mm, earlier.kvp) == (2.4999123, 0.625, 119.96)


def test_lesions_without_an_artery_are_not_taken_for_the_total(score_of, sources, first, read_back):
    score = score_of([("LAD", 10.5), (None, 20.25)], category="1-100")
    assert reading.read(read_back(structured_report.build(score, sources, request=first)), "").agatston == 30.75


def test_a_report_without_a_score_or_a_date_is_none(refused, scores, sources, header_of, first, read_back):
    assert reading.read(read_back(structured_report.build(refused, sources, request=first)), "") is None
    for date in ("", "2026", "20261301"):
        document = structured_report.build(scores["3"], [header_of(0, StudyDate=date)], request=first)
        assert reading.read(read_back(document), "") is None


def test_the_predecessors_of_a_report_are_named(scores, sources, first, read_back):
    old = Predecessor(ComprehensiveSRStorage, "1.2.3.4", "1.2.3", "1.2")
    document = read_back(
        structured_report.build(scores["3"], sources, request=replace(first, version=2, predecessor=old))
    )
    assert reading.replaced(document) == {"1.2.3.4"}
    assert reading.replaced(read_back(structured_report.build(scores["3"], sources, request=first))) == frozenset()


def number(name, value, unit, *, site=None, total=False, method=None):
    contains, modifies = hd.RelationshipTypeValues.CONTAINS, hd.RelationshipTypeValues.HAS_CONCEPT_MOD
    item = hd.NumContentItem(name, value, unit, relationship_type=contains)
    pairs = ((FINDING_SITE, site), (DERIVATION, TOTAL if total else None), (METHOD, method))
    item.ContentSequence = [
        hd.CodeContentItem(key, code, relationship_type=modifies) for key, code in pairs if code is not None
    ]
    return item


def container(*items, site=None):
    box = hd.ContainerContentItem(
        Code("121070", "DCM", "Findings"), relationship_type=hd.RelationshipTypeValues.CONTAINS
    )
    box.ContentSequence = list(items)
    if site is not None:
        relationship = hd.RelationshipTypeValues.HAS_CONCEPT_MOD
        box.ContentSequence.append(hd.CodeContentItem(FINDING_SITE, site, relationship_type=relationship))
    return box


def foreign(*items) -> Dataset:
    """A report of another maker, written and read."""
    document = Dataset()
    document.SOPClassUID, document.SOPInstanceUID = ComprehensiveSRStorage, "1.2.3.9"
    document.StudyInstanceUID, document.StudyDate, document.Manufacturer = "1.2.3", "20240506", "Another"
    document.ConceptNameCodeSequence = [Dataset()]
    document.ConceptNameCodeSequence[0].CodeValue = "122600"
    document.ConceptNameCodeSequence[0].CodingSchemeDesignator = "DCM"
    document.ContentSequence = list(items)
    buffer = io.BytesIO()
    document.save_as(buffer, implicit_vr=False, little_endian=True)
    buffer.seek(0)
    return dcmread(buffer, force=True)


def measurement_report() -> Dataset:
    """TID 1500 as highdicom makes it, by another maker."""
    groups = [
        hd.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=hd.TrackingIdentifier(identifier=f"{number}"),
            finding_sites=[hd.FindingSite(site)],
            measurements=[
                hd.Measurement(name=AGATSTON, value=agatston, unit=NO_UNITS),
                hd.Measurement(name=VOLUME, value=volume, unit=MM3),
            ],
        )
        for number, (site, agatston, volume) in enumerate([(CORONARY, 123.5, 100.25), (LAD, 100.5, 80.0)])
    ]
    report = hd.MeasurementReport(
        observation_context=hd.ObservationContext(),
        procedure_reported=Code("25045-6", "LN", "CT unspecified body region"),
        imaging_measurements=groups,
    )
    return foreign(*report[0].ContentSequence)


def test_another_makers_measurement_report():
    earlier = reading.read(measurement_report(), "received SR")
    assert (earlier.date, earlier.agatston, earlier.volume_mm3, earlier.mass_mg) == ("2024-05-06", 123.5, 100.25, None)
    assert (earlier.software, earlier.convention, earlier.kvp, earlier.gated) == ("Another", None, None, None)


def test_another_makers_cardiovascular_report():
    document = foreign(
        container(
            container(number(AGATSTON, 40, NO_UNITS), number(MASS, 9, MG), site=LAD),
            container(
                number(AGATSTON, 55.5, NO_UNITS, total=True, method=AGATSTON_METHOD),
                number(VOLUME, 0.04, Code("ml", "UCUM", "ml"), total=True),
                number(MASS, 12.5, MG, total=True),
                site=CORONARY,
            ),
        )
    )
    earlier = reading.read(document, "")
    assert (earlier.agatston, earlier.volume_mm3, earlier.mass_mg) == (55.5, 40, 12.5)


def in_snomed_rt(item: Dataset) -> Dataset:
    """The same content item with the codes that came before SNOMED CT, where pydicom's table has one."""
    retired = {new: old for old, new in SNOMED_RT.items()}
    for coded in (*item.get("ConceptNameCodeSequence", ()), *item.get("ConceptCodeSequence", ())):
        if coded.CodingSchemeDesignator == "SCT" and coded.CodeValue in retired:
            coded.CodeValue, coded.CodingSchemeDesignator = retired[coded.CodeValue], "SRT"
    for child in item.get("ContentSequence", ()):
        in_snomed_rt(child)
    return item


@pytest.mark.parametrize("artery", ["3227004", "59438005", "57396003", "13647002"])
def test_codes_of_snomed_rt_mean_the_same(artery):
    site = Code(artery, "SCT", "an artery")
    document = foreign(
        in_snomed_rt(number(AGATSTON, 40, NO_UNITS, site=site, total=True)),
        in_snomed_rt(number(AGATSTON, 55.5, NO_UNITS, site=CORONARY, total=True, method=AGATSTON_METHOD)),
    )
    assert b"SRT" in document.to_json().encode()
    assert reading.read(document, "").agatston == 55.5


def test_reading_needs_neither_highdicom_nor_the_dictionary_of_concepts():
    loaded = "[name for name in sys.modules if name.startswith(('highdicom', 'pydicom.sr'))]"
    code = f"import scoring.report.sr.reading, sys; print({loaded})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_retired_name_is_read_with_its_method_alone():
    retired = Code("112058", "DCM", "Calcium score")
    assert reading.read(foreign(number(retired, 77, NO_UNITS, method=AGATSTON_METHOD)), "").agatston == 77
    assert reading.read(foreign(number(retired, 77, NO_UNITS)), "") is None


@pytest.mark.parametrize(
    "items",
    [
        [],
        [number(AGATSTON, 40, NO_UNITS, site=LAD)],
        [container(number(AGATSTON, 40, NO_UNITS, total=True), site=LAD)],
        [number(AGATSTON, 40, NO_UNITS), number(AGATSTON, 41, NO_UNITS)],
        [number(AGATSTON, -1, NO_UNITS)],
        [number(AGATSTON, 1e9, NO_UNITS)],
        [number(AGATSTON, 40, NO_UNITS, method=Code("112056", "DCM", "another method"))],
        [number(VOLUME, 40, MM3)],
    ],
    ids=["nothing", "an artery", "an artery's total", "two", "negative", "absurd", "other method", "only volume"],
)
def test_what_is_no_clear_total_is_not_read(items):
    assert reading.read(foreign(*items), "") is None


def test_a_volume_in_an_unknown_unit_is_left_out():
    items = [number(AGATSTON, 40, NO_UNITS), number(VOLUME, 40, Code("[cin_i]", "UCUM", "cubic inch"))]
    assert reading.read(foreign(*items), "").volume_mm3 is None


def test_a_tree_without_end_is_given_up():
    item = number(AGATSTON, 40, NO_UNITS)
    for _ in range(60):
        item = container(item)
    assert reading.read(foreign(item), "") is None


@given(st.integers(0, 2**32), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_damaged_reports_raise_nothing(bytes_of_report, seed, count):
    content = bytearray(bytes_of_report)
    rng = random.Random(seed)  # noqa: S311
    for _ in range(count):
        content[rng.randrange(132, len(content))] = rng.randrange(256)
    if seed % 5 == 0:
        del content[rng.randrange(200, len(content)) :]
    try:
        document = dcmread(io.BytesIO(bytes(content)), force=True)
    except Exception:  # noqa: BLE001  # the file itself is broken: the caller's matter
        return
    earlier = reading.read(document, "")
    assert earlier is None or 0 <= earlier.agatston <= 1e6
    assert "" not in reading.replaced(document)


@pytest.fixture(scope="module")
def bytes_of_report() -> bytes:
    document = measurement_report()
    document.file_meta = FileMetaDataset()
    document.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    document.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import highdicom as hd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage

from scoring.report.common.request import Predecessor, ReportRequest
from scoring.report.sr import codes, items, structured_report
from scoring.result import ARTERIES, Artery, Score

HeaderOf = Callable[..., Dataset]
Written = Callable[[Dataset], bytes]
ReadBack = Callable[[Dataset], Dataset]

NAMES = ["0", "3", "250", "1800"]
LEADING_ZERO = "1.2.840.099.0012.3"
AGATSTON = ("450360000", "SCT")
VOLUME = ("122660", "DCM")
MASS = ("122661", "DCM")
LESIONS = ("246206008", "SCT")
UNITS = {AGATSTON: "1", VOLUME: "mm3", MASS: "mg", LESIONS: "{lesions}"}
ROUNDING = {("111012", "DCM"): 0.51, ("112181", "DCM"): 0.051, ("112180", "DCM"): 0.051}
SITES = {"LM": "3227004", "LAD": "59438005", "LCX": "57396003", "RCA": "13647002"}


def code(item: Dataset) -> tuple[str, str]:
    return str(item.CodeValue), str(item.CodingSchemeDesignator)


def walk(item: Dataset) -> Iterator[Dataset]:
    yield item
    for child in item.get("ContentSequence", ()):
        yield from walk(child)


def groups(document: Dataset) -> dict[str, Dataset]:
    """Measurement groups by their tracking identifier."""
    found = [item for item in walk(document) if code(item.ConceptNameCodeSequence[0]) == ("125007", "DCM")]
    return {tracked(group): group for group in found}


def tracked(group: Dataset) -> str:
    return next(
        str(item.TextValue)
        for item in group.ContentSequence
        if code(item.ConceptNameCodeSequence[0]) == ("112039", "DCM")
    )


def number(group: Dataset, name: tuple[str, str]) -> float | None:
    """Exact value of a measurement, after a look at its unit and at what a plain reader shows."""
    for item in group.ContentSequence:
        if item.ValueType == "NUM" and code(item.ConceptNameCodeSequence[0]) == name:
            value = item.MeasuredValueSequence[0]
            assert value.MeasurementUnitsCodeSequence[0].CodingSchemeDesignator == "UCUM"
            if name in UNITS:
                assert value.MeasurementUnitsCodeSequence[0].CodeValue == UNITS[name]
            # what a plain reader shows is the exact value, rounded
            exact = float(value.get("FloatingPointValue", value.NumericValue))
            assert float(value.NumericValue) == pytest.approx(exact, abs=ROUNDING.get(name, 0.0051))
            return exact
    return None


def summary(document: Dataset) -> str:
    return next(
        str(item.TextValue)
        for item in document.ContentSequence
        if code(item.ConceptNameCodeSequence[0]) == ("121111", "DCM")
    )


def references(document: Dataset) -> set[str]:
    found = [item for item in walk(document) if item.get("ValueType") == "IMAGE"]
    return {str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID) for item in found}


def evidence(document: Dataset) -> list[str]:
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    return [str(item.ReferencedSOPInstanceUID) for item in series.ReferencedSOPSequence]


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_read_back(
    name: str, scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    score = scores[name]
    assert score.agatston is not None
    assert score.volume_mm3 is not None
    found = groups(read_back(structured_report.build(score, sources, request=first)))
    tree = found.pop("All coronary arteries")
    assert number(tree, AGATSTON) == score.agatston.total
    assert number(tree, VOLUME) == score.volume_mm3.total
    assert number(tree, MASS) == (None if score.mass_mg is None else score.mass_mg.total)
    assert number(tree, LESIONS) == len(score.lesions)
    assert number(tree, ("122657", "DCM")) == 130
    assert number(tree, ("122659", "DCM")) == score.provenance.mass_factor
    per_artery = Counter(lesion.artery for lesion in score.lesions)
    assert number(tree, ("122762", "DCM")) == len(per_artery)
    assert score.agatston_range == (
        number(tree, ("AGATSTON_LOW", codes.PRIVATE_SCHEME)),
        number(tree, ("AGATSTON_HIGH", codes.PRIVATE_SCHEME)),
    )
    for artery in ARTERIES:
        group = found.pop(artery)
        assert number(group, AGATSTON) == score.agatston.of(artery)
        assert number(group, VOLUME) == score.volume_mm3.of(artery)
        assert number(group, MASS) == (None if score.mass_mg is None else score.mass_mg.of(artery))
        assert number(group, LESIONS) == per_artery[artery]
        assert site(group) == SITES[artery]
    for lesion in score.lesions:
        group = found.pop(f"Lesion {lesion.id}, {lesion.artery}")
        assert number(group, AGATSTON) == lesion.agatston
        assert number(group, VOLUME) == lesion.volume_mm3
        assert number(group, MASS) == lesion.mass_mg
        assert number(group, ("112181", "DCM")) == lesion.mean_hu
        assert number(group, ("112180", "DCM")) == lesion.max_hu
        assert number(group, ("111012", "DCM")) == lesion.confidence * 100
    assert not found


def site(group: Dataset) -> str:
    return next(
        str(item.ConceptCodeSequence[0].CodeValue)
        for item in group.ContentSequence
        if code(item.ConceptNameCodeSequence[0]) == ("363698007", "SCT")
    )


@pytest.mark.parametrize(
    ("name", "risk", "category", "cac_drs"),
    [
        ("0", "75976002", "0", "A0"),
        ("3", "75976002", "1-100", "A1/N1"),
        ("250", "25594002", "101-400", "A2/N4"),
        ("1800", "15508007", ">400", "A3/N2"),
    ],
)
def test_category_is_coded(
    name: str,
    risk: str,
    category: str,
    cac_drs: str,
    scores: dict[str, Score],
    sources: list[Dataset],
    first: ReportRequest,
    read_back: ReadBack,
) -> None:
    document = read_back(structured_report.build(scores[name], sources, request=first))
    tree = groups(document)["All coronary arteries"]
    coded = [code(item.ConceptCodeSequence[0]) for item in tree.ContentSequence if item.ValueType == "CODE"]
    private = codes.PRIVATE_SCHEME
    assert coded[-3:] == [(risk, "SCT"), (category, private), (cac_drs, private)]
    (scheme,) = document.CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == private


@pytest.mark.parametrize("name", NAMES)
def test_highdicom_reads_it_as_a_measurement_report(
    name: str, scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    score = scores[name]
    document = hd.sr.ComprehensiveSR.from_dataset(read_back(structured_report.build(score, sources, request=first)))
    report = document.content
    assert isinstance(report, hd.sr.MeasurementReport)
    found = report.get_image_measurement_groups()
    assert len(found) == 1 + len(ARTERIES) + len(score.lesions)
    totals = [group for group in found if group.tracking_identifier == "All coronary arteries"]
    assert score.agatston is not None
    (agatston,) = totals[0].get_measurements(items.concept(codes.AGATSTON))
    assert agatston.value == score.agatston.total
    (observer,) = report.get_observer_contexts()
    assert observer.observer_identifying_attributes.name == "CORONODE"


def test_a_score_of_zero_is_a_full_report(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    document = read_back(structured_report.build(scores["0"], sources, request=first))
    assert "Agatston score: 0\n" in summary(document)
    assert "Category: 0 (none, low risk)" in summary(document)
    assert document.CompletionFlag == "COMPLETE"
    assert document.VerificationFlag == "UNVERIFIED"
    assert evidence(document) == [str(source.SOPInstanceUID) for source in sources]


def test_the_summary_stands_on_its_own(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    request = replace(first, warning_text="Only for Dr. Núñez's study")
    lines = summary(read_back(structured_report.build(scores["250"], sources, request=request))).splitlines()
    assert lines[0] == "Only for Dr. Núñez's study"
    assert lines[1] == "Automated result, to be confirmed by a physician."
    text = "\n".join(lines)
    for part in (
        "Agatston score: 250",
        "101-400 (moderate)",
        "A2/N4",
        "LM (Left main): Agatston 20.3, volume 10.1 mm3, mass 2.1 mg, mass without threshold 2.6 mg, 1 lesion",
        "Calcium in the left main",
        "Tube voltage is 100 kVp",
        "Threshold: 130 HU",
    ):
        assert part in text
    assert "RESEARCH USE" not in text


def test_the_default_says_that_it_is_no_medical_device(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest
) -> None:
    assert summary(structured_report.build(scores["3"], sources, request=first)).startswith(
        "RESEARCH USE: not a medical device\n"
    )


@settings(max_examples=25, deadline=None)
@given(
    agatston=st.floats(0.001, 1e5),
    volume=st.floats(0.001, 1e5),
    confidence=st.floats(0, 1),
)
def test_any_value_is_read_back_exactly(
    agatston: float,
    volume: float,
    confidence: float,
    score_of: Callable[..., Score],
    header_of: HeaderOf,
    read_back: ReadBack,
) -> None:
    score = score_of([("LCX", agatston)], category=">400", cac_drs="A3/N1")
    lesion = replace(score.lesions[0], volume_mm3=volume, confidence=confidence)
    request = ReportRequest(version=1, created=datetime(2026, 1, 6, tzinfo=UTC))
    document = read_back(structured_report.build(replace(score, lesions=(lesion,)), [header_of(0)], request=request))
    group = groups(document)["Lesion 1, LCX"]
    assert number(group, AGATSTON) == agatston
    assert number(group, VOLUME) == volume
    assert number(group, ("111012", "DCM")) == confidence * 100


def test_lesion_images_are_cited_and_are_evidence(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    score = scores["250"]
    document = read_back(structured_report.build(score, sources[:1], request=first))
    cited = {image.sop_instance_uid for lesion in score.lesions for image in lesion.images}
    assert references(document) == cited
    assert set(evidence(document)) == cited | {str(sources[0].SOPInstanceUID)}
    assert len(evidence(document)) == len(set(evidence(document)))


def test_frames_of_an_enhanced_image_are_cited(
    score_of: Callable[..., Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    score = score_of([("LAD", 12.0)], category="1-100", cac_drs="A1/N1", frames=True)
    document = read_back(structured_report.build(score, sources[:1], request=first))
    found = [item.ReferencedSOPSequence[0] for item in walk(document) if item.get("ValueType") == "IMAGE"]
    assert [item.ReferencedFrameNumber for item in found] == [1, 2]
    assert evidence(document) == [str(sources[0].SOPInstanceUID)]


def test_a_lesion_without_artery_counts_in_the_total(
    score_of: Callable[..., Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    parts: list[tuple[Artery | None, float]] = [(None, 12.0), ("LAD", 5.0)]
    document = read_back(
        structured_report.build(score_of(parts, category="1-100", cac_drs="A1/N1"), sources, request=first)
    )
    assert number(groups(document)["All coronary arteries"], AGATSTON) == 17
    assert site(groups(document)["Lesion 1, no artery named"]) == "41801008"
    assert "No artery named: Agatston 12.0" in summary(document)


def test_it_stays_in_the_study(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    document, source = read_back(structured_report.build(scores["3"], sources, request=first)), sources[0]
    assert document.SpecificCharacterSet == "ISO_IR 192"
    for keyword in (
        "StudyInstanceUID",
        "StudyID",
        "StudyDate",
        "StudyTime",
        "StudyDescription",
        "AccessionNumber",
        "ReferringPhysicianName",
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "PatientBirthDate",
        "PatientSex",
        "PatientAge",
        "PatientSize",
    ):
        assert document[keyword].value == source[keyword].value, keyword
    assert document.SeriesInstanceUID != source.SeriesInstanceUID
    assert document.Modality == "SR"
    assert (document.SeriesNumber, document.SeriesDescription) == (9001, "Coronary calcium score")
    assert document.SOPClassUID == ComprehensiveSRStorage


def test_the_order_is_named(
    scores: dict[str, Score], header_of: HeaderOf, first: ReportRequest, read_back: ReadBack
) -> None:
    item = Dataset()
    item.RequestedProcedureID = "RP-1"
    item.RequestedProcedureDescription = "Kalk-Score für Küster"
    source = header_of(0, RequestAttributesSequence=[item])
    document = read_back(structured_report.build(scores["3"], [source], request=first))
    (order,) = document.ReferencedRequestSequence
    assert order.RequestedProcedureID == "RP-1"
    assert order.RequestedProcedureDescription == "Kalk-Score für Küster"
    assert order.AccessionNumber == "A-4711"
    assert order.StudyInstanceUID == source.StudyInstanceUID


def test_a_repeated_build_is_the_same_file(
    scores: dict[str, Score], header_of: HeaderOf, first: ReportRequest, written: Written
) -> None:
    once = structured_report.build(scores["250"], [header_of(index) for index in range(6)], request=first)
    again = structured_report.build(scores["250"], [header_of(index) for index in range(6)], request=first)
    assert written(once) == written(again)


def test_versions_share_a_series_and_name_what_they_replace(
    scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    old = structured_report.build(scores["3"], sources, request=first)
    predecessor = Predecessor(old.SOPClassUID, old.SOPInstanceUID, old.SeriesInstanceUID, old.StudyInstanceUID)
    new = read_back(
        structured_report.build(scores["3"], sources, request=replace(first, version=2, predecessor=predecessor))
    )
    assert "PredecessorDocumentsSequence" not in old
    assert new.SOPInstanceUID != old.SOPInstanceUID
    assert new.SeriesInstanceUID == old.SeriesInstanceUID
    assert (old.InstanceNumber, new.InstanceNumber) == (1, 2)
    (study,) = new.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    assert study.StudyInstanceUID == old.StudyInstanceUID
    assert series.SeriesInstanceUID == old.SeriesInstanceUID
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == old.SOPInstanceUID


def test_other_series_of_the_study_get_other_identifiers(
    scores: dict[str, Score], sources: list[Dataset], header_of: HeaderOf, first: ReportRequest
) -> None:
    one = structured_report.build(scores["3"], sources, request=first)
    other = structured_report.build(scores["3"], [header_of(0, SeriesInstanceUID="1.2.840.99999.7")], request=first)
    assert one.SOPInstanceUID != other.SOPInstanceUID
    assert one.SeriesInstanceUID != other.SeriesInstanceUID


def test_dates_stand_in_the_time_zone_of_the_source(
    scores: dict[str, Score], header_of: HeaderOf, first: ReportRequest
) -> None:
    created = datetime(2026, 1, 6, 23, 30, tzinfo=UTC)
    request = replace(first, created=created)
    plain = structured_report.build(scores["0"], [header_of(0)], request=request)
    assert (plain.ContentDate, plain.ContentTime) == ("20260106", "233000.000000")
    assert "TimezoneOffsetFromUTC" not in plain
    zoned = structured_report.build(scores["0"], [header_of(0, TimezoneOffsetFromUTC="+0530")], request=request)
    assert (zoned.ContentDate, zoned.ContentTime) == ("20260107", "050000.000000")
    tokyo = created.astimezone(timezone(timedelta(hours=9)))
    local = structured_report.build(scores["0"], [header_of(0)], request=replace(first, created=tokyo))
    assert local.ContentDate == "20260107"


def test_a_report_needs_an_image(scores: dict[str, Score], first: ReportRequest) -> None:
    with pytest.raises(ValueError, match="at least one image"):
        structured_report.build(scores["3"], [], request=first)


def test_a_request_must_be_sound() -> None:
    with pytest.raises(ValueError, match="counts from 1"):
        ReportRequest(version=0, created=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="time zone"):
        ReportRequest(version=1, created=datetime(2026, 1, 1))  # noqa: DTZ001


def test_invalid_identifiers_are_kept(
    score_of: Callable[..., Score], header_of: HeaderOf, first: ReportRequest, written: Written
) -> None:
    source = header_of(0, StudyInstanceUID=LEADING_ZERO, SOPInstanceUID="1.2.03.4", SeriesInstanceUID="2.07.1")
    score = score_of([("LAD", 9.0)], category="1-100", cac_drs="A1/N1")
    (lesion,) = score.lesions
    images = (replace(lesion.images[0], sop_instance_uid="1.2.03.4"), lesion.images[1])
    score = replace(score, lesions=(replace(lesion, images=images),))
    document = structured_report.build(score, [source], request=first)
    assert LEADING_ZERO.encode() in written(document)
    assert document.StudyInstanceUID == LEADING_ZERO
    assert "1.2.03.4" in evidence(document)
    # readers refuse it in a content item, so it becomes text
    assert references(document) == {lesion.images[1].sop_instance_uid}
    texts = [str(item.TextValue) for item in walk(document) if item.get("ValueType") == "TEXT"]
    assert "1.2.03.4" in texts


EMPTY_HEADER = dict.fromkeys(
    (
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "AccessionNumber",
        "StudyID",
        "StudyDate",
        "StudyTime",
        "ReferringPhysicianName",
        "Modality",
        "SpecificCharacterSet",
    )
)


def test_a_header_without_anything_gives_a_report(
    scores: dict[str, Score], header_of: HeaderOf, first: ReportRequest, read_back: ReadBack
) -> None:
    source = header_of(0, **EMPTY_HEADER, StudyInstanceUID=None, SeriesInstanceUID=None)
    document = read_back(structured_report.build(scores["3"], [source], request=first))
    assert document.StudyInstanceUID == scores["3"].series.study_instance_uid
    for keyword in EMPTY_HEADER:
        if keyword not in {"Modality", "SpecificCharacterSet"}:
            assert document[keyword].is_empty, keyword
    assert document.Modality == "SR"


def test_a_series_of_thousands_stays_cheap(
    scores: dict[str, Score], sources: list[Dataset], header_of: HeaderOf, first: ReportRequest, written: Written
) -> None:
    small = len(written(structured_report.build(scores["250"], sources[:1], request=first)))
    many = [header_of(0, SOPInstanceUID=f"1.2.840.99999.4.{number}") for number in range(1000)]
    large = len(written(structured_report.build(scores["250"], many, request=first)))
    assert small < 60_000
    assert large - small < 150 * len(many)


@pytest.mark.peer
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("uid", ["1.2.840.99999.3", LEADING_ZERO], ids=["valid", "leading-zero"])
def test_dsrdump_reads_it(
    name: str,
    uid: str,
    scores: dict[str, Score],
    header_of: HeaderOf,
    first: ReportRequest,
    written: Written,
    peer_program: Callable[[str], str],
    tmp_path: Path,
) -> None:
    score = scores[name]
    lesions = tuple(
        replace(
            lesion, images=tuple(replace(image, sop_instance_uid=f"{uid}.{image.slice}") for image in lesion.images)
        )
        for lesion in score.lesions
    )
    source = header_of(0, StudyInstanceUID=uid, SeriesInstanceUID=f"{uid}.5", SOPInstanceUID=f"{uid}.0")
    document = structured_report.build(replace(score, lesions=lesions), [source], request=first)
    path = tmp_path / "sr.dcm"
    path.write_bytes(written(document))
    run = subprocess.run([peer_program("dsrdump"), path], capture_output=True, check=False)
    output = run.stdout.decode()
    assert run.returncode == 0, run.stderr.decode()
    assert "Comprehensive SR Document" in output
    assert score.agatston is not None
    shown = f"{score.agatston.total:.2f}".rstrip("0").rstrip(".")
    assert f'"Coronary artery calcium score")="{shown}" (1,UCUM,"no units")' in output
    assert dcmread(path).file_meta.MediaStorageSOPInstanceUID == document.SOPInstanceUID


@pytest.mark.peer
@pytest.mark.parametrize("name", NAMES)
def test_dciodvfy_finds_no_error(
    name: str,
    scores: dict[str, Score],
    sources: list[Dataset],
    first: ReportRequest,
    written: Written,
    dciodvfy: Callable[[Path], str],
    tmp_path: Path,
) -> None:
    old = structured_report.build(scores[name], sources, request=first)
    predecessor = Predecessor(old.SOPClassUID, old.SOPInstanceUID, old.SeriesInstanceUID, old.StudyInstanceUID)
    path = tmp_path / "sr.dcm"
    path.write_bytes(
        written(
            structured_report.build(scores[name], sources, request=replace(first, version=2, predecessor=predecessor))
        )
    )
    assert "ComprehensiveSR" in dciodvfy(path)


def test_nothing_of_pydicom_s_strictness_is_left_behind(
    scores: dict[str, Score], header_of: HeaderOf, first: ReportRequest
) -> None:
    before = (config.settings.reading_validation_mode, config.settings.writing_validation_mode)
    structured_report.build(scores["3"], [header_of(0, StudyInstanceUID=LEADING_ZERO)], request=first)
    assert (config.settings.reading_validation_mode, config.settings.writing_validation_mode) == before

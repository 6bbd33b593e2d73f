"""Each form of the structured report tells the whole result, and others read it."""

from __future__ import annotations

import html
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage, EnhancedSRStorage

from config.results import SrTemplate
from scoring.report.common.request import ReportRequest
from scoring.report.sr import structured_report
from scoring.result import ARTERIES, Score, Statement

HeaderOf = Callable[..., Dataset]
Written = Callable[[Dataset], bytes]
ReadBack = Callable[[Dataset], Dataset]

FORMS: tuple[SrTemplate, ...] = ("tid1500", "tid1500-3d", "tid3900")
CLASSES = {"tid1500": ComprehensiveSRStorage, "tid1500-3d": Comprehensive3DSRStorage, "tid3900": EnhancedSRStorage}
NAMES = ["0", "3", "250", "1800", "full", "refused"]
PRIVATE = "99CORONODE"


@pytest.fixture(scope="session")
def every(scores: dict[str, Score], full: Score, refused: Score) -> dict[str, Score]:
    return {**scores, "full": full, "refused": refused}


def walk(item: Dataset) -> Iterator[Dataset]:
    yield item
    for child in item.get("ContentSequence", ()):
        yield from walk(child)


def of_type(document: Dataset, value_type: str) -> list[Dataset]:
    return [item for item in walk(document) if item.get("ValueType") == value_type]


def name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue)


def exact(item: Dataset) -> float:
    value = item.MeasuredValueSequence[0]
    return float(value.get("FloatingPointValue", value.NumericValue))


def numbers(document: Dataset) -> list[tuple[str, float]]:
    return sorted((name(item), exact(item)) for item in walk(document) if item.get("ValueType") == "NUM")


def texts(document: Dataset, concept: str) -> list[str]:
    return [str(item.TextValue) for item in walk(document) if item.get("ValueType") == "TEXT" and name(item) == concept]


def of_the_scan(score: Score) -> list[tuple[str, float]]:
    """Every number of the technique, which stands once in each report, with a score or without."""
    series = score.series
    assert series.spacing_mm is not None
    known = {
        "113733": series.kvp,
        "113736": series.exposure_mas,
        "112225": series.slice_thickness_mm,
        "FIELD_OF_VIEW": series.field_of_view_mm,
        "SLICES": series.slices,
    }
    spacing = zip(("112226", "111066", "111026"), series.spacing_mm, strict=True)
    return [*((code, value) for code, value in known.items() if value is not None), *spacing]


def expected(score: Score) -> list[tuple[str, float]]:
    """Every number of the result by the code of its name, once in each place where the template asks for it."""
    if score.agatston is None or score.volume_mm3 is None or score.agatston_range is None:
        return []
    found: list[tuple[str, float]] = []
    for place in ("total", *ARTERIES):
        lesions = [lesion for lesion in score.lesions if place in ("total", lesion.artery)]
        found.append(("450360000", getattr(score.agatston, place)))
        found.append(("122660", getattr(score.volume_mm3, place)))
        found += [("122661", getattr(score.mass_mg, place))] if score.mass_mg else []
        found += [("MASS_INTEGRATED", getattr(score.mass_integrated_mg, place))] if score.mass_integrated_mg else []
        found.append(("246206008", len(lesions)))
    for lesion in score.lesions:
        found += [("450360000", lesion.agatston), ("122660", lesion.volume_mm3)]
        found += [] if lesion.mass_mg is None else [("122661", lesion.mass_mg)]
        found += [] if lesion.mass_integrated_mg is None else [("MASS_INTEGRATED", lesion.mass_integrated_mg)]
        found += [("112181", lesion.mean_hu), ("112180", lesion.max_hu), ("111012", lesion.confidence * 100)]
    found += [("AGATSTON_LOW", score.agatston_range[0]), ("AGATSTON_HIGH", score.agatston_range[1])]
    found.append(("122762", len({lesion.artery for lesion in score.lesions})))
    return found + of_context(score)


def of_context(score: Score) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    if score.percentile is not None and score.percentile.estimate is not None:
        found.append(("121415", score.percentile.estimate))
    if score.risk is not None:
        risk = (score.risk.arterial_age_years, score.risk.ten_year_percent, score.risk.ten_year_without_percent)
        codes = ("ARTERIAL_AGE", "122230", "CHD_RISK_WITHOUT")
        found += [(code, value) for code, value in zip(codes, risk, strict=True) if value is not None]
    if score.change is not None:
        found += [("INTERVAL", score.change.interval_days), ("ROOT_VOLUME", score.change.root_volume or 0.0)]
        for word, values in (
            ("AGATSTON", score.change.agatston),
            ("VOLUME", score.change.volume_mm3),
            ("MASS", score.change.mass_mg),
        ):
            assert values is not None
            parts = (("THEN", values.then), ("DIFF", values.absolute), ("RATE", values.per_year))
            found += [(f"{word}_{part}", value) for part, value in parts if value is not None]
            found += [] if values.limit is None else [(f"{word}_LIMIT", values.limit)]
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("which", NAMES)
def test_every_number_of_the_result_is_read_back_and_no_other(
    which: str,
    form: SrTemplate,
    every: dict[str, Score],
    sources: list[Dataset],
    first: ReportRequest,
    read_back: ReadBack,
) -> None:
    score = every[which]
    document = read_back(structured_report.build(score, sources, request=first, template=form))
    assert document.SOPClassUID == CLASSES[form]
    method = {"122657", "122659"}  # once in TID 1500, beside every score that follows from it in TID 3905
    assert [item for item in numbers(document) if item[0] not in method] == sorted(
        [*expected(score), *of_the_scan(score)]
    )
    told = {item for item in numbers(document) if item[0] in method}
    factor = score.provenance.mass_factor
    assert told == (
        set() if score.agatston is None else {("122657", 130.0)} | (set() if factor is None else {("122659", factor)})
    )


@pytest.mark.parametrize("form", FORMS)
def test_each_form_has_an_identity_of_its_own(
    form: SrTemplate, scores: dict[str, Score], sources: list[Dataset], first: ReportRequest, written: Written
) -> None:
    documents = {name: structured_report.build(scores["250"], sources, request=first, template=name) for name in FORMS}
    assert len({document.SOPInstanceUID for document in documents.values()}) == len(FORMS)
    assert len({document.SeriesInstanceUID for document in documents.values()}) == 1
    again = structured_report.build(scores["250"], sources, request=first, template=form)
    assert written(again) == written(documents[form])
    assert documents[form].file_meta.MediaStorageSOPClassUID == CLASSES[form]


def test_the_cardiovascular_report_follows_its_templates(
    full: Score, sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    root = read_back(structured_report.build(full, sources, request=first, template="tid3900"))
    assert (name(root), root.ContentTemplateSequence[0].TemplateIdentifier) == ("122600", "3900")
    (findings,) = [item for item in root.ContentSequence if name(item) == "121070"]
    analysis, section, comparison = findings.ContentSequence
    assert analysis.RelationshipType == "HAS CONCEPT MOD"
    assert (name(analysis), analysis.ConceptCodeSequence[0].CodeValue) == ("111004", "122605")
    assert name(section) == "41801008"
    assert name(comparison) == "COMPARISON"
    sites = [group.ContentSequence[0].ConceptCodeSequence[0].CodeValue for group in section.ContentSequence]
    assert sites == ["41801008", "3227004", "59438005", "57396003", "13647002"]
    for group in section.ContentSequence:
        (agatston,) = [item for item in group.ContentSequence if name(item) == "450360000"]
        by = {(name(item), item.RelationshipType) for item in agatston.ContentSequence}
        assert {("370129005", "HAS CONCEPT MOD"), ("122657", "INFERRED FROM")} <= by
    lesions = [item for group in section.ContentSequence for item in group.ContentSequence if name(item) == "121070"]
    assert len(lesions) == len(full.lesions)


@pytest.mark.parametrize("form", FORMS)
def test_the_percentile_belongs_to_the_total_and_names_its_population(
    form: SrTemplate, full: Score, sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    document = read_back(structured_report.build(full, sources, request=first, template=form))
    (ranked,) = [
        item for item in walk(document) if "121415" in [name(child) for child in item.get("ContentSequence", ())]
    ]
    assert (name(ranked), exact(ranked)) == ("450360000", full.agatston.total if full.agatston else None)
    (population,) = texts(document, "121405")
    assert "white men of 70 years in MESA" in population
    assert "21, 145, 540, 1345" in population
    assert texts(document, "121406") == ["McClelland et al., Circulation 2006;113:30"]
    above = replace(full, percentile=replace(full.percentile, estimate=None, band=">90th"))
    document = read_back(structured_report.build(above, sources, request=first, template=form))
    assert "121415" not in [code for code, _ in numbers(document)]
    assert "over 90th among white men" in texts(document, "PERCENTILE")[0]


@pytest.mark.parametrize("form", FORMS)
def test_the_change_is_told_with_its_verdict_and_the_earlier_scan(
    form: SrTemplate, full: Score, sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    document = read_back(structured_report.build(full, sources, request=first, template=form))
    coded = {
        name(item): item.ConceptCodeSequence[0].CodeMeaning
        for item in walk(document)
        if item.get("ValueType") == "CODE"
    }
    assert (coded["AGATSTON_EXCEEDS"], coded["VOLUME_EXCEEDS"], coded["PROGRESSION"]) == ("No", "Yes", "No")
    assert "MASS_EXCEEDS" not in coded
    uids = {name(item): item.UID for item in of_type(document, "UIDREF")}
    assert (uids["EARLIER_STUDY"], uids["EARLIER_REPORT"]) == ("1.2.840.7.1", "1.2.840.7.2")
    (words,) = texts(document, "CHANGE")
    assert "Agatston 208.4 then, 250.0 now: +41.7 (+20.0 %)" in words
    assert "Volume 40.5 then, 46.5 mm3 now: +6.0 mm3 (+14.8 %), +6.0 mm3 per year, exceeds the 95 % limit" in words
    assert "tube voltage: 120 then, 100 now" in words
    assert "Chung et al., AJR 2008" in words


@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_known_is_said_with_the_reason(
    form: SrTemplate, full: Score, sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    assert full.risk is not None
    risk = replace(
        full.risk,
        arterial_age_years=None,
        ten_year_percent=None,
        ten_year_reason=Statement(text="no blood pressure is given"),
        percentile_reason=Statement(text="the age is outside 45 to 84 years"),
        change_reason=(Statement(text="no earlier scan was found"),),
    )
    score = replace(full, percentile=None, change=None, risk=risk)
    document = read_back(structured_report.build(score, sources, request=first, template=form))
    assert texts(document, "PERCENTILE") == ["Percentile: not determined. The age is outside 45 to 84 years."]
    assert texts(document, "ARTERIAL_NOTE") == ["Arterial age: not determined."]
    assert texts(document, "CHD_RISK_NOTE") == [
        "10-year risk of coronary heart disease: not determined. No blood pressure is given."
    ]
    assert texts(document, "CHANGE") == ["Change: no comparison with an earlier scan. No earlier scan was found."]


@pytest.mark.parametrize("form", FORMS)
def test_a_series_without_a_score_has_a_report_that_says_why(
    form: SrTemplate, refused: Score, sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    document = read_back(structured_report.build(refused, sources, request=first, template=form))
    assert numbers(document) == sorted(of_the_scan(refused))
    assert texts(document, "REASON") == ["contrast medium in the aorta"]
    assert texts(document, "FLAG") == ["reject: contrast medium in the aorta [contrast]"]
    coded = {
        name(item): item.ConceptCodeSequence[0].CodeValue for item in walk(document) if item.get("ValueType") == "CODE"
    }
    assert coded["SUITABILITY"] == "NOT_SUITABLE"
    assert not coded.keys() & {"RISK", "CATEGORY", "CACDRS"}
    (summary,) = texts(document, "121111")
    assert "no score, the series cannot be scored\nReason: contrast medium in the aorta" in summary


@pytest.mark.parametrize("form", FORMS)
def test_codes_and_names_keep_their_lengths(
    form: SrTemplate, full: Score, sources: list[Dataset], first: ReportRequest, read_back: ReadBack
) -> None:
    """PS3.3 8.1: Code Value SH (16), Code Meaning LO (64)."""
    for item in walk(read_back(structured_report.build(full, sources, request=first, template=form))):
        for code in (*item.get("ConceptNameCodeSequence", ()), *item.get("ConceptCodeSequence", ())):
            assert len(code.CodeValue) <= 16
            assert len(code.CodeMeaning) <= 64


NAMES_OF_PATIENTS = {
    "latin-1": ("ISO_IR 100", "Grün^Zoë"),
    "utf-8": ("ISO_IR 192", "Núñez^Ελένη^Ω"),
    "japanese": ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    "korean": ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"),
    "64 characters": ("ISO_IR 100", "A" * 31 + "^" + "b" * 32),
    "empty": ("ISO_IR 100", ""),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("which", NAMES_OF_PATIENTS)
def test_names_survive(
    which: str,
    form: SrTemplate,
    scores: dict[str, Score],
    header_of: HeaderOf,
    first: ReportRequest,
    read_back: ReadBack,
) -> None:
    charset, person = NAMES_OF_PATIENTS[which]
    source = header_of(0, SpecificCharacterSet=charset.split("\\"), PatientName=person, StudyDescription=None)
    document = read_back(structured_report.build(scores["3"], [source], request=first, template=form))
    assert str(document.PatientName) == person
    assert document.SpecificCharacterSet == "ISO_IR 192"


@pytest.mark.peer
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("which", NAMES)
def test_dciodvfy_finds_no_error_in_any_form(
    which: str,
    form: SrTemplate,
    every: dict[str, Score],
    sources: list[Dataset],
    first: ReportRequest,
    written: Written,
    dciodvfy: Callable[[Path], str],
    tmp_path: Path,
) -> None:
    path = tmp_path / "sr.dcm"
    path.write_bytes(written(structured_report.build(every[which], sources, request=first, template=form)))
    words = {"tid1500": "ComprehensiveSR", "tid1500-3d": "Comprehensive3DSR", "tid3900": "EnhancedSR"}
    assert words[form] in dciodvfy(path)


@pytest.mark.peer
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("which", NAMES)
def test_dsr2html_and_dsrdump_show_every_number(
    which: str,
    form: SrTemplate,
    every: dict[str, Score],
    sources: list[Dataset],
    first: ReportRequest,
    written: Written,
    peer_program: Callable[[str], str],
    tmp_path: Path,
) -> None:
    path = tmp_path / "sr.dcm"
    path.write_bytes(written(structured_report.build(every[which], sources, request=first, template=form)))
    for program, read in (("dsr2html", shown_on_page), ("dsrdump", shown_in_dump)):
        run = subprocess.run([peer_program(program), path], capture_output=True, check=False)
        assert run.returncode == 0, run.stderr.decode()
        shown = read(run.stdout.decode())
        for code, value in expected(every[which]):
            digits = next((digits for codes, digits in DIGITS.items() if code in codes), 2)
            assert float(f"{value:.{digits}f}") in shown, (program, code, value)


DIGITS = {
    ("111012", "121415"): 0,
    ("112181", "112180", "ARTERIAL_AGE", "122230", "CHD_RISK_WITHOUT"): 1,
}


def shown_on_page(page: str) -> set[float]:
    words = html.unescape(re.sub(r"<[^>]+>", " ", page))
    return {float(found) for found in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\d)", words)}


def shown_in_dump(dump: str) -> set[float]:
    return {float(found) for found in re.findall(r'NUM:\([^=]*\)="(-?[\d.]+)"', dump)}

"""The first pages, read as PDF: the same template and values, set as text instead of pixels."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from scoring.judgement.category import categorise
from scoring.report.common.colours import CATEGORY_COLOUR, SCREEN
from scoring.report.common.request import ReportRequest
from scoring.report.pictures.cover import TEMPLATE, cover, cover_values
from scoring.report.pictures.drawing import HEIGHT, WIDTH
from scoring.report.typeset import typesetter
from scoring.report.typeset.site import load_site
from scoring.result import Change, Difference, Earlier, Flag, Score, Statement

CREATED = datetime(2026, 1, 6, tzinfo=UTC)
SCORES = [0.0, 0.04, 0.4, 3.0, 99.9, 250.0, 400.4, 1800.0, 12345.0]
LONG = (
    "Klinik für Diagnostische und Interventionelle Radiologie des Universitätsklinikums Musterstadt-Süd, "
    "Kardiale Bildgebung"
)
FLAGS = tuple(
    Flag(f"f{index}", "warning" if index % 2 else "info", f"{index}: {'words that a flag has, and more of them ' * 4}")
    for index in range(10)
)


def pages_of(score: Score, request: ReportRequest, **how: Any) -> list[str]:
    """The words of each page, spaces made single."""
    site = load_site(request)
    values = cover_values(score, site, version=request.version, **how)
    content = typesetter.set_pdf(
        TEMPLATE, values, site.files(), faces=site.faces, palette=SCREEN, created=request.created
    )
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages]


def text_of(score: Score, request: ReportRequest, **how: Any) -> str:
    return " ".join(pages_of(score, request, **how))


def at(score: Score, total: float) -> Score:
    """The score with another total, shared out as before."""
    factor = total / score.agatston.total
    values = {name: getattr(score.agatston, name) * factor for name in ("total", "LM", "LAD", "LCX", "RCA")}
    lesions = tuple(replace(lesion, agatston=lesion.agatston * factor) for lesion in score.lesions)
    return replace(
        score,
        agatston=replace(score.agatston, **values),
        agatston_range=(total * 0.875, total * 1.125),
        category=categorise(total, any_lesion=total > 0),
        lesions=lesions if total else (),
    )


def change_of(score: Score, earlier: int) -> Change:
    now = score.agatston.total
    history = tuple(
        Earlier(f"{2026 - 2 * (earlier - index)}-01-04", now * 0.8 ** (earlier - index), None, None, "index")
        for index in range(earlier)
    )
    then = history[-1].agatston
    limit = 0.17 * then + 20
    difference = Difference(then, now, now - then, (now - then) / 2, limit, abs(now - then) > limit)
    return replace(score.change, date=history[-1].date, interval_days=730, agatston=difference, history=history)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("total", SCORES)
def test_the_whole_result_has_room_on_one_page(total: float, language: str, full: Score, first: ReportRequest) -> None:
    request = replace(first, language=language)
    score = at(full, total)
    for one in (score, replace(score, percentile=None), replace(score, change=None), replace(score, mass_mg=None)):
        (page,) = pages_of(one, request, series_number="3")
        assert f"{'Category' if language == 'en' else 'Kategorie'} {score.category} · CAC-DRS" in page
        assert ("Automated result" if language == "en" else "Automatisch ermittelt") in page


@pytest.mark.parametrize("earlier", range(1, 7))
def test_one_to_six_earlier_scans_have_room(earlier: int, full: Score, first: ReportRequest) -> None:
    for total in (3.0, 12345.0):
        score = at(full, total)
        (page,) = pages_of(replace(score, change=change_of(score, earlier)), first)
        assert "Since the scan 2.0 years earlier" in page


def test_the_numbers_are_those_of_the_result(full: Score, first: ReportRequest) -> None:
    page = text_of(full, first, series_number="3")
    for artery, name in (("LM", "Left main"), ("LAD", "Left anterior descending"), ("RCA", "Right coronary")):
        numbers = [getattr(values, artery) for values in (full.agatston, full.volume_mm3, full.mass_mg)]
        assert f"{artery} {name} 1 {' '.join(f'{value:.1f}' for value in numbers)}" in page
    for part in (
        "250 Agatston score",
        "moderate Category 101-400 · CAC-DRS A2/N4 interval 219 to 281",
        "All coronary arteries 4 250.0 46.5 14.2",
        "MESA: men, white, 70 years Percentile 50th to 75th, about 64",
        "Since the scan 12 months earlier Agatston +41.7 (+20 %)",
        "Within the variation between repeated scans (113.2).",
        "Agatston 208.4 250.0 +41.6 within 113.2",
        "Arterial age 79.2 years; no confidence interval has been published.",
        "10-year risk of coronary heart disease (MESA): 10.4 %; without the score 8.6 %.",
        "Caution Differences: tube voltage: 120 then, 100 now.",
        "Caution Tube voltage is 100 kVp. Note Calcium in the left main.",
        "Series 3; Scanner: Maker; Tube: 120 kVp, 80 mAs",
        "Coronode 0.1.0, result 1.",
        "MESA: McClelland et al., Circulation 2006;113:30",
    ):
        assert part in page


def test_the_page_speaks_the_language_of_the_site(full: Score, first: ReportRequest) -> None:
    # sentences of a test have no translation
    shipped = replace(full.percentile, caveats=(Statement.build("compare_kvp_unknown"),))
    flags = (Flag.build("other_images", "warning", count=2, why=("localizer",)),)
    voltage = Statement.build("differs", variant="size", what="tube_voltage", then=120.0, now=100.0, unit="kV")
    change = replace(full.change, notes=(), differences=(voltage,))
    score = replace(full, percentile=shipped, change=change, flags=flags)
    page = text_of(score, replace(first, language="de"), series_number="3", slices=40, left_out=2)
    for part in (
        "NUR FÜR DIE FORSCHUNG: kein Medizinprodukt",
        "Koronarkalk",
        "mäßig Kategorie 101-400 · CAC-DRS A2/N4 Bereich 219 bis 281",
        "LAD Ramus interventricularis anterior 1 150,0 11,1 3,1",
        "Perzentile 50 bis 75, etwa 64",
        "Seit der Untersuchung 12 Monate zuvor Agatston +41,7 (+20 %)",
        "Vorsicht Unterschiede: Röhrenspannung: damals 120 kV, jetzt 100 kV.",
        "Arterielles Alter 79,2 Jahre",
        "Vorsicht 2 Bilder gehören nicht zur Serie und wurden nicht berücksichtigt: Übersichtsbild.",
        "Bilder der 40 Schichten mit dem meisten Kalk; 2 weitere Schichten enthalten Kalk.",
        "Im Vergleich mit anderen: Die Röhrenspannung ist nicht bekannt: mit Vorsicht vergleichen.",
        "Automatisch ermittelt, ärztlich zu bestätigen.",
    ):
        assert part in page
    assert not re.search(r"\b(score|the|Category|Percentile|earlier|risk|Volume|slices)\b", page)


def test_a_reason_stands_where_something_is_not_known(full: Score, first: ReportRequest) -> None:
    risk = replace(
        full.risk,
        percentile_reason=Statement.build("patient_unknown", missing=("sex",)),
        change_reason=(Statement.build("no_scan_date"),),
    )
    page = text_of(replace(full, percentile=None, change=None, risk=risk), first)
    assert "No percentile. Not known for this patient: sex." in page
    assert "No comparison with an earlier scan. The images carry no date." in page


def test_a_series_without_flags_says_so(scores: dict[str, Score], first: ReportRequest) -> None:
    assert "No remarks on the images." in text_of(scores["0"], first)


def test_neither_patient_nor_date_is_burnt_in(full: Score, first: ReportRequest) -> None:
    page = text_of(full, first, series_number="3")
    for forbidden in ("Grün", "Zoë", "0042", "2025", "2026", "20260105", "January", "1.2.840"):
        assert forbidden not in page
    values = cover_values(full, load_site(first), version=1)
    assert "Grün" not in json.dumps(values, ensure_ascii=False)
    assert {"patient", "foot", "origin"}.isdisjoint(values)


def test_ten_flags_and_a_long_institution_are_all_there(full: Score, first: ReportRequest, tmp_path: Path) -> None:
    Image.new("RGBA", (900, 300), (0, 90, 160, 128)).save(tmp_path / "logo.png")
    request = replace(first, institution=LONG, logo=tmp_path / "logo.png", warning_text="Nur für Forschung " * 12)
    pages = pages_of(replace(full, flags=FLAGS), request, slices=40, left_out=3)
    together = " ".join(pages)
    for part in (
        *(flag.message for flag in FLAGS),
        LONG,
        "Pictures of the 40",
        *(item.text for item in full.percentile.caveats),
    ):
        assert part.strip() in together
    assert len(pages) == 2
    assert [page.count("Nur für Forschung") for page in pages] == [12, 12]
    assert [("continued on the next page" in page, "calcium, continued" in page) for page in pages] == [
        (True, False),
        (False, True),
    ]
    # warnings come before what is only to be known
    assert together.index(FLAGS[9].message.strip()) < together.index(FLAGS[0].message.strip())


def test_a_flag_longer_than_a_page_goes_on(full: Score, first: ReportRequest) -> None:
    pages = pages_of(replace(full, flags=(Flag("long", "info", "word " * 2000),)), first)
    assert " ".join(pages).lower().count("word") == 2000
    assert 2 < len(pages) < 8


@pytest.mark.parametrize("warning", ["研究用", "Forschung 研究用"])
def test_a_warning_that_cannot_be_shown_gives_way_to_the_usual_one(
    warning: str, full: Score, first: ReportRequest
) -> None:
    assert text_of(full, replace(first, warning_text=warning)).startswith("RESEARCH USE: not a medical device")
    german = replace(first, warning_text=warning, language="de")
    assert text_of(full, german).startswith("NUR FÜR DIE FORSCHUNG: kein Medizinprodukt")


@given(
    total=st.floats(0, 20_000),
    institution=st.text(max_size=160),
    messages=st.lists(st.text(min_size=1, max_size=300), max_size=12),
    earlier=st.integers(0, 6),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_result_can_be_set(
    full: Score, first: ReportRequest, total: float, institution: str, messages: list[str], earlier: int
) -> None:
    score = at(full, total)
    flags = tuple(Flag("f", "info", message) for message in messages)
    score = replace(score, flags=flags, change=change_of(score, earlier) if earlier else None)
    pages = cover(score, load_site(replace(first, institution=institution)), version=1)
    assert {page.size for page in pages} == {(WIDTH, HEIGHT)}


def pixels_of(score: Score, request: ReportRequest) -> np.ndarray:
    (page,) = cover(score, load_site(request), version=1)
    assert page.mode == "RGB"
    return np.asarray(page)


@pytest.mark.parametrize("name", ["0", "3", "250", "1800"])
def test_the_category_has_its_colour_and_the_ground_is_dark(
    name: str, scores: dict[str, Score], first: ReportRequest
) -> None:
    pixels = pixels_of(scores[name], first)
    assert (pixels == SCREEN.ground).all(axis=2).mean() > 0.7
    # the box on the scale: no other one has the full colour of its category
    full = {one: int((pixels == colour).all(axis=2).sum()) for one, colour in CATEGORY_COLOUR.items()}
    assert [one for one, count in full.items() if count > 400] == [scores[name].category]


def test_nothing_runs_off_the_page(full: Score, first: ReportRequest) -> None:
    for total in SCORES:
        pixels = pixels_of(at(full, total), replace(first, language="de"))
        # below the banner, words keep the margins of the page
        edges = np.concatenate([pixels[60:, :26].reshape(-1, 3), pixels[60:, -26:].reshape(-1, 3)])
        assert (edges == SCREEN.ground).all()
        assert (pixels[-10:] == SCREEN.ground).all()


def test_the_same_result_gives_the_same_pixels(full: Score, first: ReportRequest) -> None:
    assert np.array_equal(pixels_of(full, first), pixels_of(full, first))
    assert not np.array_equal(pixels_of(full, first), pixels_of(full, replace(first, language="de")))


def test_no_cover_without_a_score(refused: Score, first: ReportRequest) -> None:
    with pytest.raises(ValueError, match="not scored has no page: contrast medium"):
        cover(refused, load_site(first), version=1)


def test_slices_that_are_left_out_are_counted(scores: dict[str, Score], first: ReportRequest) -> None:
    words = "Pictures of the 40 slices with the most calcium; 20 more slices contain calcium."
    assert words in text_of(scores["3"], first, slices=40, left_out=20)
    assert "Pictures of" not in text_of(scores["3"], first, slices=2)

"""The first page: every word is written down with its box, so that none runs over another or off the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import resources
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset

from scoring.report.common.request import ReportRequest
from scoring.report.pictures import (
    artery_table,
    category_scale,
    change_chart,
    lettering,
    overlay,
    percentile_chart,
    style,
)
from scoring.report.pictures.cover import cover
from scoring.report.pictures.drawing import Drawing
from scoring.report.pictures.lettering import face_for, fitted, font, legible, width, wrapped
from scoring.result import CATEGORIES, Category, Flag, RejectedCandidate, Score
from scoring.risk.change import Change, Difference, Earlier
from scoring.risk.context import category

SCORES = [0.0, 0.04, 0.4, 3.0, 99.9, 250.0, 400.4, 1800.0, 12345.0]
LONG = (
    "Klinik für Diagnostische und Interventionelle Radiologie des Universitätsklinikums Musterstadt-Süd, "
    "Kardiale Bildgebung"
)
FLAGS = tuple(
    Flag(f"f{index}", "warning" if index % 2 else "info", f"{index}: {'words that a flag has, and some more ' * 4}")
    for index in range(10)
)


@dataclass(frozen=True)
class Word:
    page: int
    text: str
    box: style.Box


@pytest.fixture(scope="module")
def words() -> Iterator[list[Word]]:
    """What was written since the list was last cleared."""
    kept: list[Word] = []
    pages: list[Drawing] = []
    plain = Drawing.words

    def recorded(self: Drawing, place: Any, text: str, size: int, **how: Any) -> None:
        if self not in pages:
            pages.append(self)
        draw = ImageDraw.Draw(self.image)
        face = how.get("face", "Regular")
        box = draw.textbbox(place, text, font(size, face), anchor=how.get("anchor", "ls"))
        kept.append(Word(pages.index(self), text, box))
        plain(self, place, text, size, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drawing, "words", recorded)
        yield kept


def on_page(words: list[Word]) -> None:
    for word in words:
        left, top, right, bottom = word.box
        assert left >= 0, word
        assert top >= 0, word
        assert right <= style.WIDTH, word
        assert bottom <= style.HEIGHT, word
    for one, other in combinations(words, 2):
        if one.page == other.page:
            (a, b, c, d), (e, f, g, h) = one.box, other.box
            assert not (a < g - 1 and e < c - 1 and b < h - 1 and f < d - 1), (one, other)


def texts(words: list[Word], page: int | None = None) -> str:
    return "\n".join(word.text for word in words if page in {None, word.page})


def at(score: Score, total: float) -> Score:
    """The score with another total, shared out as before."""
    factor = total / score.agatston.total
    values = {name: getattr(score.agatston, name) * factor for name in ("total", "LM", "LAD", "LCX", "RCA")}
    lesions = tuple(replace(lesion, agatston=lesion.agatston * factor) for lesion in score.lesions)
    return replace(
        score,
        agatston=replace(score.agatston, **values),
        agatston_range=(total * 0.875, total * 1.125),
        category=category(total, any_lesion=total > 0),
        lesions=lesions if total else (),
    )


def change_of(score: Score, earlier: int) -> Change:
    now = score.agatston.total
    history = tuple(
        Earlier(f"{2026 - 2 * (earlier - index)}-01-04", now * 0.8 ** (earlier - index), None, None, "index")
        for index in range(earlier)
    )
    then = history[-1].agatston
    difference = Difference(
        then, now, now - then, (now - then) / 2, 0.17 * then + 20, abs(now - then) > 0.17 * then + 20
    )
    return replace(score.change, date=history[-1].date, interval_days=730, agatston=difference, history=history)


@pytest.mark.parametrize("total", SCORES)
@pytest.mark.parametrize("shown", ["all", "no percentile", "no change", "neither", "no mass"])
def test_no_word_meets_another_or_leaves_the_page(
    total: float, shown: str, full: Score, first: ReportRequest, words: list[Word]
) -> None:
    score = at(full, total)
    if shown in {"no percentile", "neither"}:
        score = replace(score, percentile=None)
    if shown in {"no change", "neither"}:
        score = replace(score, change=None)
    if shown == "no mass":
        score = replace(score, mass_mg=None)
    words.clear()
    pages = cover(score, first, series_number="3")
    on_page(words)
    assert len(pages) == 1
    assert f"Category {score.category}" in texts(words)


@pytest.mark.parametrize("earlier", range(1, 7))
@pytest.mark.parametrize("total", [3.0, 250.0, 12345.0])
def test_one_to_six_earlier_scans_have_room(
    earlier: int, total: float, full: Score, first: ReportRequest, words: list[Word]
) -> None:
    score = at(full, total)
    score = replace(score, change=change_of(score, earlier))
    words.clear()
    cover(score, first)
    on_page(words)
    assert "Since the scan 2.0 years earlier" in texts(words)
    assert len(change_chart.points(score.change)) == earlier + 1


def test_ten_flags_and_a_long_institution_are_all_there(
    full: Score, first: ReportRequest, words: list[Word], tmp_path: Path
) -> None:
    Image.new("RGBA", (900, 300), (0, 90, 160, 128)).save(tmp_path / "logo.png")
    request = replace(first, institution=LONG, logo=tmp_path / "logo.png", warning_text="Nur für Forschung " * 12)
    words.clear()
    pages = cover(replace(full, flags=FLAGS), request, pictures="Pictures of the 40 slices with the most calcium")
    on_page(words)
    said = texts(words).replace("\n", " ")
    for part in (*(flag.message for flag in FLAGS), LONG, "Pictures of the 40", *full.percentile.caveats):
        assert part.strip() in said
    assert len(pages) == 2
    assert "continued on the next page" in texts(words, words[0].page)
    # warnings come before what is only to be known
    assert said.index(FLAGS[9].message.strip()) < said.index(FLAGS[0].message.strip())


def test_a_flag_longer_than_a_page_goes_on(full: Score, first: ReportRequest, words: list[Word]) -> None:
    words.clear()
    pages = cover(replace(full, flags=(Flag("long", "info", "word " * 2000),)), first)
    on_page(words)
    assert texts(words).lower().replace("\n", " ").count("word ") >= 1990
    assert 2 < len(pages) < 8


@given(
    total=st.floats(0, 20_000),
    institution=st.text(max_size=160),
    messages=st.lists(st.text(min_size=1, max_size=300), max_size=12),
    earlier=st.integers(0, 6),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_result_stays_on_its_pages(
    full: Score,
    first: ReportRequest,
    words: list[Word],
    total: float,
    institution: str,
    messages: list[str],
    earlier: int,
) -> None:
    score = at(full, total)
    flags = tuple(Flag("f", "info", message) for message in messages)
    score = replace(score, flags=flags, change=change_of(score, earlier) if earlier else None)
    words.clear()
    cover(score, replace(first, institution=institution))
    on_page(words)


def test_the_numbers_are_those_of_the_result(full: Score, first: ReportRequest, words: list[Word]) -> None:
    words.clear()
    cover(full, first, series_number="3")
    said = texts(words)
    for artery in ("LM", "LAD", "LCX", "RCA"):
        row = next(word for word in words if word.text == artery)
        values = [word.text for word in words if abs(word.box[3] - row.box[3]) < 3 and word.box[0] > 350]
        assert values == [
            "1",
            *(f"{getattr(values, artery):.1f}" for values in (full.agatston, full.volume_mm3, full.mass_mg)),
        ]
    for part in (
        "CAC-DRS A2/N4",
        "interval 219 to 281",
        "50th-75th percentile (about 64)",
        "White men of 70 years (MESA)",
        "Agatston +41.7 (+20 %)",
        "within the variation of a repeated scan",
        "within 113",
        "Arterial age 79 years; 10-year risk of coronary heart disease (MESA) 10.4 % (8.6 % without the score)",
        "Series 3: Maker",
    ):
        assert part in said
    assert "Not alike in the two scans: tube voltage: 120 then, 100 now" in said.replace("\n", " ")
    assert "McClelland et al., Circulation 2006;113:30" in said.replace("\n", " ")


def test_neither_patient_nor_date_is_burnt_in(full: Score, first: ReportRequest, words: list[Word]) -> None:
    words.clear()
    cover(full, first, series_number="3")
    said = texts(words)
    for forbidden in ("Grün", "Zoë", "0042", "2026-", "2025", "20260105", "01-04"):
        assert forbidden not in said


def test_what_is_uncertain_and_what_was_left_out_stand_below_the_table(score_of: Callable[..., Score]) -> None:
    score = score_of([("LM", 20.0), ("LAD", 100.0)])
    sure, doubtful = (
        replace(lesion, confidence=value) for lesion, value in zip(score.lesions, (0.9, 0.7), strict=True)
    )
    candidates = [
        RejectedCandidate(1, 30.5, 20.25, 300, (0, 0, 0), (1,), 0.2, "outside"),
        RejectedCandidate(2, 4.0, 3.0, 200, (0, 0, 0), (1,), 0.19, "outside"),
    ]
    score = replace(score, lesions=(sure, doubtful), rejected=tuple(candidates))
    uncertain, left_out = artery_table.lines(score)[-2:]
    assert uncertain.values == ("1", "100.0", "11.1", "3.1")
    assert left_out.values == ("1", "30.5", "20.2", "-")
    more = replace(score, rejected=(candidates[0],), rejected_left_out=3)
    assert artery_table.lines(more)[-1].values[0] == "1+"


@pytest.mark.parametrize("name", CATEGORIES)
def test_the_mark_stands_in_its_category(name: Category, first: ReportRequest, full: Score) -> None:
    totals = {"0": [0.0], "1-100": [0.2, 1, 50, 100.4], "101-400": [100.6, 250, 400.4], ">400": [400.6, 1800, 90_000.0]}
    for total in totals[name]:
        drawing = Drawing()
        category_scale.draw(drawing, 100, total, name)
        pixels = np.asarray(drawing.image)
        tip = np.flatnonzero((pixels[124] == style.STRONG).all(axis=1))
        assert tip.size
        below = pixels[131, round(float(tip.mean()))]
        assert tuple(below) == style.CATEGORY_COLOUR[name], total


def test_the_percentile_chart_has_its_point_between_its_curves(full: Score) -> None:
    levels = percentile_chart.curve(full.percentile)
    assert [level.age for level in levels] == list(range(45, 85))
    assert next(level for level in levels if level.age == 70).scores == (21, 145, 540, 1345)
    own = replace(full.percentile, population="Our town")
    assert [(level.age, level.scores) for level in percentile_chart.curve(own)] == [(70.0, (21, 145, 540, 1345))]


@pytest.mark.parametrize(
    ("days", "told"), [(1, "1 day"), (59, "59 days"), (91, "3 months"), (366, "12 months"), (1000, "2.7 years")]
)
def test_intervals_are_told_in_their_unit(days: int, told: str) -> None:
    assert change_chart.interval(days) == told


def test_an_earlier_score_without_a_date_is_left_out_of_the_chart(full: Score) -> None:
    odd = replace(full.change, history=(Earlier("unknown", 5.0, None, None, "index"), *full.change.history))
    assert [score for _, score in change_chart.points(odd)] == [208.375, full.change.agatston.now]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Universitätsklinikum Łódź", "Universitätsklinikum Łódź"),
        ("Αθήνα Москва", "Αθήνα Москва"),
        ("東京 Heart Centre", "Heart Centre"),
        ("ﬁne Ⅳ", "fine IV"),
        ("a\tb\n c", "a b c"),
    ],
)
def test_signs_that_the_type_lacks_leave_no_empty_boxes(text: str, shown: str) -> None:
    assert legible(text) == shown


@pytest.fixture
def own_fonts(tmp_path: Path) -> Path:
    """A site's folder: a file that is no font, and the package's own font under another name."""
    (tmp_path / "a.ttf").write_bytes(b"no font")
    shipped = resources.files("scoring.report.printed").joinpath("fonts/Roboto-Regular.ttf").read_bytes()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/b.ttf").write_bytes(shipped)
    return tmp_path


def test_a_font_of_the_site_is_taken_when_the_own_one_lacks_a_sign(
    own_fonts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert face_for("Klinik Süd", own_fonts) == "Medium"
    assert face_for("東京", own_fonts) is None
    assert face_for("東京", None) is None
    face_for.cache_clear()
    monkeypatch.setattr(lettering, "_shows", lambda _, face: isinstance(face, Path))
    assert face_for("東京", own_fonts) == own_fonts / "sub/b.ttf"
    face_for.cache_clear()


@pytest.mark.parametrize("told", ["研究用", "Forschung 研究用"])
def test_a_warning_that_cannot_be_shown_is_replaced_by_the_usual_one(
    told: str, full: Score, first: ReportRequest, words: list[Word]
) -> None:
    words.clear()
    cover(full, replace(first, warning_text=told))
    assert words[0].text == "RESEARCH USE: not a medical device"


def test_lengths_add_up_as_the_type_sets_them() -> None:
    for face in ("Regular", "Medium"):
        for size in (13, 17, 84):
            text = "AVATo, Wa. 12345 Agatston für LM/LAD"
            assert width(text, size, face) == pytest.approx(font(size, face).getlength(text), abs=0.01)


@given(st.text(max_size=200), st.integers(12, 20), st.integers(60, 600))
@settings(max_examples=60, deadline=None)
def test_wrapped_lines_fit_and_lose_nothing(text: str, size: int, room: int) -> None:
    lines = wrapped(text, size, room)
    assert all(width(line, size) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == legible(text).replace(" ", "")


def test_words_that_fit_at_no_size_end_with_dots() -> None:
    lines, size = fitted("word " * 80, 300, 2, (16, 14))
    assert (len(lines), size) == (2, 14)
    assert lines[-1].endswith("...")
    assert all(lettering.width(line, size) <= 300 for line in lines)


@pytest.mark.parametrize("name", ["3", "250", "1800"])
@pytest.mark.parametrize(
    "warning", ["RESEARCH USE: not a medical device", "Nur für Forschung, kein Medizinprodukt " * 4]
)
def test_no_word_on_a_slice_meets_another(
    name: str,
    warning: str,
    scores: dict[str, Score],
    sources: list[Dataset],
    pixels: Callable[..., Any],
    first: ReportRequest,
    words: list[Word],
) -> None:
    words.clear()
    for _ in overlay.pages(scores[name], sources, replace(first, warning_text=warning), pixels):
        pass
    on_page(words)
    for lesion in scores[name].lesions:
        # once on the slice and once magnified, on each of its two slices
        assert sum(word.text == f"{lesion.artery} {lesion.agatston:.1f}" for word in words) == 4


def test_no_cover_without_a_score(refused: Score, first: ReportRequest) -> None:
    with pytest.raises(ValueError, match="not scored"):
        cover(refused, first)

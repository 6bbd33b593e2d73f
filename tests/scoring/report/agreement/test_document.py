"""The figures for people: in words, as charts, and as a PDF that can be read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
from pypdf import PdfReader

from scoring.report.agreement import words
from scoring.report.agreement.charts import draw_differences, draw_months, draw_totals
from scoring.report.agreement.document import assessment_pdf
from scoring.report.common.colours import PAPER
from scoring.report.common.request import ReportRequest
from scoring.report.common.texts import load
from scoring.validation.agreement import compare_totals
from scoring.validation.assessment import LeftOut, assess
from scoring.validation.estimate import Estimate, share
from scoring.validation.pair import Pair, Values

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
ENGLISH, GERMAN = load("en"), load("de")


def pair(number, ours, theirs):
    categories = [
        "0" if not total else "1-100" if total <= 100 else "101-400" if total <= 400 else ">400"
        for total in (ours, theirs)
    ]
    mine, others = (Values(total, category) for total, category in zip((ours, theirs), categories, strict=True))
    return Pair(f"1.2.{number}", "1.1", mine, others, (ours * 0.9, ours * 1.1), reader="<script>alert(1)</script>")


PAIRS = [pair(number, total, total * 1.2) for number, total in enumerate([0, 0, 5, 30, 90, 150, 420, 900])]
PAIRS += [pair(20, 0, 12), pair(21, 8, 0)]


@pytest.mark.parametrize(
    ("one", "form", "english", "german"),
    [
        (Estimate(0.9, 0.85, 0.95, 9), "ratio", "0.900 (0.850 to 0.950)", "0,900 (0,850 bis 0,950)"),
        (
            Estimate(-0.1, -0.4, 0.2, 9),
            "ratio",
            "\u22120.100 (\u22120.400 to 0.200)",
            "\u22120,100 (\u22120,400 bis 0,200)",
        ),
        (share(9, 10), "share", "90.0 % (59.6 % to 98.2 %)", "90,0 % (59,6 % bis 98,2 %)"),
        (Estimate(None, None, None, 0, "no_cases"), "ratio", "no case", "kein Fall"),
        (
            Estimate(0.0, None, None, 9, "one_category"),
            "ratio",
            "0.000 (one category alone)",
            "0,000 (nur eine Kategorie)",
        ),
        (Estimate(-3.0, -5.0, 1.0, 9), "score", "\u22123.0 (\u22125.0 to +1.0)", "\u22123,0 (\u22125,0 bis +1,0)"),
    ],
)
def test_a_figure_never_stands_without_its_interval_or_the_reason(one, form, english, german):
    assert words.format_estimate(one, form, ENGLISH) == english
    assert words.format_estimate(one, form, GERMAN) == german


@pytest.mark.parametrize("texts", [ENGLISH, GERMAN], ids=["en", "de"])
@pytest.mark.parametrize("pairs", [[], PAIRS[:1], PAIRS], ids=["none", "one", "some"])
def test_every_table_can_be_written(pairs, texts):
    found = assess(pairs, [LeftOut("1.9", "not_scorable", "contrast")])
    rows = [row for table in words.list_tables(found.total, texts) for row in table.rows]
    assert rows[0].name == texts("validation.false_zeros")
    assert all(row.value for row in rows)
    assert words.list_left_out(found, texts) == [(texts("validation.left_out_not_scorable"), 1)]
    assert len(words.list_matrix(found.total)) == 5
    needed = words.list_needed(found, texts)
    assert [row.meaning == texts("validation.needed_enough") for row in needed] == [False] * 4


def test_charts_are_svg_with_words_for_those_who_do_not_see_them():
    agreement = compare_totals(PAIRS)
    for chart in (
        draw_totals(PAIRS, ENGLISH),
        draw_differences(PAIRS, agreement.roots, ENGLISH),
        draw_months([("2026-05", share(4, 10)), ("2026-06", share(0, 0))], share(40, 100), ENGLISH),
    ):
        root = ET.fromstring(chart.svg)  # noqa: S314  # our own
        assert root.get("role") == "img"
        assert root.get("aria-label") == chart.alt
        assert not re.search(r"style=|<style|<script", chart.svg), "the page's policy allows none"
    assert ENGLISH("validation.scatter_alt", n=10) in draw_totals(PAIRS, ENGLISH).alt


def test_a_false_zero_is_a_cross_and_no_dot():
    chart = draw_totals(PAIRS, ENGLISH)
    assert chart.svg.count("h.01") == 8
    (crosses,) = re.findall(r'class="wrong" d="([^"]+)"', chart.svg)
    assert crosses.count("M") == 2 * 2


def test_on_paper_a_chart_brings_its_colours():
    assert "<style>" in draw_totals(PAIRS, ENGLISH, PAPER).svg


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_pdf_has_every_figure(language):
    texts = load(language)
    request = ReportRequest(version=1, created=NOW, language=language)
    content = assessment_pdf(assess(PAIRS), PAIRS, request, created=NOW)
    assert content == assessment_pdf(assess(PAIRS), PAIRS, request, created=NOW)
    printed = " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split())
    for key in ("title", "sensitivity", "kappa_linear", "icc_agreement", "arteries", "worst", "needed"):
        assert texts(f"validation.{key}") in printed, key
    assert texts("validation.why_false_zero") in printed
    assert "1.2.20" in printed


def test_a_pdf_of_nothing_says_so():
    request = ReportRequest(version=1, created=NOW)
    content = assessment_pdf(assess([]), [], request, created=NOW)
    printed = " ".join(PdfReader(BytesIO(content)).pages[0].extract_text().split())
    assert ENGLISH("validation.no_pairs") in printed

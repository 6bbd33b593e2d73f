"""The change since an earlier scan: words, numbers, and places in the chart."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from scoring.report.common.texts import load
from scoring.report.typeset.change import change, format_interval
from scoring.report.typeset.change_chart import change_chart, points
from scoring.result import Earlier, Score

ENGLISH, GERMAN = load("en"), load("de")


@pytest.mark.parametrize(
    ("days", "english", "german"),
    [
        (1, "1 day", "1 Tag"),
        (59, "59 days", "59 Tage"),
        (91, "3 months", "3 Monate"),
        (366, "12 months", "12 Monate"),
        (1000, "2.7 years", "2,7 Jahre"),
    ],
)
def test_intervals_have_the_unit_that_people_use(days: int, english: str, german: str) -> None:
    assert (format_interval(days, ENGLISH), format_interval(days, GERMAN)) == (english, german)


def test_the_title_has_a_date_only_where_it_may(full: Score) -> None:
    assert change(full, ENGLISH, dated=True)["title"] == "Since 4 January 2025 (12 months earlier)"
    assert change(full, ENGLISH, dated=False)["title"] == "Since the scan 12 months earlier"
    assert change(full, GERMAN, dated=False)["title"] == "Seit der Untersuchung 12 Monate zuvor"


def test_each_quantity_has_its_numbers(full: Score) -> None:
    rows = change(full, ENGLISH, dated=False)["rows"]
    # a year of 365.25 days out of 366: 41.625 becomes 41.5
    assert rows[0] == ["Agatston", "208.4", "250.0", "+41.7", "+41.6", "within 113.2"]
    assert [row[-1] for row in rows] == ["within 113.2", "more than 4.1", "\N{EN DASH}"]


def test_an_earlier_score_without_a_date_is_left_out_of_the_chart(full: Score) -> None:
    assert full.change is not None
    odd = replace(full.change, history=(Earlier("unknown", 5.0, None, None, "index"), *full.change.history))
    assert [score for _, score in points(odd)] == [208.375, full.change.agatston.now]


def test_the_chart_has_every_score_at_its_time_and_the_band_around_the_earlier_one(full: Score) -> None:
    assert full.change is not None
    values = change_chart(ENGLISH, full.change)
    most = 208.375 + 113.25
    assert [x for x, _ in values["line"]] == [0.0, 1.0]
    assert [y for _, y in values["line"]] == pytest.approx([1 - 208.375 / most, 1 - full.change.agatston.now / most])
    assert sorted({round(y, 6) for _, y in values["band"]}) == [0.0, round(1 - (208.375 - 113.25) / most, 6)]
    assert change_chart(ENGLISH, replace(full.change, agatston=replace(full.change.agatston, limit=None)))["band"] == []


def test_words_of_six_earlier_scans_keep_their_distance(full: Score) -> None:
    assert full.change is not None
    history = tuple(Earlier(f"{2025 - year}-01-04", 200.0 - year, None, None, "index") for year in range(6))
    values = change_chart(ENGLISH, replace(full.change, history=history))
    assert len(values["line"]) == 8
    for key, least in (("scores", 0.14), ("times", 0.2)):
        places = sorted(one["x"] for one in values[key])
        assert len(places) > 2
        assert all(right - left >= least for left, right in pairwise(places))
    assert values["times"][0]["word"] == "now"

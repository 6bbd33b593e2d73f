"""The score among other people: band, curves, and the point of the patient."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from scoring.report.common.catalogue import in_language
from scoring.report.common.texts import load
from scoring.report.typeset.comparison import comparison, standing
from scoring.report.typeset.percentile_chart import curve, percentile_chart
from scoring.result import Risk, Score, Statement

ENGLISH, GERMAN = load("en"), load("de")


@pytest.mark.parametrize(
    ("band", "estimate", "words"),
    [
        ("no calcium", 0, "No calcium"),
        ("under 25th", 12, "Percentile under 25th, about 12"),
        ("25th-50th", 33, "Percentile 25th to 50th, about 33"),
        (">90th", None, "Percentile over 90th"),
    ],
)
def test_the_band_is_put_into_words(full: Score, band: str, estimate: int | None, words: str) -> None:
    assert full.percentile is not None
    assert standing(replace(full.percentile, band=band, estimate=estimate), ENGLISH) == words


def test_the_curves_are_those_of_the_patients_group(full: Score) -> None:
    assert full.percentile is not None
    levels = curve(full.percentile)
    assert [level.age for level in levels] == list(range(45, 85))
    assert next(level for level in levels if level.age == 70).scores == (21, 145, 540, 1345)
    own = replace(full.percentile, population="Our town")
    assert [(level.age, level.scores) for level in curve(own)] == [(70.0, (21, 145, 540, 1345))]


def test_the_patient_stands_between_the_curves(full: Score) -> None:
    assert full.percentile is not None
    values = percentile_chart(ENGLISH, full.percentile, 250.0)
    x, y = values["patient"]
    assert x == pytest.approx((70 - 45) / (84 - 45))
    at_70 = [next(place for place in line if place[0] == pytest.approx(x))[1] for line in values["lines"]]
    # places count down: 145 at the 50th percentile lies below 250, 540 at the 75th above
    assert at_70[2] < y < at_70[1]
    names = [name["y"] for name in values["names"]]
    assert all(below - above > 0.09 for below, above in pairwise(names))


def test_a_reason_stands_where_something_is_not_known(full: Score) -> None:
    risk = Risk(
        ten_year_reason=Statement.build("patient_unknown", missing=("age",)),
        percentile_reason=Statement.build("patient_unknown", missing=("sex",)),
    )
    values = comparison(in_language(replace(full, percentile=None, risk=risk), GERMAN), GERMAN)
    assert values["chart"] is None
    assert values["people"] == ["Keine Perzentile. Nicht bekannt: Geschlecht."]
    assert values["risk"] == []
    assert values["no_risk"] == ["Kein 10-Jahres-Risiko. Nicht bekannt: Alter."]

"""The scale of categories: the mark lies in the score's own category, words keep their distance."""

from __future__ import annotations

from itertools import pairwise

import pytest

from scoring.report.common.colours import CATEGORY_COLOUR, hexadecimal
from scoring.report.common.texts import load
from scoring.report.typeset.category_scale import scale
from scoring.result import CATEGORIES, Category

ENGLISH, GERMAN = load("en"), load("de")
TOTALS: dict[Category, list[float]] = {
    "0": [0.0],
    "1-100": [0.2, 1, 50, 100.4],
    "101-400": [100.6, 250, 400.4],
    ">400": [400.6, 1800, 90_000.0],
}


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_mark_stands_in_its_category(category: Category) -> None:
    for total in TOTALS[category]:
        values = scale(ENGLISH, total, category)
        chosen = [box for box in values["boxes"] if box["chosen"]]
        assert [box["colour"] for box in chosen] == [hexadecimal(CATEGORY_COLOUR[category])]
        assert chosen[0]["left"] < values["mark"]["x"] < chosen[0]["right"], total


def test_places_on_the_axis_are_logarithmic() -> None:
    # 1, 10, 100 and 1000 are equally far apart, and 400 is 0.602 of the way from 100 to 1000
    ticks = {tick["word"]: tick["x"] for tick in scale(ENGLISH, 250, "101-400")["ticks"]}
    decade = ticks["10"] - ticks["1"]
    assert ticks["100"] - ticks["10"] == pytest.approx(decade)
    assert (ticks["400"] - ticks["100"]) / decade == pytest.approx(0.60206, abs=1e-5)


@pytest.mark.parametrize("total", [0.0, 3.0, 250.0, 1800.0, 12_345.0, 200_000.0])
def test_boxes_and_ticks_keep_their_distance(total: float) -> None:
    values = scale(ENGLISH, total, ">400" if total > 400 else "0")
    for one, other in pairwise(values["boxes"]):
        assert one["right"] < other["left"]
    assert (values["boxes"][0]["left"], values["boxes"][-1]["right"]) == (0.0, 1.0)
    # a word of five figures takes 0.06 of the page
    assert all(other["x"] - one["x"] > 0.055 for one, other in pairwise(values["ticks"]))


def test_words_are_those_of_the_language() -> None:
    assert [box["word"] for box in scale(GERMAN, 0.4, "1-100")["boxes"]] == ["kein", "gering", "mäßig", "ausgeprägt"]
    assert scale(GERMAN, 0.4, "1-100")["mark"]["word"] == "0,4"

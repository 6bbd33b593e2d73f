"""The table of arteries: every number of the result, and what of it is uncertain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scoring.report.common.texts import load
from scoring.report.typeset.artery_table import NONE, table
from scoring.result import RejectedCandidate, Score, Statement

ENGLISH, GERMAN = load("en"), load("de")


def cells(score: Score, texts=ENGLISH) -> dict[str, list[str]]:
    return {row["code"] or row["name"]: row["cells"] for row in table(score, texts)["rows"]}


def test_each_artery_and_all_have_their_numbers(scores: dict[str, Score]) -> None:
    rows = cells(scores["250"])
    assert rows["LM"] == ["1", "20.3", "10.1", "2.1"]
    assert rows["LCX"] == ["1", "33.3", "12.1", "4.1"]
    assert rows["All coronary arteries"] == ["4", "250.0", "46.5", "14.2"]
    assert cells(scores["250"], GERMAN)["RCA"] == ["1", "46,4", "13,1", "5,1"]


def test_without_a_mass_factor_there_is_no_mass(scores: dict[str, Score]) -> None:
    assert {row[3] for row in cells(scores["1800"]).values()} == {NONE}


def test_lesions_without_an_artery_have_a_row_and_count_in_the_total(score_of: Callable[..., Score]) -> None:
    rows = cells(score_of([("LM", 20.0), (None, 5.5)]))
    assert rows["No artery named"][:2] == ["1", "5.5"]
    assert rows["All coronary arteries"][:2] == ["2", "25.5"]


def test_what_is_uncertain_and_what_was_left_out_stand_below(score_of: Callable[..., Score]) -> None:
    score = score_of([("LM", 20.0), ("LAD", 100.0)])
    sure, doubtful = (
        replace(lesion, confidence=value) for lesion, value in zip(score.lesions, (0.8, 0.79), strict=True)
    )
    candidates = (
        RejectedCandidate(1, 30.5, 20.25, 300, (0, 0, 0), (1,), 0.2, Statement("outside_heart")),
        RejectedCandidate(2, 4.0, 3.0, 200, (0, 0, 0), (1,), 0.19, Statement("outside_heart")),
    )
    rows = cells(replace(score, lesions=(sure, doubtful), rejected=candidates))
    assert rows["of which uncertain"] == ["1", "100.0", "11.1", "3.1"]
    assert rows["Possible, not counted"] == ["1", "30.5", "20.2", NONE]
    more = replace(score, rejected=candidates[:1], rejected_left_out=3)
    assert cells(more)["Possible, not counted"] == ["1+", "30.5+", "20.2+", NONE]

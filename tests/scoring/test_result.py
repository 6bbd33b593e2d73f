"""The JSON form of a score, and what its interval says in words."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.judgement import flags as quality
from scoring.result import ArteryValues, Provenance, RejectedCandidate, Score, SeriesInfo
from scoring.risk import context

NUMBERS = st.floats(0, 1e6)
REJECTED = st.builds(
    RejectedCandidate,
    id=st.integers(1),
    agatston=NUMBERS,
    volume_mm3=NUMBERS,
    max_hu=NUMBERS,
    centroid_mm=st.tuples(NUMBERS, NUMBERS, NUMBERS),
    slices=st.lists(st.integers(0, 999), min_size=1).map(tuple),
    confidence=st.floats(0, 1),
    reason=st.text(),
)


def score(**values) -> Score:
    return Score(
        status="scored",
        reason=None,
        series=SeriesInfo("1.2", "1.3", slices=1, rows=8, columns=8, spacing_mm=(3.0, 0.5, 0.5)),
        agatston=ArteryValues(),
        agatston_range=(0.0, 0.0),
        volume_mm3=ArteryValues(),
        mass_mg=None,
        lesions=(),
        category="0",
        cac_drs="A0",
        percentile=None,
        change=None,
        flags=(),
        provenance=Provenance("coronode", "1", "default", "standard", 130.0, 1.0, 8, "voxels"),
        **values,
    )


@given(st.lists(REJECTED, max_size=4).map(tuple), st.integers(0))
def test_rejected_candidates_survive_json(rejected, left_out) -> None:
    made = score(rejected=rejected, rejected_left_out=left_out)
    assert Score.from_json(made.to_json()) == made


def test_a_score_from_before_rejected_candidates_and_weights_is_read() -> None:
    values = json.loads(score().to_json())
    del values["rejected"], values["rejected_left_out"]
    assert Score.from_json(json.dumps(values)) == score()
    del values["provenance"]["weights"]
    assert Score.from_json(json.dumps(values)) == score()
    values["rejected"] = [{"id": 1}]
    with pytest.raises(ValueError, match="not a complete score"):
        Score.from_json(json.dumps(values))


def test_the_weights_are_recorded() -> None:
    made = dataclasses.replace(score(), provenance=dataclasses.replace(score().provenance, weights="heart 0123abcd"))
    assert json.loads(made.to_json())["provenance"]["weights"] == "heart 0123abcd"
    assert Score.from_json(made.to_json()) == made
    assert score().provenance.weights is None


def review(low: float, high: float, total: float) -> str:
    flags = quality.result_flags(ArteryValues(total=total), (), quality.Range(low, high, 1, 0))
    (flag,) = [flag for flag in flags if flag.code == "review"]
    return flag.message


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.0, 0.4, "category 0 or 1-100"),
        (0.0, 1.0, "category 0 or 1-100"),
        (0.0, 101.0, "category 0, 1-100 or 101-400"),
        (0.4, 100.4, "category 1-100 either way"),
        (99.0, 100.49, "category 1-100 either way"),
        (99.0, 100.5, "category 1-100 or 101-400"),
        (100.6, 400.4, "category 101-400 either way"),
        (100.0, 400.5, "category 1-100, 101-400 or >400"),
        (400.4, 400.6, "category 101-400 or >400"),
        (401.0, 999.0, "category >400 either way"),
        (0.0, 5000.0, "category 0, 1-100, 101-400 or >400"),
    ],
)
def test_review_names_the_categories_of_the_range(low, high, words) -> None:
    assert words in review(low, high, low)


def test_review_says_what_to_do_where_the_category_depends_on_it() -> None:
    assert review(90.0, 110.0, 95.0).endswith("look at them in the images before the category is used")
    assert review(110.0, 130.0, 120.0).endswith("it does not depend on them")


@given(st.lists(st.floats(0, 2000), min_size=3, max_size=3).map(sorted))
def test_review_names_the_category_of_every_total_in_the_range(totals) -> None:
    low, total, high = totals
    named = review(low, high, total).split(", category ")[1].split(":")[0]
    found = set(named.removesuffix(" either way").replace(" or ", ", ").split(", "))
    assert context.category(total, any_lesion=total > 0) in found
    assert len(found) == 1 or "either way" not in named

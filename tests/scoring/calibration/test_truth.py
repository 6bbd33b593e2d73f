"""A signed result says which candidates are coronary calcium: those whose voxels were counted."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from config.errors import NotScorable
from scoring.calibration.truth import Example, compare, count_lesions
from scoring.result import ArteryValues
from tests.scoring.calibration.sites import invent_case


def signed(*lesions, total=50.0, convention="standard", status="scored"):
    """A reader's result with lesions of these runs."""
    return SimpleNamespace(
        status=status,
        agatston=ArteryValues(total, LAD=total),
        provenance=SimpleNamespace(convention=convention),
        lesions=[SimpleNamespace(runs=tuple(runs)) for runs in lesions],
    )


@pytest.fixture
def case():
    # candidate k is the three voxels (k, 5, 10..12)
    return invent_case(np.random.default_rng(0), "1.2", 4)


def test_a_candidate_counts_by_the_share_of_its_voxels(case):
    truth = compare(case, signed([(0, 5, 10, 3)], [(1, 5, 8, 3)], [(2, 5, 11, 9)]))
    assert truth.labels == pytest.approx([1.0, 1 / 3, 2 / 3, 0.0])
    assert (truth.total, truth.arteries["LAD"], truth.beyond) == (50.0, 50.0, 0)


def test_lesions_that_touch_are_added(case):
    truth = compare(case, signed([(0, 5, 10, 2)], [(0, 5, 12, 1)]))
    assert truth.labels[0] == 1.0


def test_what_no_candidate_holds_is_beyond(case):
    truth = compare(case, signed([(0, 6, 10, 3)], [(3, 5, 10, 3)]))
    assert (truth.labels.tolist(), truth.beyond) == ([0, 0, 0, 1], 1)
    assert count_lesions(Example(case, truth, "p")) == 2


def test_nothing_counted(case):
    truth = compare(case, signed(total=0.0))
    assert truth.labels.tolist() == [0, 0, 0, 0]


def test_rows_and_slices_of_a_large_image_are_told_apart(case):
    truth = compare(case, signed([(0, 5, 11, 1), (0, 2000, 10, 1)]))
    assert truth.labels == pytest.approx([1 / 3, 0, 0, 0])


@pytest.mark.parametrize("change", [{"convention": "kvp-adapted"}, {"status": "not_scorable"}])
def test_a_result_that_does_not_fit_teaches_nothing(case, change):
    with pytest.raises(NotScorable) as refused:
        compare(case, signed(**change))
    assert refused.value.code == "internal"

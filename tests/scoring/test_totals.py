"""Lesions, totals and the range between which the total lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring import totals
from scoring.agatston import Candidate
from scoring.result import ARTERIES, ImageRef
from scoring.totals import Finding
from scoring.volume import Volume

VOLUME = Volume(
    np.zeros((4, 8, 8), dtype=np.int16),
    (3.0, 0.5, 0.5),
    (0.0, 0.0, 0.0),
    np.eye(3)[:, ::-1].copy(),
    tuple(ImageRef(z, f"1.2.{z}") for z in range(4)),
)


def finding(agatston, *, counted=True, confidence=1.0, artery="LAD", voxels=((1, 2, 3),)) -> Finding:
    candidate = Candidate(
        id=1,
        voxels=np.asarray(voxels, dtype=np.int32),
        agatston=agatston,
        volume_mm3=1.0,
        max_hu=200.0,
        mean_hu=150.0,
        centroid_mm=(-0.001, 1.0, 2.0),
    )
    return Finding(candidate, counted, artery, confidence)


@pytest.mark.parametrize(
    ("counted", "confidence", "low", "high"),
    [
        (True, 1.0, 110, 110),
        (True, 0.8, 110, 110),
        (True, 0.79, 100, 110),
        (False, 0.2, 100, 110),
        (False, 0.19, 100, 100),
    ],
)
def test_range(counted, confidence, low, high) -> None:
    found = totals.bounds([finding(100.0), finding(10.0, counted=counted, confidence=confidence)])
    assert (found.low, found.high) == (low, high)
    assert found.doubtful + found.left_out == (low != high)


@given(
    st.lists(
        st.builds(
            finding,
            st.floats(0.5, 500),
            counted=st.booleans(),
            confidence=st.floats(0, 1),
            artery=st.sampled_from([*ARTERIES, None]),
        ),
        max_size=8,
    )
)
def test_the_total_lies_in_its_range_and_is_the_sum_of_the_lesions(findings) -> None:
    lesions = totals.lesions(VOLUME, findings, None)
    total = totals.sums(lesions, "agatston", digits=4)
    found = totals.bounds(findings)
    assert found.low <= total.total <= found.high
    assert total.total == pytest.approx(sum(lesion.agatston for lesion in lesions), abs=1e-3)
    shares = sum(total.of(artery) for artery in ARTERIES)
    unnamed = sum(lesion.agatston for lesion in lesions if lesion.artery is None)
    assert total.total == pytest.approx(shares + unnamed, abs=1e-3)
    assert [lesion.id for lesion in lesions] == list(range(1, len(lesions) + 1))


def test_runs_are_those_of_the_voxels() -> None:
    voxels = ((1, 2, 6), (1, 2, 7), (1, 3, 0), (2, 3, 0))
    (lesion,) = totals.lesions(VOLUME, [finding(5.0, voxels=voxels)], None)
    assert lesion.runs == ((1, 2, 6, 2), (1, 3, 0, 1), (2, 3, 0, 1))
    assert lesion.slices == (1, 2)
    assert [image.sop_instance_uid for image in lesion.images] == ["1.2.1", "1.2.2"]
    assert str(lesion.centroid_mm[0]) == "0.0"
    assert lesion.mass_mg is None

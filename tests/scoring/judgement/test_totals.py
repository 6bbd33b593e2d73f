"""Lesions, totals and the range between which the total lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.candidates.agatston import Candidate
from scoring.images.volume import Volume
from scoring.judgement import totals
from scoring.judgement.totals import Finding
from scoring.result import ARTERIES, POSSIBLE, ImageRef

VOLUME = Volume(
    np.zeros((4, 8, 8), dtype=np.int16),
    (3.0, 0.5, 0.5),
    (0.0, 0.0, 0.0),
    np.eye(3)[:, ::-1].copy(),
    tuple(ImageRef(z, f"1.2.{z}") for z in range(4)),
)


def finding(agatston, *, counted=True, confidence=1.0, artery="LAD", voxels=((1, 2, 3),), reason="at_bone") -> Finding:
    candidate = Candidate(
        id=1,
        voxels=np.asarray(voxels, dtype=np.int32),
        agatston=agatston,
        volume_mm3=1.0,
        max_hu=200.0,
        mean_hu=150.0,
        centroid_mm=(-0.001, 1.0, 2.0),
    )
    return Finding(candidate, counted, artery, confidence, reason)


@pytest.mark.parametrize(
    ("counted", "confidence", "uncertain"),
    [(True, 1.0, 0), (True, 0.8, 0), (True, 0.79, 1), (False, 0.2, 1), (False, 0.19, 0)],
)
def test_how_many_are_uncertain(counted, confidence, uncertain) -> None:
    found = totals.compute_range([finding(100.0), finding(10.0, counted=counted, confidence=confidence)], 3.0)
    assert (found.doubtful, found.left_out) == (uncertain * counted, uncertain * (not counted))
    assert found.low < 100 < found.high


def test_a_doubtful_lesion_widens_the_range() -> None:
    sure = totals.compute_range([finding(100.0), finding(60.0)], 3.0)
    doubted = totals.compute_range([finding(100.0), finding(60.0, confidence=0.7)], 3.0)
    left_out = totals.compute_range([finding(100.0), finding(60.0, counted=False, confidence=0.3)], 3.0)
    assert doubted.low < sure.low - 20
    assert left_out.high > 150


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
    lesions = totals.build_lesions(VOLUME, findings, None, 130.0)
    total = totals.sum_by_artery(lesions, "agatston", digits=4)
    found = totals.compute_range(findings, 3.0)
    assert found.low <= total.total <= found.high
    assert total.total == pytest.approx(sum(lesion.agatston for lesion in lesions), abs=1e-3)
    shares = sum(total.of(artery) for artery in ARTERIES)
    unnamed = sum(lesion.agatston for lesion in lesions if lesion.artery is None)
    assert total.total == pytest.approx(shares + unnamed, abs=1e-3)
    assert [lesion.id for lesion in lesions] == list(range(1, len(lesions) + 1))


def test_runs_are_those_of_the_voxels() -> None:
    voxels = ((1, 2, 6), (1, 2, 7), (1, 3, 0), (2, 3, 0))
    (lesion,) = totals.build_lesions(VOLUME, [finding(5.0, voxels=voxels)], None, 130.0)
    assert lesion.runs == ((1, 2, 6, 2), (1, 3, 0, 1), (2, 3, 0, 1))
    assert lesion.slices == (1, 2)
    assert [image.sop_instance_uid for image in lesion.images] == ["1.2.1", "1.2.2"]
    assert str(lesion.centroid_mm[0]) == "0.0"
    assert lesion.mass_mg is None


FINDINGS = st.lists(
    st.tuples(
        st.builds(
            finding, st.floats(0.5, 500), counted=st.booleans(), confidence=st.sampled_from([0.0, 0.19, 0.2, 0.4])
        ),
        st.booleans(),
    ),
    max_size=12,
)


@given(FINDINGS, st.integers(1, 6))
def test_the_largest_rejected_are_told_and_the_others_counted(pairs, most) -> None:
    findings, near = [item for item, _ in pairs], [close for _, close in pairs]
    told, left_out = totals.list_rejected(VOLUME, findings, near, most)
    matter = [item for item, close in pairs if not item.counted and (close or item.confidence >= POSSIBLE)]
    assert len(told) == min(len(matter), most)
    assert len(told) + left_out == len(matter)
    assert [item.id for item in told] == list(range(1, len(told) + 1))
    scores = [item.agatston for item in told]
    assert scores == sorted(scores, reverse=True)
    # what the range includes comes before what it does not, and of each kind the largest
    for possible in (True, False):
        ours = [item.candidate.agatston for item in matter if (item.confidence >= POSSIBLE) is possible]
        kept = [item.agatston for item in told if (item.confidence >= POSSIBLE) is possible]
        assert kept == pytest.approx(sorted(ours, reverse=True)[: len(kept)], abs=1e-4)
    if any(item.confidence < POSSIBLE for item in told):
        assert sum(item.confidence >= POSSIBLE for item in told) == totals.compute_range(findings, 3.0).left_out


def test_a_rejected_candidate_says_where_and_why() -> None:
    voxels = ((3, 3, 0), (1, 2, 6), (2, 2, 7), (3, 2, 7))
    (told,), _ = totals.list_rejected(VOLUME, [finding(5.0, counted=False, confidence=0.3, voxels=voxels)], [False])
    assert (told.slices, told.reason.code, told.confidence, told.agatston) == ((1, 2, 3), "at_bone", 0.3, 5.0)
    assert (told.max_hu, told.volume_mm3, told.centroid_mm) == (200.0, 1.0, (0.0, 1.0, 2.0))

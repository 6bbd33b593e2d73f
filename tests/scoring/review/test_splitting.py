"""Where a lesion is cut, and that nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.review.edits import EditRefused, Split


def show(case, *edits):
    """Slices and columns that each region spans."""
    return {
        item.id: (sorted(set(item.voxels[:, 0].tolist())), int(item.voxels[:, 2].min()), int(item.voxels[:, 2].max()))
        for item in case.apply(*edits)
        if item.parent
    }


def parts_of(case, *edits):
    return {item.id: item for item in case.apply(*edits) if item.parent}


def test_a_bar_is_cut_across_its_length(make_case):
    hu = np.full((12, 64, 64), 40, dtype=np.int16)
    hu[4, 10:14, 10:40] = 350
    case = make_case(hu, {"LAD": (slice(0, 64), slice(0, 64))})
    parts = parts_of(case, Split("1", (4, 11, 20)))
    assert {name: sorted(set(item.voxels[:, 2].tolist())) for name, item in parts.items()} == {
        "1a": list(range(10, 20)),
        "1b": list(range(20, 40)),
    }
    # 40 and 80 of 120 pixels at one weight
    assert [item.measured.agatston for item in parts.values()] == [30, 60]
    assert [item.artery for item in parts.values()] == ["LAD", "LAD"]


def test_a_dense_part_weighs_more_and_the_sum_stays(make_case):
    hu = np.full((12, 64, 64), 40, dtype=np.int16)
    hu[4, 10:14, 10:20] = 150
    hu[4, 10:14, 20:30] = 450
    case = make_case(hu, {"LAD": (slice(0, 64), slice(0, 64))})
    faint, dense = parts_of(case, Split("1", (4, 11, 20))).values()
    whole = 80 * 0.25 * 4
    assert (faint.measured.agatston, dense.measured.agatston) == (whole / 5, whole * 4 / 5)


def test_a_column_is_cut_between_slices(make_case):
    hu = np.full((20, 64, 64), 40, dtype=np.int16)
    hu[4:12, 10:14, 10:14] = 350
    case = make_case(hu, {"LAD": (slice(0, 64), slice(0, 64))})
    assert show(case, Split("1", (8, 11, 11))) == {"1a": ([4, 5, 6, 7], 10, 13), "1b": ([8, 9, 10, 11], 10, 13)}


def test_a_click_on_one_arm_of_a_fork_leaves_the_other_whole(case):
    """The plane through the click would also cut the other arm, which lies in the same slices."""
    parts = parts_of(case, Split("1", (5, 48, 39)))
    left = {tuple(voxel) for voxel in case.region("1").voxels.tolist() if voxel[2] < 28}
    whole = next(item for item in parts.values() if {tuple(voxel) for voxel in item.voxels.tolist()} >= left)
    other = next(item for item in parts.values() if item is not whole)
    assert other.voxels[:, 2].min() > 32
    assert other.voxels[:, 0].min() >= 5
    assert sum(item.measured.agatston for item in parts.values()) == pytest.approx(
        case.region("1").measured.agatston, abs=1e-3
    )


def test_a_click_where_a_fork_divides_parts_its_arms(case):
    parts = parts_of(case, Split("1", (2, 47, 30)))
    assert sorted(round(item.voxels[:, 2].mean()) < 30 for item in parts.values()) == [False, True]


def test_parts_are_cut_again_and_keep_their_names(case):
    regions = case.apply(Split("1", (5, 48, 39)), Split("1a", (5, 48, 21)))
    names = [item.id for item in regions]
    assert names == ["1aa", "1ab", "1b", "2", "3"]
    assert sum(item.measured.agatston for item in regions[:3]) == pytest.approx(
        case.region("1").measured.agatston, abs=1e-3
    )


def test_a_ring_is_cut_through_and_through(make_case):
    hu = np.full((12, 64, 64), 40, dtype=np.int16)
    down, across = np.indices((64, 64))
    away = np.hypot(down - 30, across - 30)
    hu[4][(away > 7) & (away < 11)] = 350
    case = make_case(hu, {"LAD": (slice(0, 64), slice(0, 64))})
    parts = parts_of(case, Split("1", (4, 21, 30)))
    assert len(parts) == 2
    assert sum(len(item.voxels) for item in parts.values()) == len(case.region("1").voxels)


def test_one_voxel_is_no_two(make_case):
    hu = np.full((12, 64, 64), 40, dtype=np.int16)
    hu[4, 10, 10] = 350
    case = make_case(hu, {"LAD": (slice(0, 64), slice(0, 64))}, PixelSpacing=[1, 1])
    with pytest.raises(EditRefused, match="nothing_beyond"):
        case.apply(Split("1", (4, 10, 10)))

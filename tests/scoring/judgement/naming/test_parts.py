"""Shares of a candidate's score, volume and attenuation, by arithmetic on drawn boxes."""

import numpy as np
import pytest

from scoring.candidates import conventions
from scoring.judgement.naming import parts

STANDARD = conventions.named("standard")
PIXEL = 0.25
LM, LAD, LCX = 0, 1, 2


def by_column(candidate, *borders):
    """0 before the first column named, 1 from it on, and so on."""
    return np.searchsorted(borders, candidate.voxels[:, 2], side="right")


def part(volume, candidate, owner, convention=STANDARD):
    return parts.part(volume, convention, candidate, np.asarray(owner, dtype=np.intp))


@pytest.fixture
def dense_and_faint(paint):
    """One component of 10 rows: 10 columns of 450 HU, then 10 of 150 HU."""
    return paint((5, (10, 19), (20, 29), 450), (5, (10, 19), (30, 39), 150))


class TestOneComponent:
    def test_its_score_is_shared_by_area_and_own_maximum(self, dense_and_faint, lesions):
        """200 pixels x weight 4 in all; the parts 100 x 4 and 100 x 1 of it."""
        (whole,) = lesions(dense_and_faint)
        assert whole.agatston == pytest.approx(200 * PIXEL * 4)
        found = part(dense_and_faint, whole, by_column(whole, 30))
        assert [artery for artery, _ in found] == ["LM", "LAD"]
        assert [item.agatston for _, item in found] == pytest.approx([200 * 4 / 5 * PIXEL * 4, 200 / 5 * PIXEL * 4])

    def test_volume_by_voxels_attenuation_its_own(self, dense_and_faint, lesions):
        (whole,) = lesions(dense_and_faint)
        (_, dense), (_, faint) = part(dense_and_faint, whole, by_column(whole, 30))
        assert dense.volume_mm3 == pytest.approx(faint.volume_mm3) == pytest.approx(whole.volume_mm3 / 2)
        assert (dense.max_hu, dense.mean_hu) == (450, 450)
        assert (faint.max_hu, faint.mean_hu) == (150, 150)
        mass = dense.mean_hu * dense.volume_mm3 + faint.mean_hu * faint.volume_mm3
        assert mass == pytest.approx(whole.mean_hu * whole.volume_mm3)

    def test_middles_are_their_own(self, dense_and_faint, lesions):
        (whole,) = lesions(dense_and_faint)
        (_, dense), (_, faint) = part(dense_and_faint, whole, by_column(whole, 30))
        assert dense.centroid_mm == pytest.approx((24.5 * 0.5, 14.5 * 0.5, 15))
        assert faint.centroid_mm == pytest.approx((34.5 * 0.5, 14.5 * 0.5, 15))


@pytest.mark.parametrize("name", ["standard", "siemens", "ge", "canon"])
@pytest.mark.parametrize("seed", range(4))
def test_the_sums_are_those_of_the_candidate(paint, lesions, name, seed):
    """However it is parted, in every convention."""
    rng = np.random.default_rng(seed)
    convention = conventions.named(name)
    volume = paint()
    volume.hu[4:8, 10:40, 10:60] = rng.integers(60, 600, (4, 30, 50))
    for whole in lesions(volume, convention):
        found = part(volume, whole, by_column(whole, 20, 33, 45), convention)
        assert sum(item.agatston for _, item in found) == pytest.approx(whole.agatston, rel=1e-12)
        assert sum(item.volume_mm3 for _, item in found) == pytest.approx(whole.volume_mm3, rel=1e-12)
        voxels = np.concatenate([item.voxels for _, item in found])
        assert sorted(map(tuple, voxels.tolist())) == sorted(map(tuple, whole.voxels.tolist()))


def test_a_whole_part_of_components_scores_as_they_do(paint, lesions):
    """Parted between two slices, each part scores what its component does."""
    volume = paint((5, (10, 19), (20, 29), 350), (6, (10, 19), (30, 39), 450))
    (whole,) = lesions(volume)
    found = part(volume, whole, by_column(whole, 30))
    assert [item.agatston for _, item in found] == pytest.approx([100 * PIXEL * 3, 100 * PIXEL * 4])


def test_of_one_artery_it_stays_as_it_is(dense_and_faint, lesions):
    (whole,) = lesions(dense_and_faint)
    assert part(dense_and_faint, whole, np.full(len(whole.voxels), LCX)) == [("LCX", whole)]


@pytest.mark.parametrize(("columns", "stays"), [(7, True), (9, False)])
def test_a_part_under_a_score_of_one_stays_with_the_rest(paint, lesions, columns, stays):
    """A row of 150 HU in a slice of its own, 1.5 mm apart: 7 x 0.25 mm2 / 2 are 0.875, 9 are 1.125."""
    boxes = (5, (10, 19), (20, 29), 350), (6, (10, 10), (30, 29 + columns), 150)
    volume = paint(*boxes, spacing=(1.5, 0.5, 0.5))
    (whole,) = lesions(volume)
    found = part(volume, whole, np.where(whole.voxels[:, 0] == 6, LCX, LAD))
    assert [artery for artery, _ in found] == (["LAD"] if stays else ["LAD", "LCX"])


def test_a_tiny_part_between_two_goes_to_the_larger(paint, lesions):
    volume = paint((5, (10, 12), (20, 29), 350), (5, (11, 11), (30, 30), 350), (5, (10, 12), (31, 50), 350))
    (whole,) = lesions(volume)
    found = part(volume, whole, by_column(whole, 30, 31))
    assert [(artery, len(item.voxels)) for artery, item in found] == [("LM", 30), ("LCX", 61)]


def test_two_pieces_of_one_artery_apart_are_two_parts(paint, lesions):
    volume = paint((5, (10, 14), (20, 49), 350))
    (whole,) = lesions(volume)
    found = part(volume, whole, by_column(whole, 30, 40) % 2)
    assert [(artery, len(item.voxels)) for artery, item in found] == [("LM", 50), ("LM", 50), ("LAD", 50)]

"""Candidates cut into cells of 3 mm: pixels of 0.5 mm, so six columns each."""

import numpy as np
import pytest

from scoring.candidates import conventions
from scoring.judgement.naming import pieces

STANDARD, PHILIPS = conventions.named("standard"), conventions.named("philips")


def cut(volume, candidates, convention=STANDARD):
    return pieces.cut(volume, convention, candidates)


def test_a_small_component_is_one_piece(paint, lesions):
    volume = paint((5, (10, 13), (20, 24), 300))
    found = cut(volume, lesions(volume))
    assert len(found.voxels) == 1
    assert found.voxels.tolist() == [20]
    assert found.middles.tolist() == [[5, 11.5, 22]]
    assert len(found.pairs) == 0


def test_a_long_one_is_cut_across(paint, lesions):
    """18 columns are 9 mm: three cells round the middle, each 6 x 4 pixels; they touch in four pixels' sides."""
    volume = paint((5, (10, 13), (20, 37), 300))
    found = cut(volume, lesions(volume))
    assert found.voxels.tolist() == [24, 24, 24]
    assert sorted(found.middles[:, 2].tolist()) == [22.5, 28.5, 34.5]
    assert len(found.pairs) == 2
    # sides of 3 mm x 0.5 mm, and at each edge the tenths of pixels that meet at corners: 6 diagonals
    assert found.area_mm2 == pytest.approx([4 * 3 * 0.5 + 6 * 0.1 * 0.25] * 2)


def test_slices_touch_by_the_area_of_their_pixels(paint, lesions):
    """5 x 4 pixels over each other: 20 faces of 0.25 mm2, the rest meets at edges."""
    volume = paint((5, (10, 13), (20, 24), 300), (6, (10, 13), (20, 24), 300))
    found = cut(volume, lesions(volume))
    assert found.pairs.tolist() == [[0, 1]]
    edges = 2 * (4 * 4 + 5 * 3) + 4 * 4 * 3
    assert found.area_mm2[0] == pytest.approx(20 * 0.25 + edges * 0.1 * 0.25)


def test_components_of_a_slice_are_never_one_piece(paint, lesions):
    """They touch by the slice above alone."""
    volume = paint((5, (10, 12), (20, 21), 300), (5, (10, 12), (23, 24), 300), (6, (10, 12), (20, 24), 300))
    (candidate,) = lesions(volume)
    found = cut(volume, [candidate])
    below = candidate.voxels[:, 0] == 5
    assert len(set(found.of_voxel[0][below].tolist())) == 2


def test_a_corner_joins_as_the_convention_says(paint, lesions):
    volume = paint((5, (10, 12), (20, 22), 300), (5, (13, 15), (23, 25), 300), (6, (12, 13), (22, 23), 300))
    for convention, components in ((STANDARD, 2), (PHILIPS, 3)):
        (candidate,) = lesions(volume, convention)
        assert pieces.label_components(convention, candidate.voxels).max() + 1 == components


def test_candidates_are_numbered_through(paint, lesions):
    volume = paint((5, (10, 13), (20, 37), 300), (5, (30, 33), (20, 37), 300))
    found = cut(volume, lesions(volume))
    assert found.candidate.tolist() == [0, 0, 0, 1, 1, 1]
    assert np.concatenate(found.of_voxel).max() == 5
    assert (found.candidate[found.pairs[:, 0]] == found.candidate[found.pairs[:, 1]]).all()
    assert found.voxels.sum() == sum(len(item.voxels) for item in lesions(volume))

"""Long candidates that lie in several structures."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume
from scoring.judgement import mixture

STANDARD = conventions.named("standard")


def rod(slices=10, peak=500):
    """A rod along z of 4 x 4 pixels, 4 mm wide."""
    hu = np.full((24, 60, 60), -100, np.int16)
    hu[4 : 4 + slices, 30:34, 30:34] = peak
    return Volume(hu, (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3)[::-1], ())


def parts(volume, anatomy):
    found = agatston.candidates(volume, STANDARD)
    return found, mixture.part(volume, STANDARD, anatomy.heart, found)


def lower(points, value=0.9, rest=0.05):
    return np.where(points[:, 0] < 25, value, rest)


def upper(points):
    return lower(points, 0.05, 0.9)


@pytest.mark.parametrize("other", ["root", "annulus"])
def test_parted_between_slices_with_the_same_sum(given_anatomy, other):
    """Slices 4 to 8 lie under 25 mm, 9 to 13 above."""
    (whole,), found = parts(rod(), given_anatomy(likely={"LCX": lower, other: upper}))
    assert [np.unique(item.voxels[:, 0]).tolist() for item in found] == [[4, 5, 6, 7, 8], [9, 10, 11, 12, 13]]
    assert sum(item.agatston for item in found) == pytest.approx(whole.agatston)
    assert sum(item.volume_mm3 for item in found) == pytest.approx(whole.volume_mm3)
    assert [item.id for item in found] == [1, 2]
    assert found[0].centroid_mm == pytest.approx((31.5, 31.5, 18.0))


def test_two_arteries_are_one_structure(given_anatomy):
    (whole,), found = parts(rod(), given_anatomy(likely={"LCX": lower, "LAD": upper}))
    assert found == [whole]


def test_where_nothing_is_likely_the_nearest_decides(given_anatomy):
    likely = {"LCX": lambda p: np.where(p[:, 0] < 15, 0.9, 0.3), "root": lambda p: np.where(p[:, 0] > 36, 0.9, 0.1)}
    _, found = parts(rod(), given_anatomy(likely=likely))
    # slices 4 at 12 mm and 13 at 39 mm are known, the middle lies between 8 and 9
    assert [np.unique(item.voxels[:, 0]).tolist() for item in found] == [[4, 5, 6, 7, 8], [9, 10, 11, 12, 13]]


def test_short_and_small_ones_stay_whole(given_anatomy):
    anatomy = given_anatomy(likely={"LCX": lower, "root": upper})
    (whole,), found = parts(rod(slices=5), anatomy)
    assert found == [whole]
    # one slice of 16 mm2 with weight 1 beyond the border: a score of 16, with 8 pixels of 8
    volume = rod(slices=6)
    volume.hu[9, 32:34, 30:34] = -100
    volume.hu[9, 30:32, 30:34] = 150
    (whole,), found = parts(volume, anatomy)
    assert found == [whole]

"""Parts of a lesion by artery, on lesions whose components are drawn by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume
from scoring.judgement import arteries
from scoring.result import ARTERIES

STANDARD = conventions.named("standard")
SPACING = (3.0, 0.8, 0.8)
SHAPE = (30, 60, 80)
PIXEL_MM2 = 0.64
# x to the right in the array, to the patient's right in space: an index is not a position.
AXES = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
ORIGIN = (100.0, -50.0, 700.0)
# The LAD runs at x = 20 mm, the LCX at 32 mm: half way, at 26 mm, lies between the voxels 32 and 33.
BORDER = 33


def heart(**lines):
    """Courses along z and y at some x in mm; 99 mm off where none is given."""
    lines = lines or {"LAD": 20.0, "LCX": 32.0}

    def course_mm(points):
        far = np.full(len(points), 99.0)
        return np.array([np.abs(points[:, 2] - lines[name]) if name in lines else far for name in ARTERIES])

    return SimpleNamespace(course_mm=course_mm)


def painted(*boxes, spacing=SPACING):
    """Boxes z, rows, columns (first, last) and HU in fat."""
    hu = np.full(SHAPE, -100, np.int16)
    for z, (top, bottom), (left, right), value in boxes:
        hu[z, top : bottom + 1, left : right + 1] = value
    return Volume(hu, spacing, ORIGIN, AXES, ())


def lesion(volume, convention=STANDARD):
    (found,) = agatston.candidates(volume, convention)
    return found


def parted(volume, convention=STANDARD, where=None):
    whole = lesion(volume, convention)
    return whole, arteries.divide(volume, convention, where or heart(), whole)


# Six columns and four rows on the LAD's side, eight columns on the LCX's in the slice above, that touch at the corner.
LAD_BOX, LCX_BOX = (10, (20, 23), (27, 32), 350), (11, (20, 23), (33, 40), 450)


def ordered(voxels):
    return voxels[np.lexsort(voxels.T[::-1])]


class TestTwoArteries:
    @pytest.fixture
    def volume(self):
        return painted(LAD_BOX, LCX_BOX)

    def test_is_parted(self, volume):
        _, found = parted(volume)
        assert [artery for artery, _ in found] == ["LAD", "LCX"]
        # Weights 3 from 300 HU and 4 from 400 HU; slices every 3 mm.
        assert [part.agatston for _, part in found] == pytest.approx([24 * PIXEL_MM2 * 3, 32 * PIXEL_MM2 * 4])
        assert [part.volume_mm3 for _, part in found] == pytest.approx([24 * PIXEL_MM2 * 3, 32 * PIXEL_MM2 * 3])
        assert [part.max_hu for _, part in found] == [350, 450]
        assert [part.mean_hu for _, part in found] == [350, 450]

    def test_the_sums_are_those_of_the_lesion(self, volume):
        whole, found = parted(volume)
        assert sum(part.agatston for _, part in found) == pytest.approx(whole.agatston, rel=1e-12)
        assert sum(part.volume_mm3 for _, part in found) == pytest.approx(whole.volume_mm3, rel=1e-12)

    def test_interpolated_volumes_add_up(self, volume):
        whole, found = parted(volume, conventions.named("siemens"))
        assert len(found) == 2
        assert sum(part.volume_mm3 for _, part in found) == pytest.approx(whole.volume_mm3)

    def test_voxels_are_indices_of_the_volume(self, volume):
        whole, found = parted(volume)
        (_, first), (_, second) = found
        assert {tuple(v) for v in first.voxels} == {(10, y, x) for y in range(20, 24) for x in range(27, 33)}
        assert {tuple(v) for v in second.voxels} == {(11, y, x) for y in range(20, 24) for x in range(33, 41)}
        assert (ordered(np.concatenate([first.voxels, second.voxels])) == ordered(whole.voxels)).all()
        for _, part in found:
            assert np.issubdtype(part.voxels.dtype, np.integer)
            assert (volume.hu[tuple(part.voxels.T)] >= 130).all()

    def test_the_middles_are_places_in_the_patient(self, volume):
        """Columns 27 to 32, rows 20 to 23, slice 10: x = 100 - 29.5 x 0.8, y = -50 + 21.5 x 0.8, z = 700 + 30."""
        _, ((_, first), (_, second)) = parted(volume)
        assert first.centroid_mm == pytest.approx((100 - 23.6, -50 + 17.2, 730))
        assert second.centroid_mm == pytest.approx((100 - 29.2, -50 + 17.2, 733))

    def test_the_volume_is_left_as_it_is(self, volume):
        before = volume.hu.copy()
        parted(volume)
        assert (volume.hu == before).all()
        assert volume.origin_mm == ORIGIN


class TestOneStays:
    @pytest.mark.parametrize("where", [{"LAD": 20.0, "RCA": 60.0}, {"LM": 26.0}])
    def test_of_one_artery(self, where):
        whole, found = parted(painted(LAD_BOX, LCX_BOX), where=heart(**where))
        ((artery, only),) = found
        assert only is whole
        assert artery == next(iter(where))

    def test_one_component_across_the_border_is_not_cut(self):
        """Five columns on one side and eight on the other: it lies where most of it does."""
        whole, found = parted(painted((10, (20, 23), (28, 40), 350)))
        assert found == [("LCX", whole)]

    def test_a_short_one(self):
        """Columns 30 to 36 are 4.8 mm; 28 to 36, in the same two arteries, 6.4 mm."""
        short, found = parted(painted((10, (20, 21), (30, 32), 350), (11, (20, 21), (33, 36), 350)))
        assert len(found) == 1
        assert found[0][1] is short
        _, found = parted(painted((10, (20, 21), (28, 32), 350), (11, (20, 21), (33, 36), 350)))
        assert [artery for artery, _ in found] == ["LAD", "LCX"]

    # Two pixels of 0.64 mm2 at 1.5 mm between slices score 0.64, four 1.28; a pixel of weight 1 has 130 to 199 HU.
    @pytest.mark.parametrize(("columns", "stays"), [(2, True), (4, False)])
    def test_a_tiny_part_stays_with_the_rest(self, columns, stays):
        small = (11, (20, 20), (BORDER, BORDER + columns - 1), 150)
        whole, found = parted(painted((10, (20, 23), (22, 32), 350), small, spacing=(1.5, 0.8, 0.8)))
        assert whole.agatston == pytest.approx((44 * 3 + columns) * PIXEL_MM2 / 2)
        if stays:
            assert found == [("LAD", whole)]
        else:
            assert [artery for artery, _ in found] == ["LAD", "LCX"]
            assert found[1][1].agatston == pytest.approx(1.28)


class TestSeveral:
    def test_two_parts_of_one_artery_apart(self):
        """Down the LAD, over to the LCX and back: three parts, none lost."""
        volume = painted(LAD_BOX, LCX_BOX, (12, (20, 23), (29, 32), 250))
        whole, found = parted(volume)
        assert [artery for artery, _ in found] == ["LAD", "LAD", "LCX"]
        assert sum(part.agatston for _, part in found) == pytest.approx(whole.agatston, rel=1e-12)
        assert sum(len(part.voxels) for _, part in found) == len(whole.voxels)

    def test_from_the_left_main_into_both_branches(self):
        """One component in a slice of each of three arteries."""
        where = heart(LM=16.0, LAD=24.0, LCX=32.0)
        boxes = (10, (20, 22), (18, 24), 350), (11, (20, 22), (25, 34), 350), (12, (20, 22), (35, 44), 350)
        whole, found = parted(painted(*boxes), where=where)
        assert [artery for artery, _ in found] == ["LM", "LAD", "LCX"]
        assert [len(part.voxels) for _, part in found] == [21, 30, 30]
        assert sum(part.agatston for _, part in found) == pytest.approx(whole.agatston, rel=1e-12)

    def test_two_components_of_one_slice(self):
        """Joined by a third one above: what touches in the slice is whole, what does not is parted."""
        below = (10, (20, 23), (24, 31), 350), (10, (20, 23), (34, 41), 350)
        _, found = parted(painted(*below, (11, (20, 23), (29, 33), 350)))
        assert [artery for artery, _ in found] == ["LAD", "LCX"]
        assert [len(part.voxels) for _, part in found] == [32 + 20, 32]

    @pytest.mark.parametrize(("name", "count"), [("standard", 1), ("philips", 2)])
    def test_what_touches_at_a_corner_is_a_component_as_the_convention_says(self, name, count):
        """8-connected, or 4-connected; the lesion is one in both by the slice above."""
        boxes = (10, (20, 23), (24, 32), 350), (10, (24, 27), (33, 42), 350), (11, (23, 24), (30, 35), 350)
        convention = conventions.named(name)
        whole, found = parted(painted(*boxes), convention)
        assert len({artery for artery, _ in found}) == count
        assert sum(part.agatston for _, part in found) == pytest.approx(whole.agatston, rel=1e-12)


@pytest.mark.parametrize("artery", ARTERIES)
def test_nearest_is_the_median(artery):
    """Most points decide, not a far one."""
    near = heart(**{artery: 20.0, next(name for name in ARTERIES if name != artery): 40.0})
    points = np.array([[0.0, 0.0, x] for x in (19.0, 21.0, 22.0, 41.0, 42.0)])
    assert arteries.find_nearest(near, points) == artery

"""Circles at the wall of rods whose middle the net tells wrong."""

from dataclasses import replace

import numpy as np
import pytest

from scoring.anatomy.aorta import DESCENDING_MM, INSIDE_HU, OUTSIDE_HU, Track, edge_drop, limited, track

SPACING = (2.5, 1.5, 1.5)
SHAPE = (24, 80, 80)
BLOOD, FAT, BONE = 42, -100, 400
Y, X, RADIUS = 58.0, 61.0, 12.0


def rod(*, y=Y, x=X, radius=RADIUS, noise=0.0, lean=0.0, low_mm=-9.0):
    """HU of a vessel in fat that moves by `lean` mm along x for each mm along z."""
    at_z, at_y, at_x = np.meshgrid(*(np.arange(n) * s for n, s in zip(SHAPE, SPACING, strict=True)), indexing="ij")
    away = np.hypot(at_y - y, at_x - x - lean * at_z) - radius
    hu = FAT + (BLOOD - FAT) * np.clip(0.5 - away / 1.5, 0, 1)
    hu[at_z < low_mm] = FAT
    return hu + np.random.default_rng(1).normal(0, noise, SHAPE)


def told(make, *, y=Y, x=X, radius=RADIUS, low=0.0, high=60.0, lean=0.0):
    """What a net says of it: cubes of 4 mm."""
    image = make.cubes((16, 30, 30), 4.0, start=(2.0, 0.0, 0.0))

    def inside(at_z, at_y, at_x):
        return (np.hypot(at_y - y, at_x - x - lean * at_z) <= radius) & (at_z >= low) & (at_z <= high)

    return make.answer(image, {"descending": inside})


def followed(make, hu, found, radii=DESCENDING_MM):
    grid = make.grid(np.rint(hu), SPACING)
    return track(grid, limited(grid, np.zeros(SHAPE, bool)), found, "descending", radii)


@pytest.mark.parametrize(("off_y", "off_x"), [(0.0, 0.0), (5.0, 0.0), (0.0, -5.0), (3.5, 3.5)])
@pytest.mark.parametrize("noise", [0.0, 25.0])
def test_a_guess_beside_the_vessel(make, off_y, off_x, noise):
    found = followed(make, rod(noise=noise), told(make, y=Y + off_y, x=X + off_x))
    assert np.hypot(found.y_mm - Y, found.x_mm - X).max() < 1.01
    assert np.abs(found.radius_mm - RADIUS).max() < 1
    assert found.apart_mm == pytest.approx(np.hypot(off_y, off_x), abs=1.5)
    assert found.certainty.min() > 0.8
    assert found.seen.all()


@pytest.mark.parametrize("radius", [9.0, 16.0])
def test_a_guess_of_another_size(make, radius):
    found = followed(make, rod(radius=radius), told(make, radius=RADIUS))
    assert np.abs(found.radius_mm - radius).max() < 1
    assert np.hypot(found.y_mm - Y, found.x_mm - X).max() < 1.01


def test_a_vessel_that_leans(make):
    found = followed(make, rod(lean=0.4, x=40.0), told(make, lean=0.4, x=40.0, y=Y + 4))
    inner = slice(2, -2)
    assert np.abs(found.x_mm - (40 + 0.4 * found.z_mm))[inner].max() < 1
    assert np.abs(found.y_mm - Y)[inner].max() < 1


def test_a_wall_that_is_nowhere_has_no_certainty(make):
    found = followed(make, np.full(SHAPE, BLOOD), told(make))
    assert found.certainty.max() < 0.05
    # The net's place is kept.
    assert found.apart_mm.max() < 1.5


def test_a_vessel_in_a_part_of_the_slices(make):
    found = followed(make, rod(lean=0.4, x=40.0), told(make, lean=0.4, x=40.0, low=20.0, high=40.0))
    z_mm = found.z_mm
    # Cubes at 22, 26 .. 38 mm are inside: half a cube on either side is seen.
    assert (found.seen == ((z_mm >= 20) & (z_mm <= 40))).all()
    assert found.x_mm[:8] == pytest.approx(np.full(8, found.x_mm[8]), abs=1.5)
    assert found.x_mm[-8:] == pytest.approx(np.full(8, found.x_mm[-9]), abs=1.5)


def test_what_the_net_does_not_see(make):
    image = make.cubes((16, 30, 30), 4.0)
    assert followed(make, rod(), make.answer(image, {})) is None


def test_what_the_net_hardly_sees(make):
    found = told(make)
    assert followed(make, rod(), replace(found, share=found.share * np.float32(0.29))) is None
    assert followed(make, rod(), replace(found, share=found.share * np.float32(0.9))) is not None


def test_less_than_any_aorta_is_none(make):
    # Three cubes of 16 mm2 are too few, four are enough: an aorta of 9 mm across.
    image = make.cubes((16, 30, 30), 4.0)
    for count, seen in ((3, False), (4, True)):
        line = np.zeros(image.size, bool)
        line[:, 14, 12 : 12 + count] = True
        found = followed(make, rod(), make.answer(image, {"descending": lambda *_, line=line: line}))
        assert (found is not None) == seen


def test_a_second_smaller_part_is_left_out(make):
    both = told(make)
    far = make.answer(both.cubes, {"descending": make.rod(20.0, 20.0, 8.0)})
    mixed = replace(both, share=np.maximum(both.share, far.share))
    found = followed(make, rod(), mixed)
    assert np.hypot(found.y_mm - Y, found.x_mm - X).max() < 1.01


@pytest.mark.parametrize(("y", "x"), [(4.0, 60.0), (114.0, 112.0)])
def test_a_vessel_that_the_image_cuts(make, y, x):
    found = followed(make, rod(y=y, x=x), told(make, y=y, x=x))
    for part in (found.y_mm, found.x_mm, found.radius_mm, found.certainty):
        assert np.isfinite(part).all()
    assert np.hypot(found.y_mm - y, found.x_mm - x).max() < 10
    assert (DESCENDING_MM[0] <= found.radius_mm).all()
    assert (found.radius_mm <= DESCENDING_MM[1]).all()


def test_one_slice(make):
    grid = make.grid(np.rint(rod())[12:13], SPACING, (30.0, 0.0, 0.0))
    found = track(grid, limited(grid, np.zeros(grid.hu.shape, bool)), told(make, y=Y + 4), "descending", DESCENDING_MM)
    assert (found.y_mm[0], found.x_mm[0], found.radius_mm[0]) == pytest.approx((Y, X, RADIUS), abs=1)


def test_a_vertebra_does_not_draw_the_circle(make):
    at_y, at_x = np.ogrid[: SHAPE[1], : SHAPE[2]]
    spine = np.broadcast_to(np.hypot(at_y * 1.5 - Y - 20, at_x * 1.5 - X + 12) < 13, SHAPE)
    # Muscle and blood between the two: only bone that counts as outside shows the wall there.
    hu = np.where(spine, BONE, rod())
    grid = make.grid(np.rint(hu), SPACING)
    guess = told(make, y=Y + 3, x=X - 2)
    found = track(grid, limited(grid, spine), guess, "descending", DESCENDING_MM)
    assert np.hypot(found.y_mm - Y, found.x_mm - X).max() < 1.5


def test_limited_knows_inside_and_outside(make):
    hu = np.full((4, 40, 60), 700)
    hu[:, :, :20] = -850
    hu[:, :, 40:] = 300
    bone = np.zeros(hu.shape, bool)
    bone[:, :, 40:] = True
    smooth = limited(make.grid(hu, SPACING), bone)
    assert smooth[2, 20, [5, 30, 55]] == pytest.approx([OUTSIDE_HU, INSIDE_HU, OUTSIDE_HU], abs=0.1)
    # Half way at the border of the two.
    assert smooth[2, 20, 19:21].mean() == pytest.approx((OUTSIDE_HU + INSIDE_HU) / 2, abs=0.5)


def test_drop_at_a_circle(make):
    at_y, at_x = np.ogrid[:80, :80]
    plane = np.where(np.hypot(at_y * 1.5 - Y, at_x * 1.5 - X) < RADIUS, 50, -100).astype(np.float32)
    grid = make.grid(plane[None], SPACING)
    right, inner, outer = edge_drop(grid, plane, np.array([[Y, X, RADIUS], [Y, X, 6.0], [Y, X, 20.0]]))
    assert len(right) == len(inner) == len(outer)
    assert (right == 150).all()
    assert (inner == 0).all()
    assert (outer == 0).all()


def test_between_slices_and_to_the_wall():
    z_mm = np.array([0.0, 10.0])
    flat = np.full(2, 100.0)
    one = np.ones(2)
    made = Track(z_mm, flat, np.array([100.0, 120.0]), np.array([10.0, 20.0]), one * 0.5, one > 0, one * 0)
    assert made.at(np.array([5.0, -7.0, 30.0])) == pytest.approx(
        np.array([[100, 110, 15, 0.5], [100, 100, 10, 0.5], [100, 120, 20, 0.5]])
    )
    points = np.array([[5.0, 100.0, 110.0], [5.0, 120.0, 110.0], [0.0, 103.0, 104.0]])
    assert made.outside(points) == pytest.approx([-15.0, 5.0, -5.0])

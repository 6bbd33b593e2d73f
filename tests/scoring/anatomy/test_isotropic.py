"""Means over cubes: exact where they can be, and at the right place."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scoring.anatomy.isotropic import cubes
from scoring.images.volume import AIR_HU

LENGTHS = st.floats(0.6, 3.0)


@given(
    shape=st.tuples(st.integers(1, 12), st.integers(2, 30), st.integers(2, 30)),
    spacing=st.tuples(st.floats(0.6, 6.0), LENGTHS, LENGTHS),
    start=st.tuples(*[st.floats(-20, 20)] * 3),
    step=st.floats(2.5, 5.0),
    hu=st.integers(-1000, 1500),
)
def test_one_attenuation_stays_and_the_rest_is_air(make, shape, spacing, start, step, hu):
    made = cubes(make.grid(np.full(shape, hu), spacing, start), step)
    depth, height, width = made.size
    assert all(side % 8 == 0 and side >= size for side, size in zip(made.hu.shape, made.size, strict=True))
    assert all(side - size < 8 for side, size in zip(made.hu.shape, made.size, strict=True))
    assert (made.hu[:depth, :height, :width] == hu).all()
    outside = np.ones(made.hu.shape, bool)
    outside[:depth, :height, :width] = False
    assert (made.hu[outside] == AIR_HU).all()
    # The cubes end within half a cube of the image's end.
    length = np.array(shape) * spacing
    assert (np.abs(np.array(made.size) * step - length)[length >= step / 2] <= step / 2 + 1e-6).all()


@given(data=st.data(), axis=st.integers(0, 2), step=st.floats(3.0, 6.0), shift=st.floats(0, 7))
def test_means_are_those_of_the_integral(make, data, axis, step, shift):
    """A profile along one axis: the mean of steps is the difference of their integral."""
    spacing = data.draw(st.floats(0.5, step / 1.3))
    profile = np.array(data.draw(st.lists(st.integers(-1000, 1500), min_size=12, max_size=40)))
    # A voxel at least is left of the image.
    assume(shift <= (len(profile) - 1) * spacing)
    shape = [1, 1, 1]
    shape[axis] = len(profile)
    sides = [step, step, step]
    sides[axis] = spacing
    grid = make.grid(profile.reshape(shape), tuple(sides), (0.0, 0.0, 0.0))
    low = np.full(3, -100.0)
    low[axis] = shift - spacing / 2
    made = cubes(grid, step, low)
    edge = (np.arange(len(profile) + 1) - 0.5) * spacing
    integral = np.concatenate([[0.0], np.cumsum(profile * spacing)])
    ends = low[axis] + np.arange(made.size[axis] + 1) * step
    ends = np.minimum(ends, edge[-1])
    expected = np.diff(np.interp(ends, edge, integral)) / np.diff(ends)
    found = made.hu[tuple(slice(0, side) for side in made.size)].ravel()
    # rounded to whole HU, summed in single precision
    assert found == pytest.approx(expected, abs=0.502)


@pytest.mark.parametrize("spacing", [(4.0, 1.0, 2.0), (6.0, 1.0, 1.0), (1.0, 0.5, 4.0)])
def test_a_slope_is_kept_where_cubes_hold_whole_voxels_or_voxels_are_thick(make, spacing):
    z, y, x = (np.arange(n) * s for n, s in zip((12, 40, 44), spacing, strict=True))
    hu = 4 * z[:, None, None] - 6 * y[None, :, None] + 2 * x
    made = cubes(make.grid(hu, spacing), 4.0)
    depth, height, width = made.size
    at_z, at_y, at_x = make.places(made)
    # Beyond the centre of the last voxel there is nothing to interpolate with.
    held = np.clip(at_z, z[0], z[-1]), np.clip(at_y, y[0], y[-1]), np.clip(at_x, x[0], x[-1])
    at_z, at_y, at_x = (h if s * 1.3 > 4 else a for a, h, s in zip((at_z, at_y, at_x), held, spacing, strict=True))
    assert made.hu[:depth, :height, :width] == pytest.approx(4 * at_z - 6 * at_y + 2 * at_x, abs=0.51)


def test_whole_hounsfield_units(make):
    hu = np.random.default_rng(0).integers(-1000, 1000, (9, 21, 23))
    made = cubes(make.grid(hu, (2.0, 1.3, 1.3)), 4.0)
    assert (made.hu == np.rint(made.hu)).all()
    assert made.hu.dtype == np.float32


def test_positions_and_indices_are_inverse(make):
    made = cubes(make.grid(np.zeros((10, 40, 40)), (2.0, 1.0, 1.0), (7.0, -3.0, 5.0)), 4.0)
    # The first voxel begins half a voxel before its centre, the first cube's centre lies half a cube on.
    assert made.position(np.zeros(3)) == pytest.approx([7 - 1 + 2, -3 - 0.5 + 2, 5 - 0.5 + 2])
    index = np.array([[0.0, 1.5, 2.0], [3.0, 0.0, -4.0]])
    assert made.position(index)[1] - made.position(index)[0] == pytest.approx([12.0, -6.0, -24.0])
    assert made.index(made.position(index)) == pytest.approx(index)


def test_a_part_is_that_of_the_whole(make):
    hu = np.random.default_rng(1).integers(-1000, 1000, (12, 40, 48))
    grid = make.grid(hu, (2.0, 1.0, 1.0))
    whole = cubes(grid, 4.0)
    # From the third cube on along z, y; six, five and seven cubes minus what the image lacks.
    low = np.array([7.0, 7.5, -0.5])
    part = cubes(grid, 4.0, low, low + 4.0 * np.array([3, 5, 7]))
    assert part.size == (3, 5, 7)
    assert part.start_mm == pytest.approx(low + 2.0)
    assert (part.hu[:3, :5, :7] == whole.hu[2:5, 2:7, :7]).all()


def test_a_part_ends_where_the_image_ends(make):
    grid = make.grid(np.full((12, 40, 48), 7), (2.0, 1.0, 1.0))
    beyond = cubes(grid, 4.0, np.full(3, -50.0), np.full(3, 500.0))
    whole = cubes(grid, 4.0)
    assert beyond.size == whole.size == (6, 10, 12)
    assert beyond.start_mm == pytest.approx(whole.start_mm)
    assert (beyond.hu == whole.hu).all()

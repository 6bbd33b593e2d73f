"""Distances to a body's surface, and the largest parts of a mask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.anatomy.region import FAR_MM, Region, largest, sampled


@given(border=st.integers(1, 11), axis=st.integers(0, 2), step=st.floats(1.0, 6.0), at=st.floats(0, 11))
def test_a_half_space_is_exact(make, border, axis, step, at):
    image = make.cubes((12, 12, 12), step, start=(3.0, -8.0, 20.0))
    mask = np.moveaxis(np.zeros((12, 12, 12), bool), axis, 0)
    mask[border:] = True
    region = Region.of(np.moveaxis(mask, 0, axis), image)
    index = np.full((1, 3), 5.0)
    index[0, axis] = at
    # The surface lies between the last cube outside and the first one inside.
    assert region.at(image.position(index))[0] == pytest.approx((border - 0.5 - at) * step, abs=1e-4 * step * 12)


@pytest.mark.parametrize("radius", [10.0, 22.0])
def test_a_ball(make, radius):
    step, middle = 3.0, np.array([50.0, 47.0, 52.0])
    image = make.cubes((34, 34, 34), step, start=(1.0, 2.0, 0.0))
    region = Region.of(make.answer(image, {"heart": make.ball(*middle, radius)}).mask("heart"), image)
    way = np.random.default_rng(4).normal(size=(200, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    away = np.random.default_rng(5).uniform(0.3 * radius, radius + 20, 200)
    found = region.at(middle + way * away[:, None])
    # Cubes follow the surface to within half their diagonal.
    assert np.abs(found - (away - radius)).max() < step * np.sqrt(3) / 2
    assert np.abs(np.mean(found - (away - radius))) < 0.3 * step
    # In the middle, where no cube's centre lies, half a cube more.
    assert region.at(middle[None])[0] == pytest.approx(-radius, abs=step * (0.5 + np.sqrt(3) / 2))


def test_a_box(make):
    image = make.cubes((20, 20, 20), 2.0)
    mask = np.zeros((20, 20, 20), bool)
    mask[6:14, 5:16, 8:12] = True
    region = Region.of(mask, image)
    # Faces lie half a cube outwards: at 11, 27 (z), 9, 31 (y) and 15, 23 (x) mm.
    points = np.array([[20.0, 20.0, 20.0], [20.0, 20.0, 30.0], [2.0, 20.0, 20.0], [20.0, 38.0, 20.0]])
    assert region.at(points) == pytest.approx([-3.0, 7.0, 9.0, 7.0])


def test_within_a_box_of_the_cubes(make):
    image = make.cubes((24, 24, 24), 4.0, start=(-10.0, 0.0, 6.0))
    mask = make.answer(image, {"heart": make.ball(40.0, 50.0, 52.0, 20.0)}).mask("heart")
    whole = Region.of(mask, image)
    part = Region.of(mask, image, (slice(4, 20), slice(3, 22), slice(2, 23)))
    assert part.outside_mm.shape == (16, 19, 21)
    points = np.random.default_rng(6).uniform([14, 20, 22], [60, 80, 85], (50, 3))
    assert part.at(points) == pytest.approx(whole.at(points), abs=1e-4)


def test_no_body_is_far_away(make):
    image = make.cubes((8, 8, 8))
    region = Region.of(np.zeros((8, 8, 8), bool), image)
    assert (region.at(np.random.default_rng(7).uniform(-50, 90, (20, 3))) == FAR_MM).all()


def test_nothing_but_body(make):
    region = Region.of(np.ones((8, 8, 8), bool), make.cubes((8, 8, 8)))
    assert region.at(np.array([[12.0, 12.0, 12.0]]))[0] == -FAR_MM


def test_distances_end_at_a_hundred_millimetres(make):
    mask = np.zeros((80, 2, 2), bool)
    mask[0] = True
    region = Region.of(mask, make.cubes((80, 2, 2), 4.0))
    assert region.at(np.array([[300.0, 0.0, 0.0]]))[0] == FAR_MM
    assert region.at(np.array([[80.0, 0.0, 0.0]]))[0] == pytest.approx(78.0)


def test_a_field_between_cubes_and_beyond_them(make):
    image = make.cubes((6, 7, 8), 3.0, start=(2.0, 0.0, -5.0))
    z, y, x = make.places(image)
    field = (2 * z - y + 0.5 * x).astype(np.float32)
    points = np.array([[4.5, 7.25, 3.0], [10.0, 0.0, -5.0]])
    assert sampled(field, image, points) == pytest.approx(2 * points[:, 0] - points[:, 1] + 0.5 * points[:, 2])
    beyond, corner = np.array([[-90.0, 0.0, -5.0]]), np.array([[2.0, 0.0, -5.0]])
    assert sampled(field, image, beyond) == pytest.approx(sampled(field, image, corner))


class TestLargest:
    @pytest.fixture
    def mask(self):
        mask = np.zeros((4, 10, 20), bool)
        mask[0, 0, 0:3] = True
        mask[2, 2:5, 5:10] = True
        mask[0, 6:8, 12:16] = True
        return mask

    @pytest.mark.parametrize(
        ("count", "at_least", "sizes"),
        [(1, 1, [15]), (2, 1, [8, 15]), (3, 1, [3, 8, 15]), (9, 1, [3, 8, 15]), (3, 8, [8, 15]), (1, 16, [])],
    )
    def test_by_size(self, mask, count, at_least, sizes):
        found = largest(mask, count, at_least)
        assert not (found & ~mask).any()
        kept = [size for size, part in ((3, found[0, 0]), (8, found[0, 6:8]), (15, found[2])) if part.sum() == size]
        assert kept == sizes
        assert found.sum() == sum(sizes)

    def test_of_nothing(self):
        assert not largest(np.zeros((2, 3, 4), bool)).any()

    def test_a_corner_does_not_connect(self):
        mask = np.zeros((1, 4, 4), bool)
        mask[0, 0, 0] = True
        mask[0, 1, 1:3] = True
        assert largest(mask).sum() == 2

"""Attenuation and noise of a vessel that was made with known ones."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from config.errors import NotScorable
from scoring.anatomy.aorta import Track
from scoring.anatomy.blood import blood, core_hu, smoothed, spread
from scoring.images.slabbing import average_slices
from scoring.images.volume import Gap

SPACING = (3.0, 0.7, 0.7)
SHAPE = (16, 90, 90)
Y, X, RADIUS = 31.0, 33.0, 12.0
HU, NOISE = 43.0, 14.0


@pytest.fixture(scope="module")
def lane():
    z_mm = np.arange(SHAPE[0]) * SPACING[0]
    flat = np.ones(len(z_mm))
    return Track(z_mm, Y * flat, X * flat, RADIUS * flat, 0.9 * flat, flat > 0, 0 * flat)


def inside(share):
    at_y, at_x = np.ogrid[: SHAPE[1], : SHAPE[2]]
    return np.hypot(at_y * SPACING[1] - Y, at_x * SPACING[2] - X) < share * RADIUS


def pool(noise=NOISE, hu=HU):
    """Noise of one standard deviation, or of one for each slice."""
    sd = np.broadcast_to(noise, SHAPE[0])[:, None, None]
    return np.where(inside(1.0), hu, -100) + sd * np.random.default_rng(8).standard_normal(SHAPE)


def test_attenuation_and_noise(make, lane):
    found = blood(make.volume(pool().round(), SPACING), lane)
    assert found.hu == pytest.approx(HU, abs=1.5)
    assert found.noise_hu == pytest.approx(NOISE, rel=0.1)
    assert found.noise_by_slice.shape == (SHAPE[0],)


def test_smoothing_takes_noise_that_is_not_correlated(make, lane):
    """A Gaussian of s voxels leaves 1 / (2 sqrt(pi) s) of white noise: J. Serra's sum of squared weights."""
    found = blood(make.volume(pool().round(), SPACING), lane)
    left = 1 / (2 * np.sqrt(np.pi) * 0.8 / SPACING[1])
    assert found.smooth_noise_hu == pytest.approx(NOISE * left, rel=0.25)
    # What is taken away is the rest of the middle voxel's weight and of all others.
    middle = 1 / (2 * np.pi * (0.8 / SPACING[1]) ** 2)
    taken = np.sqrt(1 - 2 * middle + left**2)
    assert found.noise_per_fine == pytest.approx(1 / taken, rel=0.1)


def blotches(sigma):
    """Noise that a Gaussian of `sigma` voxels has smoothed, of the standard deviation NOISE."""
    noise = np.random.default_rng(6).standard_normal(SHAPE)
    noise = ndimage.gaussian_filter(noise, (0, sigma, sigma))
    return np.where(inside(1.0), HU, -100) + NOISE * noise / noise.std()


def ratio(sigma):
    """Noise to what a second Gaussian of 0.8 mm takes from it: integrals of products of Gaussians, 1 / variance."""
    first, second = sigma**2, (0.8 / SPACING[1]) ** 2
    return np.sqrt((1 / first) / (1 / first + 1 / (first + second) - 2 / (first + second / 2)))


@pytest.mark.parametrize(("sigma", "capped"), [(0.775, False), (1.5, True), (2.0, True)])
def test_blotchy_noise_is_more_than_its_fine_structure_but_at_most_twice(make, lane, sigma, capped):
    found = blood(make.volume(blotches(sigma).round(), SPACING), lane)
    assert found.noise_hu == pytest.approx(NOISE, rel=0.25)
    if capped:
        assert ratio(sigma) > 3
        assert found.noise_per_fine == 2
    else:
        assert ratio(sigma) == pytest.approx(1.67, abs=0.01)
        assert found.noise_per_fine == pytest.approx(ratio(sigma), rel=0.12)


def test_noise_of_each_slice(make, lane):
    ramp = np.linspace(8, 38, SHAPE[0])
    found = blood(make.volume(pool(ramp).round(), SPACING), lane)
    assert np.polyfit(ramp, found.noise_by_slice, 1)[0] == pytest.approx(1, abs=0.15)
    assert found.noise_hu == pytest.approx(np.median(ramp), rel=0.15)


def test_calcium_in_the_wall_and_in_the_middle_changes_little(make, lane):
    hu = pool()
    ring = inside(1.0) & ~inside(0.6)
    hu[:, ring] = 900
    spots = np.random.default_rng(2).random(SHAPE) < 0.08
    hu[spots & inside(0.6)] = 1200
    found = blood(make.volume(hu.round(), SPACING), lane)
    assert found.hu == pytest.approx(HU, abs=3)
    assert found.noise_hu == pytest.approx(NOISE, rel=0.25)


def test_noise_of_means_falls_with_the_root_where_slices_share_none(make, lane):
    found = blood(make.volume(pool().round(), SPACING), lane)
    for number in range(1, 7):
        assert found.noise_of(number) == pytest.approx(NOISE / np.sqrt(number), rel=0.12)
    # more slices than were measured promise nothing more
    assert found.noise_of(40) == found.noise_of(6)


def test_noise_of_means_is_measured_where_slices_share_noise(make, lane):
    """Slices that are running means of two: the mean of two has weights 1/4, 1/2, 1/4, of n 1/2n, 1/n, ..., 1/2n."""
    fresh = np.random.default_rng(5).standard_normal((SHAPE[0] + 1, *SHAPE[1:]))
    hu = np.where(inside(1.0), HU, -100) + NOISE * np.sqrt(2) * (fresh[1:] + fresh[:-1]) / 2
    found = blood(make.volume(hu.round(), SPACING), lane)
    assert found.noise_hu == pytest.approx(NOISE, rel=0.1)
    for number in range(2, 7):
        power = 2 * ((number - 1) / number**2 + 2 / (2 * number) ** 2)
        assert found.noise_of(number) == pytest.approx(NOISE * np.sqrt(power), rel=0.12)


def test_means_across_a_gap_are_not_measured(make, lane):
    """Noise that alternates vanishes in the means of two, but not across the gap."""
    grain = np.random.default_rng(5).standard_normal(SHAPE[1:])
    sign = np.where(np.arange(SHAPE[0]) % 2 == 0, 1.0, -1.0)[:, None, None]
    hu = np.where(inside(1.0), HU, -100) + NOISE * sign * grain
    whole = make.volume(hu.round(), SPACING)
    assert blood(whole, lane).noise_of(2) == pytest.approx(0, abs=0.8)
    parted = replace(whole, gaps=tuple(Gap(after, 1) for after in range(SHAPE[0] - 1)))
    assert blood(parted, lane).noise_of(2) == pytest.approx(NOISE, rel=0.1)


@pytest.mark.parametrize(
    ("spacing", "thickness", "slices"),
    [
        (3.0, 3.0, 1),
        (2.6, 2.6, 1),
        (2.5, 2.5, 2),
        (2.0, 2.0, 2),
        (2.0, None, 2),
        (2.0, 3.0, 1),  # overlapping slices of the method's thickness
        (1.5, 3.0, 1),
    ],
)
def test_a_zero_in_slices_of_2_to_2_5_mm_is_judged_on_pairs(make, lane, spacing, thickness, slices):
    track = replace(lane, z_mm=lane.z_mm / SPACING[0] * spacing)
    found = blood(replace(make.volume(pool().round(), (spacing, 0.7, 0.7)), thickness_mm=thickness), track)
    assert found.zero_slices == slices
    assert found.zero_noise_hu == found.noise_of(slices) == pytest.approx(NOISE / np.sqrt(slices), rel=0.12)


def test_a_zero_in_slabs_is_judged_on_the_slabs(make, lane):
    slabs = average_slices(make.volume(np.repeat(pool().round(), 2, axis=0), (1.25, 0.7, 0.7)), 2)
    assert slabs.spacing_mm[0] == 2.5
    track = replace(lane, z_mm=lane.z_mm / SPACING[0] * 2.5 + 0.0)
    found = blood(slabs, track)
    assert (found.zero_slices, found.zero_noise_hu) == (1, found.noise_hu)
    assert found.noise_hu == pytest.approx(NOISE, rel=0.1)


def test_slices_where_the_circle_is_not_sure_do_not_count(make, lane):
    hu = pool()
    hu[:6] += 400
    certainty = np.where(np.arange(SHAPE[0]) < 6, 0.4, 0.9)
    found = blood(make.volume(hu.round(), SPACING), replace(lane, certainty=certainty))
    assert found.hu == pytest.approx(HU, abs=1.5)
    assert (found.noise_by_slice[:6] == found.noise_by_slice[6]).all()


@pytest.mark.parametrize("change", ["unsure", "outside"])
def test_no_slice_to_measure_in(make, lane, change):
    track = replace(lane, certainty=0.3 * lane.certainty) if change == "unsure" else replace(lane, y_mm=lane.y_mm - 60)
    with pytest.raises(NotScorable) as raised:
        blood(make.volume(pool().round(), SPACING), track)
    assert raised.value.code == "aorta_not_found"


def test_without_noise_there_is_no_ratio(make, lane):
    found = blood(make.volume(np.full(SHAPE, 50), SPACING), lane)
    assert (found.hu, found.noise_hu, found.noise_per_fine) == (50, 0, 1)


def test_spread():
    # Deviations from 5: 5, 2, 0, 1, 4, their median 2.
    assert spread(np.array([0, 3, 5, 6, 9], np.int16)) == pytest.approx(1.4826 * 2)
    values = np.random.default_rng(9).normal(40, 20, 20000).astype(np.float32)
    assert spread(values) == pytest.approx(20, rel=0.02)
    values[:1000] = 3000
    assert spread(values) == pytest.approx(20, rel=0.1)


def test_smoothing_is_in_the_plane_alone():
    part = np.zeros((3, 41, 41), np.int16)
    part[1, 20, 20] = 1000
    made = smoothed(part, SPACING)
    assert not made[[0, 2]].any()
    assert made[1].sum() == pytest.approx(1000, rel=1e-3)
    offset = (np.arange(41) - 20) * SPACING[1]
    assert np.sqrt((made[1] * offset**2).sum() / made[1].sum()) == pytest.approx(0.8, rel=0.03)


class TestCore:
    @staticmethod
    def seen(make, hu, radius=30.0):
        image = replace(make.cubes((24, 24, 24), 4.0), hu=np.asarray(hu, np.float32))
        mask = make.answer(image, {"heart": make.ball(46.0, 46.0, 46.0, radius)}).mask("heart")
        return SimpleNamespace(cubes=image, heart_mask=mask)

    def test_of_the_middle_alone(self, make):
        image = make.cubes((24, 24, 24), 4.0)
        deep = make.answer(image, {"heart": make.ball(46.0, 46.0, 46.0, 12.0)}).mask("heart")
        assert core_hu(self.seen(make, np.where(deep, 61, -100))) == 61

    def test_fat_air_and_metal_are_no_blood(self, make):
        hu = np.full((24, 24, 24), 45.0)
        hu[::3], hu[1::6, ::2] = -90, 1400
        assert core_hu(self.seen(make, hu)) == 45

    def test_no_middle(self, make):
        assert np.isnan(core_hu(self.seen(make, np.full((24, 24, 24), 45.0), radius=6.0)))

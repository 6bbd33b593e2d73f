"""The simulated scan of a painted crop."""

import numpy as np
import pytest

from scoring.phantom.tissue import Tissue
from training.scanner import simulate_scan


@pytest.mark.parametrize("seed", range(6))
def test_a_uniform_crop_keeps_its_mean(seed):
    hu = np.full((20, 24, 28), 40, np.float32)
    image = simulate_scan(hu, np.full(hu.shape, Tissue.MUSCLE, np.uint8), np.random.default_rng(seed))
    assert image.shape == hu.shape
    assert image.dtype == np.float32
    # An offset of 4 HU, waves of up to 20, steps of slices: four standard deviations.
    assert image.mean() == pytest.approx(40, abs=40)
    assert (hu == 40).all()


def test_noise_differs_from_view_to_view():
    hu = np.full((20, 24, 28), 40, np.float32)
    tissue = np.full(hu.shape, Tissue.MUSCLE, np.uint8)
    fine = [np.diff(simulate_scan(hu, tissue, np.random.default_rng(seed)), axis=2).std() for seed in range(12)]
    assert max(fine) > 2 * min(fine)


def test_limits():
    hu = np.where(np.arange(20)[:, None, None] < 10, -1024, 3000) * np.ones((1, 16, 16))
    image = simulate_scan(hu.astype(np.float32), np.zeros(hu.shape, np.uint8), np.random.default_rng(0))
    assert image.min() >= -1024
    assert image.max() <= 2500
    assert np.median(image[:8]) < -950
    assert np.median(image[12:]) > 2300


def test_the_same_generator_gives_the_same_image():
    hu, tissue = np.zeros((12, 16, 16), np.float32), np.full((12, 16, 16), Tissue.LUNG, np.uint8)
    one, two = (simulate_scan(hu, tissue, np.random.default_rng(3)) for _ in range(2))
    assert (one == two).all()

"""What a scanner does to a painted crop."""

import numpy as np
import pytest

from scoring.phantom.tissue import Tissue
from training.scanner import scanned


@pytest.mark.parametrize("seed", range(6))
def test_a_uniform_crop_keeps_its_mean(seed):
    hu = np.full((20, 24, 28), 40, np.float32)
    made = scanned(hu, np.full(hu.shape, Tissue.MUSCLE, np.uint8), np.random.default_rng(seed))
    assert made.shape == hu.shape
    assert made.dtype == np.float32
    # An offset of 4 HU, waves of up to 20, steps of slices: four standard deviations.
    assert made.mean() == pytest.approx(40, abs=40)
    assert (hu == 40).all()


def test_noise_differs_from_view_to_view():
    hu = np.full((20, 24, 28), 40, np.float32)
    tissue = np.full(hu.shape, Tissue.MUSCLE, np.uint8)
    fine = [np.diff(scanned(hu, tissue, np.random.default_rng(seed)), axis=2).std() for seed in range(12)]
    assert max(fine) > 2 * min(fine)


def test_limits():
    hu = np.where(np.arange(20)[:, None, None] < 10, -1024, 3000) * np.ones((1, 16, 16))
    made = scanned(hu.astype(np.float32), np.zeros(hu.shape, np.uint8), np.random.default_rng(0))
    assert made.min() >= -1024
    assert made.max() <= 2500
    assert np.median(made[:8]) < -950
    assert np.median(made[12:]) > 2300


def test_the_same_chance_is_the_same_image():
    hu, tissue = np.zeros((12, 16, 16), np.float32), np.full((12, 16, 16), Tissue.LUNG, np.uint8)
    one, two = (scanned(hu, tissue, np.random.default_rng(3)) for _ in range(2))
    assert (one == two).all()

"""Blur and slices along one axis."""

import numpy as np
import pytest
from scipy import ndimage

torch = pytest.importorskip("torch")

from training.lines import along, blur, slice_matrix  # noqa: E402 - needs PyTorch

pytestmark = pytest.mark.train


def test_blur_is_gaussian():
    image = np.zeros((2, 21, 23, 25), np.float32)
    image[:, 10, 11, 12] = 1
    sigmas = np.array([[1.0, 0.8, 1.5], [0.0, 2.0, 0.6]])
    found = blur(torch.from_numpy(image), sigmas).numpy()
    for one, given, sigma in zip(found, image, sigmas, strict=True):
        assert one == pytest.approx(ndimage.gaussian_filter(given, sigma, truncate=8), abs=2e-3)


def test_blur_does_not_darken_the_ends():
    assert blur(torch.full((1, 9, 9, 9), 40.0), np.full((1, 3), 3.0)).numpy() == pytest.approx(40, abs=1e-3)


def test_thin_slices_leave_the_image_as_it_is():
    image = torch.randn(1, 12, 4, 4)
    assert torch.equal(along(image, 1, slice_matrix(12, np.array([0.8]), np.array([0.5]), "cpu")), image)


def test_a_thick_slice_is_the_mean_of_its_voxels():
    """Slices of three voxels from the first on: their middles hold means, and between them it is linear."""
    line = torch.arange(9.0) ** 2
    matrix = slice_matrix(9, np.array([3.0]), np.array([0.5]), "cpu")
    found = along(line[None, :, None, None], 1, matrix)[0, :, 0, 0].numpy()
    middles = np.arange(0.5 * 3 - 3, 12, 3)
    means = {m: np.mean([v**2 for v in range(9) if abs(v - m) < 1.5 + 1e-9]) for m in middles if -1 < m < 9}
    for place, value in means.items():
        if place == int(place) and 1 <= place <= 7:
            assert found[int(place)] == pytest.approx(value, abs=0.7)
    assert found[1:8] == pytest.approx(line[1:8].numpy(), abs=4)


def test_a_constant_stays_constant_in_thick_slices():
    matrix = slice_matrix(16, np.array([1.7, 4.2]), np.array([0.1, 0.9]), "cpu")
    assert matrix.sum(2).numpy() == pytest.approx(1, abs=1e-5)

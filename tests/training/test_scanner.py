"""The simulated scan of a painted crop."""

import numpy as np
import pytest

from scoring.phantom.tissue import Tissue

torch = pytest.importorskip("torch")

from training.scanner import Scanner  # noqa: E402 - needs PyTorch

pytestmark = pytest.mark.train


def scan(hu, tissue, seed):
    scanner = Scanner(np.random.default_rng(seed), torch.Generator().manual_seed(seed), 3.0)
    return scanner.scan(hu, tissue)


def uniform(hu=40.0, tissue=Tissue.MUSCLE, count=4):
    shape = (count, 20, 24, 28)
    return torch.full(shape, hu), torch.full(shape, int(tissue), dtype=torch.uint8)


@pytest.mark.parametrize("seed", range(3))
def test_a_uniform_crop_keeps_its_mean(seed):
    hu, tissue = uniform()
    image = scan(hu, tissue, seed)
    assert image.shape == hu.shape
    # An offset of 4 HU, waves of up to 20, steps of slices, streaks: four standard deviations.
    assert image.mean((1, 2, 3)).numpy() == pytest.approx(40, abs=45)
    assert (hu == 40).all()


def test_noise_differs_from_view_to_view():
    fine = scan(*uniform(count=12), 0).diff(dim=3).flatten(1).std(1)
    assert fine.max() > 2 * fine.min()


def test_limits():
    hu, tissue = uniform(-1024.0, Tissue.AIR)
    hu[:, 10:] = 3000
    image = scan(hu, tissue, 0)
    assert image.min() >= -1024
    assert image.max() <= 2500
    assert image[:, :7].median() < -950
    assert image[:, 13:].median() > 2300


def test_the_same_generator_gives_the_same_image():
    one, two = (scan(*uniform(tissue=Tissue.LUNG), 3) for _ in range(2))
    assert torch.equal(one, two)


def test_contrast_brightens_the_blood_of_a_tenth():
    tissue = torch.full((400, 1, 1, 3), int(Tissue.LEFT_VENTRICLE), dtype=torch.uint8)
    tissue[..., 1], tissue[..., 2] = int(Tissue.ASCENDING_AORTA), int(Tissue.LUNG)
    scanner = Scanner(np.random.default_rng(1), torch.Generator(), 3.0)
    added = scanner.colour(torch.zeros(tissue.shape), tissue)[:, 0, 0]
    bright = (added[:, :2] > 40).all(1)
    # 400 draws of a tenth, a few of them too weak to be told: four standard deviations.
    assert 14 < bright.sum() < 64
    assert added[:, :2].max() < 340
    assert added[:, 2].abs().max() < 25

"""The probabilities that the heart net is to say."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training.deposits import Deposits  # noqa: E402 - needs PyTorch
from training.targets import landmark_target, place_target  # noqa: E402

pytestmark = pytest.mark.train

FAR = 15.9
LM, LAD, LCX, RCA, ROOT, ANNULUS = range(6)


def targets(share=0.0, kind=0, **near):
    """The target of one voxel at distances in mm."""
    names = {"LM": LM, "LAD": LAD, "LCX": LCX, "RCA": RCA, "root": ROOT, "annulus": ANNULUS}
    away = torch.full((1, 6, 1, 1, 1), FAR)
    for name, value in near.items():
        away[0, names[name]] = value
    shape = (1, 1, 1, 1)
    there = Deposits(torch.zeros(shape), torch.full(shape, share), torch.full(shape, kind))
    return place_target(away, there)[0, :, 0, 0, 0].numpy()


def test_far_from_all_is_none():
    assert targets() == pytest.approx([1, 0, 0, 0, 0, 0, 0])


@pytest.mark.parametrize(("away", "share"), [(0, 1), (4, 1), (6, 0.75), (8, 0.5), (12, 0), (14, 0)])
def test_an_artery_from_sure_to_none(away, share):
    assert targets(RCA=away) == pytest.approx([1 - share, 0, 0, 0, share, 0, 0], abs=1e-5)


@pytest.mark.parametrize(("away", "share"), [(3, 1), (5.5, 0.5), (8, 0)])
def test_the_root_is_narrower(away, share):
    assert targets(root=away)[5] == pytest.approx(share, abs=1e-5)


def test_between_two_the_nearer_one():
    """2 mm nearer is e times as likely, where both are sure."""
    assert targets(LAD=1.0, LCX=3.0)[[0, 2, 3]] == pytest.approx([0, np.e / (np.e + 1), 1 / (np.e + 1)], abs=1e-5)
    assert targets(LM=2.0, root=2.0)[[0, 1, 5]] == pytest.approx([0, 0.5, 0.5], abs=1e-5)


def test_at_a_deposit_its_own_kind_counts():
    assert targets(share=1.0, kind=6, LCX=1.0) == pytest.approx([0, 0, 0, 0, 0, 0, 1])
    assert targets(share=0.6, kind=0, LCX=1.0)[[0, 3]] == pytest.approx([0.6, 0.4], abs=1e-5)


@pytest.fixture
def places():
    """The positions x, y, z of 20 x 20 x 20 voxels of 3 mm from the origin."""
    z, y, x = torch.meshgrid(*[torch.arange(20) * 3.0] * 3, indexing="ij")
    return torch.stack([x, y, z])[None]


def spot(places, at, seen=None):
    there = torch.ones(1, 20, 20, 20, dtype=torch.bool) if seen is None else seen
    return landmark_target(places, there, torch.tensor([[at]]), torch.tensor([27.0]))[0, 0].numpy()


def test_a_landmark_inside(places):
    found = spot(places, [30.0, 27.0, 24.0])
    assert found.sum() == pytest.approx(1, abs=1e-3)
    assert np.unravel_index(found.argmax(), found.shape) == (8, 9, 10)
    z, y, x = np.indices(found.shape)
    assert [(found * line).sum() * 3 for line in (x, y, z)] == pytest.approx([30, 27, 24], abs=0.05)


def test_a_landmark_outside(places):
    assert spot(places, [30.0, 27.0, -40.0]).sum() == pytest.approx(0, abs=1e-6)


def test_a_landmark_on_the_edge_is_half_outside(places):
    """The edge of the first voxels is 1.5 mm in front of their centres."""
    assert spot(places, [-1.5, 27.0, 24.0]).sum() == pytest.approx(0.5, abs=0.01)


def test_what_is_not_seen_holds_no_landmark(places):
    seen = torch.ones(1, 20, 20, 20, dtype=torch.bool)
    seen[:, :, :, 5:] = False
    assert spot(places, [40.0, 27.0, 24.0], seen).sum() == pytest.approx(0, abs=1e-4)

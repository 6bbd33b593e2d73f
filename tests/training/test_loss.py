"""The loss: as little as the targets allow for a perfect output."""

from dataclasses import replace

import numpy as np
import pytest

from training import classes

torch = pytest.importorskip("torch")

from training.loss import loss  # noqa: E402 - needs PyTorch
from training.view import IGNORED, Views  # noqa: E402

pytestmark = pytest.mark.train

COUNT, PLACES, MARKS = len(classes.NAMES["heart"]), len(classes.PLACES), len(classes.LANDMARKS)
SIDE = 8
WEIGHT = torch.ones(COUNT)


@pytest.fixture
def views():
    """A view whose places are sure; of the landmarks one lies in a voxel, one outside, one half and half."""
    rng = np.random.default_rng(0)
    shape = (1, SIDE, SIDE, SIDE)
    place = torch.nn.functional.one_hot(torch.from_numpy(rng.integers(0, PLACES, shape)), PLACES).permute(0, 4, 1, 2, 3)
    spot = torch.zeros(1, MARKS, SIDE, SIDE, SIDE)
    spot[:, :, 4, 4, 4] = torch.tensor([1.0, 0.0, 0.5, 1.0, 1.0, 1.0])
    label = torch.from_numpy(rng.integers(0, COUNT, shape))
    return Views(torch.zeros(shape), label, place.float(), spot, torch.zeros(shape))


@pytest.fixture
def output(views):
    logits = torch.nn.functional.one_hot(views.label, COUNT).permute(0, 4, 1, 2, 3).float() * 40
    spots = torch.full_like(views.spot, -40.0)
    spots[:, :, 4, 4, 4] = torch.tensor([40.0, -40.0, 0.0, 40.0, 40.0, 40.0])
    return torch.cat([logits, views.place * 40, spots], 1)


def test_a_perfect_output_costs_nothing(views, output):
    found = loss(output, views, WEIGHT)
    assert float(found.total) == pytest.approx(0, abs=1e-4)
    assert found.dice.numpy() == pytest.approx(np.ones(COUNT), abs=1e-4)
    assert found.place.numpy() == pytest.approx(0, abs=1e-4)
    assert found.landmarks.numpy() == pytest.approx(np.zeros(MARKS), abs=1e-4)


def test_ignored_voxels_cost_nothing(views, output):
    label, noisy = views.label.clone(), output.clone()
    label[:, 4:] = IGNORED
    noisy[:, : COUNT + PLACES, 4:] = torch.randn(noisy[:, : COUNT + PLACES, 4:].shape) * 20
    assert float(loss(noisy, replace(views, label=label), WEIGHT).total) == pytest.approx(0, abs=1e-3)


def test_a_wrong_output_costs(views, output):
    assert float(loss(-output, views, WEIGHT).total) > 1
    moved = output.clone()
    moved[:, -1] = torch.roll(moved[:, -1], 3, 1)
    # Of 80 between the logits of the true voxel and of the one that is said.
    assert loss(moved, views, WEIGHT).landmarks.numpy() == pytest.approx([0, 0, 0, 0, 0, 80], abs=1e-3)


def test_a_landmark_said_outside(views, output):
    """The one that lies half inside: -log(1/2) x 1/2 twice, less the entropy of the truth, is 0; outside alone 20."""
    said = output.clone()
    said[:, COUNT + PLACES + 2, 4, 4, 4] = -40
    assert float(loss(said, views, WEIGHT).landmarks[2]) == pytest.approx(0.5 * 40 + np.log(0.5), abs=1e-3)


def test_doubt_is_rewarded_where_the_target_is_in_doubt(views, output):
    half = torch.zeros_like(views.place)
    half[:, 2:4] = 0.5
    sure, unsure = output.clone(), output.clone()
    sure[:, COUNT : COUNT + PLACES] = 0
    sure[:, COUNT + 2] = 10
    unsure[:, COUNT : COUNT + PLACES] = torch.where(half > 0, 10.0, -10.0)
    given = replace(views, place=half)
    assert float(loss(unsure, given, WEIGHT).place) == pytest.approx(np.log(2), abs=1e-3)
    assert float(loss(sure, given, WEIGHT).place) > 4


def test_a_deposit_counts_more(views, output):
    """One of two voxels is wrong by 40: with a deposit in it, it has seven times the weight."""
    place = torch.zeros(1, PLACES, 1, 1, 2)
    place[:, 2] = 1
    said = torch.zeros(1, COUNT + PLACES + MARKS, 1, 1, 2)
    said[:, COUNT + 2, 0, 0, 0], said[:, COUNT + 3, 0, 0, 1] = 40, 40
    label, sure = torch.zeros(1, 1, 1, 2, dtype=torch.long), torch.zeros(1, 1, 1, 2)
    given = Views(sure, label, place, torch.zeros(1, MARKS, 1, 1, 2), sure)
    assert float(loss(said, given, WEIGHT).place) == pytest.approx(20, abs=1e-3)
    deposit = torch.tensor([[[[0.0, 1.0]]]])
    assert float(loss(said, replace(given, sure=deposit), WEIGHT).place) == pytest.approx(35, abs=1e-3)

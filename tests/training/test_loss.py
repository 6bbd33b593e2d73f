"""The loss: zero for a perfect output."""

import numpy as np
import pytest

from training import classes

pytestmark = pytest.mark.train


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def parts(torch):
    """Output, label and field of a perfect result of the heart net."""
    rng = np.random.default_rng(0)
    count = len(classes.NAMES["heart"])
    label = torch.from_numpy(rng.integers(0, count, (1, 8, 8, 8)))
    field = np.zeros((1, len(classes.FIELDS), 8, 8, 8), np.float32)
    field[:, :4] = rng.random((1, 4, 8, 8, 8))
    place = ((np.indices((8, 8, 8)) - 4) ** 2).sum(axis=0)
    field[:, 4:] = np.exp(-place / 4)
    logits = torch.nn.functional.one_hot(label, count).permute(0, 4, 1, 2, 3).float() * 40
    # Landmarks' fields are logits of a share of all places.
    predicted = np.concatenate([field[:, :4], np.broadcast_to(-place / 4, field[:, 4:].shape)], axis=1).astype(
        np.float32
    )
    output = torch.cat([logits, torch.from_numpy(predicted)], 1)
    return output, label, torch.from_numpy(field), torch.ones(count)


def test_a_perfect_output_costs_nothing(parts):
    from training.loss import loss  # noqa: PLC0415

    total, dice, error = loss(*parts)
    assert float(total) == pytest.approx(0, abs=1e-4)
    assert dice.numpy() == pytest.approx(np.ones(len(dice)), abs=1e-4)
    assert error.numpy() == pytest.approx(np.zeros(len(error)), abs=1e-5)


def test_ignored_voxels_cost_nothing(torch, parts):
    from training.loss import IGNORED, loss  # noqa: PLC0415

    output, label, field, weight = parts
    label = label.clone()
    label[:, 4:] = IGNORED
    output = output.clone()
    output[:, : len(weight) + 4, 4:] = torch.randn(output[:, : len(weight) + 4, 4:].shape) * 20
    assert float(loss(output, label, field, weight)[0]) == pytest.approx(0, abs=1e-3)


def test_a_wrong_output_costs(torch, parts):
    from training.loss import loss  # noqa: PLC0415

    output, label, field, weight = parts
    assert float(loss(-output, label, field, weight)[0]) > 1
    moved = output.clone()
    moved[:, -1] = torch.roll(moved[:, -1], 3, 1)
    assert float(loss(moved, label, field, weight)[0]) > 0.01

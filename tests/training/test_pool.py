"""Bodies on the device: those of a growing folder, up to a limit."""

import time

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training.body import HELD_OUT, Body, path_of  # noqa: E402 - with what needs PyTorch
from training.pool import Held, Pool  # noqa: E402

pytestmark = pytest.mark.train

BYTES = 4**3 * (2 + 1 + 6)


def write(folder, seed, kind="heart"):
    """A body of 4 x 4 x 4 voxels whose HU are its seed."""
    side = (4, 4, 4)
    body = Body(
        hu=np.full(side, seed % 1000, np.int16),
        tissue=np.zeros(side, np.uint8),
        low=np.zeros(3),
        step=np.array(2.4),
        deposits=np.zeros((0, 7), np.float32),
        near=np.zeros((6, *side), np.uint8),
        landmarks=np.zeros((6, 3)),
    )
    body.write(path_of(folder, kind, seed))


@pytest.fixture
def pool(tmp_path):
    made = []

    def make(limit=1e9):
        made.append(Pool(tmp_path, "heart", "cpu", limit))
        return made[-1]

    yield make
    for one in made:
        one.end()


def seeds(bodies):
    return {int(body.hu[0, 0, 0]) for body in bodies}


def drawn(pool, count=200):
    return seeds(pool.draw(np.random.default_rng(0), count))


def test_all_bodies_but_those_held_out_and_of_the_other_net(tmp_path, pool):
    for seed in (0, 1, 5, HELD_OUT + 7, HELD_OUT + 10_000):
        write(tmp_path, seed)
    write(tmp_path, 3, "chest")
    found = pool()
    found.wait(3)
    time.sleep(0.2)
    assert len(found) == 3
    assert drawn(found) == {0, 1, 5}


def test_new_bodies_are_found(tmp_path, pool):
    write(tmp_path, 0)
    found = pool()
    found.wait(1)
    assert drawn(found) == {0}
    write(tmp_path, 1)
    found.wait(2)
    assert drawn(found) == {0, 1}


def test_what_does_not_fit_takes_turns(tmp_path, pool):
    for seed in range(6):
        write(tmp_path, seed)
    found = pool(limit=2 * BYTES)
    found.wait(6)
    seen = set()
    for _ in range(100):
        assert len(found) <= 2
        seen |= drawn(found, 4)
        time.sleep(0.01)
    assert len(seen) > 4


def test_a_body_on_a_device(tmp_path):
    write(tmp_path, 9)
    held = Held.of(Body.read(path_of(tmp_path, "heart", 9)), "cpu")
    assert held.size == BYTES
    assert (held.hu.dtype, held.tissue.dtype, held.near.dtype) == (torch.int16, torch.uint8, torch.uint8)
    assert held.step == pytest.approx(2.4)

"""Views of a body: plausible scans, and labels that agree with the image."""

import numpy as np
import pytest

from training import classes

torch = pytest.importorskip("torch")

from training import deposits, view, warp  # noqa: E402 - need PyTorch
from training.pool import Held  # noqa: E402

pytestmark = pytest.mark.train

SEEDS = range(4)
SHAPE, STEP = (24, 30, 36), 3.0
NONE, LM, LAD, LCX, RCA, ROOT, ANNULUS = range(7)


@pytest.fixture(scope="module")
def held(bodies):
    return {kind: Held.of(body, "cpu") for kind, body in bodies.items()}


@pytest.fixture(scope="module")
def views(held):
    return {
        kind: [view.draw([body, body], kind, np.random.default_rng(seed)) for seed in SEEDS]
        for kind, body in held.items()
    }


def pose(seed=0, count=2, shape=SHAPE):
    rng = np.random.default_rng(seed)
    sizes, middles = np.tile(np.array(shape, float), (count, 1)), np.tile([10.0, -20.0, 30.0], (count, 1))
    return warp.Pose.draw(rng, shape, STEP, sizes=sizes, middles=middles, device="cpu")


def test_arrays(views, kind):
    for item in views[kind]:
        count, *shape = item.hu.shape
        assert count == 2
        assert all(side % 8 == 0 for side in shape)
        assert item.label.shape == item.sure.shape == item.hu.shape
        assert item.place.shape == (2, 7 if kind == "heart" else 0, *shape)
        assert item.spot.shape == (2, 6 if kind == "heart" else 0, *shape)
        assert set(item.label.unique().tolist()) <= {*range(len(classes.NAMES[kind])), view.IGNORED}
        assert item.hu.isfinite().all()
        assert item.hu.min() >= -1024
        assert item.hu.max() <= 2500


def test_a_smaller_image_fills_up_with_air_that_is_ignored(views, kind):
    smaller = 0
    for item in views[kind]:
        for hu, label in zip(item.hu, item.label, strict=True):
            last = label[-1] == view.IGNORED
            if last.all():
                assert (hu[-1] == -1024).all()
                smaller += 1
    assert smaller > 0


def test_the_same_generator_gives_the_same_view(held, views, kind):
    again = view.draw([held[kind]] * 2, kind, np.random.default_rng(SEEDS[1]))
    for name in ("hu", "label", "place", "spot", "sure"):
        assert torch.equal(getattr(again, name), getattr(views[kind][1], name))
    assert not torch.equal(again.hu[0], again.hu[1])


def test_labels_agree_with_the_image(views):
    lung, outside, heart = (classes.NAMES["chest"].index(name) for name in ("lung", "outside", "heart"))
    checked = 0
    for item in views["chest"]:
        for number, low, high in ((lung, -1024, -600), (outside, -1024, -850), (heart, -60, 350)):
            if (item.label == number).sum() > 200:
                assert low <= item.hu[item.label == number].median() < high
                checked += 1
    assert checked > 6


def test_places_are_probabilities_and_arteries_run_in_fat(views):
    fat = classes.NAMES["heart"].index("fat")
    inside = surely = usual = 0.0
    for item in views["heart"]:
        assert item.place.sum(1).numpy() == pytest.approx(1, abs=1e-5)
        assert item.place.min() >= 0
        near = item.label[(item.place[:, LAD : RCA + 1] > 0.95).any(1) & (item.sure == 0)]
        near = near[near != view.IGNORED]
        inside, surely = inside + int((near == fat).sum()), surely + len(near)
        usual = max(usual, float((item.label == fat).float().mean()))
    # The fat of a groove is narrower than the 4 mm within which a place surely belongs to the artery.
    assert surely > 300
    assert inside / surely > 3 * usual


def test_a_landmark_lies_in_the_image_or_outside(views):
    """A bell of 5 mm: in the image its centroid is the landmark, and half of a cut one is outside."""
    sums = np.concatenate([item.spot.sum((2, 3, 4)).numpy().ravel() for item in views["heart"]])
    assert sums.min() >= 0
    assert sums.max() <= 1 + 1e-4
    assert (sums > 0.95).mean() > 0.5


def test_voxels_are_a_step_apart_except_for_body_size():
    for seed in range(5):
        at = pose(seed).places().numpy()
        assert at.shape == (2, 3, *SHAPE)
        for one in at:
            for axis in (1, 2, 3):
                length = np.linalg.norm(np.diff(one, axis=axis), axis=0)
                assert STEP * 0.55 < np.median(length) < STEP * 1.7
                # It is turned little: z of the view is z of the body, upwards.
                assert np.median(np.diff(one[3 - axis], axis=axis - 1)) > 1.2
            assert np.linalg.norm(one[:, 12, 15, 18] - [10, -20, 30]) < 25


def test_from_places_back_to_voxels():
    drawn = pose(3)
    index = torch.tensor([[3, 4, 5], [20, 25, 30], [12, 7, 21]])
    number = torch.tensor([0, 1, 1])
    points = drawn.places()[number, :, *index.T]
    assert drawn.voxels(points, number).numpy() == pytest.approx(index.numpy(), abs=0.35)


def test_the_volume_of_a_voxel():
    drawn = pose(4)
    expected = np.abs(np.linalg.det(drawn.matrix.numpy().astype(float)))
    assert drawn.cube_mm3.numpy() == pytest.approx(expected, rel=1e-5)


def test_a_turn_keeps_lengths():
    turn = warp.rotation(np.array([0.2, -0.1, 0.3]))
    assert turn @ turn.T == pytest.approx(np.eye(3))
    assert np.linalg.det(turn) == pytest.approx(1)


@pytest.fixture
def straight():
    """A pose without turn or bend: voxel (12, 15, 18) lies at the origin."""
    matrix = torch.tensor([[[0.0, 0, 1], [0, 1, 0], [1, 0, 0]]]) * STEP
    return warp.Pose(
        matrix=matrix,
        inverse=torch.linalg.inv(matrix),
        centre=torch.tensor([[12.0, 15, 18]]),
        middle=torch.zeros(1, 3),
        bend=torch.zeros(1, 3, *SHAPE),
    )


class Always:
    """Random numbers that show every deposit, at its own brightness."""

    def random(self, count=None):
        return 1.0 if count is None else np.zeros(count)

    def uniform(self, _low, _high):
        return 1.0


def test_a_deposit_lies_where_it_belongs(bodies, straight):
    """A ball of 3 mm and 500 HU of the RCA 6 mm to the left and 3 mm up: its voxel is full, its neighbours half."""
    one = Held.of(bodies["heart"], "cpu")
    points = np.array([[6.0, 0.0, 3.0, 3.0, 500.0, 0.0, RCA]], np.float32)
    only = Held(one.hu, one.tissue, one.near, one.low, one.step, points, one.landmarks)
    found = deposits.render([only], straight, Always(), STEP)
    assert found.hu[0, 13, 15, 20] == pytest.approx(500)
    for neighbour in ((14, 15, 20), (12, 15, 20), (13, 16, 20), (13, 15, 19)):
        assert found.hu[0][neighbour] == pytest.approx(250)
    # Voxels 4.2 mm off: 0.5 - (3 sqrt(2) - 3) / 3 of them.
    assert found.hu[0, 12, 15, 19] == pytest.approx(500 * (1.5 - np.sqrt(2)), rel=1e-4)
    assert (found.hu > 0).sum() == 1 + 6 + 12
    assert found.kind[0, 13, 15, 20] == RCA
    # Surely within 2 mm of the ball, not at all beyond 4.5 mm: 6 mm from its middle 1.5 of 2.5.
    assert found.share[0, 13, 15, 21] == pytest.approx(1)
    assert found.share[0, 13, 15, 22] == pytest.approx(0.6, abs=1e-3)
    assert found.share[0, 13, 15, 23] == 0


def test_without_deposits_nothing_is_added(bodies, straight):
    one = Held.of(bodies["heart"], "cpu")
    none = Held(one.hu, one.tissue, one.near, one.low, one.step, np.zeros((0, 7), np.float32), one.landmarks)
    found = deposits.render([none], straight, np.random.default_rng(0), STEP)
    assert found.hu.max() == found.share.max() == 0

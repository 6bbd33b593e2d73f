"""Views of a body: plausible scans, and labels that agree with the image."""

import numpy as np
import pytest

from scoring.phantom.shapes import spline_weights
from scoring.result import ARTERIES
from training import classes, view, warp
from training.view import draw

IGNORED = 255
SEEDS = range(4)


@pytest.fixture(scope="module")
def views(bodies):
    return {kind: [draw(bodies[kind], kind, np.random.default_rng(seed)) for seed in SEEDS] for kind in bodies}


def test_arrays(views, kind):
    for item in views[kind]:
        assert item.hu.dtype == np.float16
        assert item.label.shape == item.hu.shape
        assert item.field.shape == ((len(classes.FIELDS) if kind == "heart" else 0), *item.hu.shape)
        assert set(np.unique(item.label)) <= {*range(len(classes.NAMES[kind])), IGNORED}
        assert np.isfinite(item.hu.astype(np.float32)).all()
        assert item.hu.min() >= -1024
        assert item.hu.max() <= 2500


def test_sizes_are_those_of_scans(views, kind):
    for item in views[kind]:
        size = np.array(item.hu.shape) * classes.STEP_MM[kind]
        assert (size > 110).all()
        assert (size < 425).all()


def test_the_same_generator_gives_the_same_view(bodies, views, kind):
    again = draw(bodies[kind], kind, np.random.default_rng(SEEDS[1]))
    assert (again.hu == views[kind][1].hu).all()
    assert (again.label == views[kind][1].label).all()
    assert (again.field == views[kind][1].field).all()
    assert views[kind][1].hu.shape != views[kind][2].hu.shape or (views[kind][1].hu != views[kind][2].hu).any()


def test_labels_agree_with_the_image(views):
    lung, outside, heart = (classes.NAMES["chest"].index(name) for name in ("lung", "outside", "heart"))
    for item in views["chest"]:
        if (item.label == lung).sum() > 200:
            assert np.median(item.hu[item.label == lung]) < -600
        if (item.label == outside).sum() > 200:
            assert np.median(item.hu[item.label == outside]) < -850
        if (item.label == heart).sum() > 200:
            assert -60 < np.median(item.hu[item.label == heart]) < 350


def test_fields_agree_with_labels(views):
    """An artery runs in the fat of the heart, not in a chamber or in the lung."""
    fat = classes.NAMES["heart"].index("fat")
    checked = 0
    for item in views["heart"]:
        near = item.label[(item.field[: len(ARTERIES)] > 0.9).any(axis=0)]
        near = near[near != IGNORED]
        if len(near) > 30:
            assert np.mean(near == fat) > 0.55
            checked += 1
        assert item.field.min() >= 0
        assert item.field.max() <= 1.01
    assert checked > 0


def test_a_landmark_is_seen_once(views):
    """Its field is a Gaussian around one position: half its height is reached at 9 sqrt(2 ln 2) = 10.6 mm."""
    reach = classes.LANDMARK_SD_MM * np.sqrt(2 * np.log(2))
    checked = 0
    for item in views["heart"]:
        for field in item.field[len(ARTERIES) :].astype(np.float32):
            if field.max() < 0.97:
                continue
            place = np.array(np.unravel_index(field.argmax(), field.shape))
            away = np.linalg.norm(np.argwhere(field > 0.5) - place, axis=1) * classes.STEP_MM["heart"]
            # Bodies are stretched and bent by up to a third, and the middle is a voxel's.
            assert away.max() < 1.4 * reach + 3
            checked += 1
    assert checked > 3


def test_calcium_only_brightens(bodies):
    body = bodies["heart"]
    at = warp.draw_places(np.random.default_rng(5), (40, 48, 48), 3.0, np.array([26.0, -10.0, -40.0]))
    added = view._render_deposits(body, at, 3.0, np.random.default_rng(6))
    assert added.shape == (40, 48, 48)
    assert added.min() >= 0


class TestPlaces:
    def test_voxels_are_a_step_apart_except_for_body_size(self):
        for seed in range(5):
            at = warp.draw_places(np.random.default_rng(seed), (24, 30, 36), 3.0, np.array([10.0, -20.0, 30.0]))
            assert at.shape == (3, 24, 30, 36)
            for axis in (1, 2, 3):
                length = np.linalg.norm(np.diff(at, axis=axis), axis=0)
                assert 3.0 * 0.55 < np.median(length) < 3.0 * 1.6
            # It is turned little: z of the view is z of the body, upwards.
            assert np.median(np.diff(at[2], axis=0)) > 1.5
            assert np.median(np.diff(at[1], axis=1)) > 1.5
            assert np.median(np.diff(at[0], axis=2)) > 1.5
            middle = at[:, 12, 15, 18]
            assert np.linalg.norm(middle - [10, -20, 30]) < 25

    def test_a_turn_keeps_lengths(self):
        turn = warp._rotation(np.array([0.2, -0.1, 0.3]))
        assert turn @ turn.T == pytest.approx(np.eye(3))
        assert np.linalg.det(turn) == pytest.approx(1)

    @pytest.mark.parametrize("count", [4, 9])
    def test_spline_weights_sum_to_one(self, count):
        weights = spline_weights(np.linspace(1, count - 2, 50, dtype=np.float32), count)
        assert weights.sum(axis=1) == pytest.approx(np.ones(50), abs=1e-5)
        assert weights.min() >= 0
        # A straight line of knots stays one.
        assert weights @ np.arange(count) == pytest.approx(np.linspace(1, count - 2, 50), abs=1e-4)

"""The nets that are shipped: what they say they are, and that their answers are shares."""

from importlib import resources
from types import SimpleNamespace

import numpy as np
import pytest

from scoring.anatomy.heart import CHAMBERS
from scoring.anatomy.isotropic import Cubes
from scoring.anatomy.network import Ensemble, Network, network
from scoring.result import ARTERIES
from training import classes


@pytest.fixture(scope="module", params=["chest", "heart"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def image():
    hu = np.random.default_rng(3).normal(-200, 300, (24, 32, 40)).astype(np.float32)
    return Cubes(np.clip(hu, -1024, 1500), (21, 27, 40), np.zeros(3), 4.0)


@pytest.fixture(scope="module")
def found(kind, image):
    return network(kind).find(image)


def test_names_are_those_of_the_training(kind):
    net = network(kind)
    assert net.classes == classes.NAMES[kind]
    assert set(net.places) <= set(classes.PLACES)
    assert set(net.landmarks) <= set(classes.LANDMARKS)
    assert net.step_mm == classes.STEP_MM[kind]
    assert all(len(bytes.fromhex(weights)) == 32 for weights in net.weights)


def test_what_the_analysis_asks_for_by_name():
    vessels, bones = {"ascending", "descending", "pulmonary"}, {"spine", "rib"}
    assert vessels | bones | {"lung", "heart", "airway", "abdomen", "oesophagus"} <= set(network("chest").classes)
    assert {*CHAMBERS, "ascending"} <= set(network("heart").classes)
    marks = {"left_main_ostium", "left_main_bifurcation", "right_ostium", "aortic_valve", "apex"}
    assert marks <= set(network("heart").landmarks)
    assert {"none", *ARTERIES} <= set(network("heart").places)


def test_shares_of_what_the_image_covers(kind, found):
    net = network(kind)
    assert found.share.shape == (len(net.classes), 21, 27, 40)
    assert found.label.shape == found.doubt.shape == (21, 27, 40)
    assert found.place.shape == (len(net.places), 21, 27, 40)
    assert found.spot.shape == (len(net.landmarks), 21, 27, 40)
    assert found.share.sum(axis=0) == pytest.approx(np.ones((21, 27, 40)), abs=1e-5)
    assert found.share.min() >= 0
    assert (found.label == found.share.argmax(axis=0)).all()
    if kind == "heart":
        assert found.place.sum(axis=0) == pytest.approx(np.ones((21, 27, 40)), abs=1e-5)
        assert (found.spot.sum(axis=(1, 2, 3)) <= 1 + 1e-5).all()


def test_the_same_image_has_the_same_answer(kind, image, found):
    again = network(kind).find(image)
    for name in ("share", "place", "spot", "doubt"):
        assert (getattr(again, name) == getattr(found, name)).all()


def test_loaded_once(kind):
    assert network(kind) is network(kind)


def test_weights_that_are_missing(kind, monkeypatch, tmp_path):
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr("scoring.anatomy.network.files", lambda _: tmp_path)
    with pytest.raises(FileNotFoundError, match=f"{kind}.onnx"):
        network.__wrapped__(kind)


def net_of(raw):
    """A net of two classes, two places and a landmark that answers with logits (5, cubes)."""
    net = object.__new__(Network)
    net._session = SimpleNamespace(run=lambda _names, _inputs: [np.array(raw, np.float32)[None, :, None, None]])
    net.classes, net.places, net.landmarks = ("fat", "blood"), ("none", "LAD"), ("apex",)
    net.step_mm, net.weights = 4.0, "abc"
    return net


ROW = Cubes(np.zeros((1, 1, 3), np.float32), (1, 1, 2), np.zeros(3), 4.0)


def test_from_logits_to_shares():
    """Odds of 1 to 3 and of 4 to 1 at any height; the third cube only fills up."""
    odds = [[0, 700 + np.log(4), 9], [np.log(3), 700, 0]]
    found = net_of([*odds, *odds[::-1], [np.log(2), 0, 9]]).find(ROW)
    assert found.likely("blood")[0, 0] == pytest.approx([0.75, 0.2], rel=1e-4)
    assert found.likely("fat", "blood")[0, 0] == pytest.approx([1, 1])
    assert found.mask("blood").tolist() == [[[True, False]]]
    assert found.mask("blood", "fat").all()
    assert found.place[:, 0, 0] == pytest.approx(np.array([[0.75, 0.2], [0.25, 0.8]]), rel=1e-4)
    # Two parts in the first cube, one in the second, one outside.
    assert found.spot[0, 0, 0] == pytest.approx([0.5, 0.25])
    with pytest.raises(ValueError, match="not in"):
        found.mask("bone")


def test_a_landmark_that_is_surely_inside():
    found = net_of([*[[0, 0, 0]] * 4, [500, 500 + np.log(3), 0]]).find(ROW)
    assert found.spot[0, 0, 0] == pytest.approx([0.25, 0.75], rel=1e-4)


def test_two_nets_are_averaged_and_their_difference_is_doubt():
    one = net_of([[0, 0, 0], [0, 0, 0], [0, np.log(3), 0], [0, 0, 0], [0, 0, 0]])
    other = net_of([[np.log(3), 0, 0], [0, 0, 0], [np.log(3), 0, 0], [0, np.log(3), 0], [np.log(2), -50, 0]])
    found = Ensemble((one, other)).find(ROW)
    assert found.share[:, 0, 0] == pytest.approx(np.array([[0.625, 0.5], [0.375, 0.5]]))
    assert found.place[:, 0, 0] == pytest.approx(np.array([[0.625, 0.5], [0.375, 0.5]]))
    assert found.doubt[0, 0] == pytest.approx([0.25, 0.5])
    assert found.spot[0, 0, 0] == pytest.approx([(1 / 3 + 2 / 3) / 2, 1 / 6], rel=1e-5)
    assert found.label.tolist() == [[[0, 0]]]
    assert Ensemble((one, other)).weights == ("abc", "abc")


def test_one_net_has_no_doubt():
    one = net_of([[0, 0, 0]] * 5)
    assert Ensemble((one,)).find(ROW).doubt.tolist() == [[[0, 0]]]


@pytest.mark.parametrize("kind", ["chest", "heart"])
def test_the_model_card_names_the_weights(kind):
    card = (resources.files("scoring.anatomy") / "weights" / "README.md").read_text()
    assert all(f"`{weights}`" in card for weights in network(kind).weights)

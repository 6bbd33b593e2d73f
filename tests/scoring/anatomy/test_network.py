"""The nets that are shipped: what they say they are, and that their answers are shares."""

from importlib import resources
from types import SimpleNamespace

import numpy as np
import pytest

from scoring.anatomy.heart import CHAMBERS
from scoring.anatomy.isotropic import Cubes
from scoring.anatomy.network import Network, network
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


def test_classes_and_fields_are_those_of_the_training(kind):
    net = network(kind)
    assert net.classes == classes.NAMES[kind]
    assert net.fields == (classes.FIELDS if kind == "heart" else ())
    assert (net.step_mm, net.reach_mm) == (classes.STEP_MM[kind], classes.REACH_MM)
    assert len(bytes.fromhex(net.weights)) == 32


def test_what_the_analysis_asks_for_by_name():
    vessels, bones = {"ascending", "descending", "pulmonary"}, {"spine", "rib"}
    assert vessels | bones | {"lung", "heart", "airway", "abdomen", "oesophagus"} <= set(network("chest").classes)
    assert {*CHAMBERS, "ascending"} <= set(network("heart").classes)
    marks = {"left_main_ostium", "left_main_bifurcation", "right_ostium", "aortic_valve"}
    assert {*ARTERIES, *marks} <= set(network("heart").fields)


def test_shares_of_what_the_image_covers(kind, found):
    net = network(kind)
    assert found.share.shape == (len(net.classes), 21, 27, 40)
    assert found.label.shape == (21, 27, 40)
    assert found.field.shape == (len(net.fields), 21, 27, 40)
    assert found.share.sum(axis=0) == pytest.approx(np.ones((21, 27, 40)), abs=1e-5)
    assert found.share.min() >= 0
    assert (found.label == found.share.argmax(axis=0)).all()


def test_the_same_image_has_the_same_answer(kind, image, found):
    again = network(kind).find(image)
    assert (again.share == found.share).all()
    assert (again.field == found.field).all()


def test_loaded_once(kind):
    assert network(kind) is network(kind)


def test_weights_that_are_missing(kind, monkeypatch, tmp_path):
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr("scoring.anatomy.network.files", lambda _: tmp_path)
    with pytest.raises(FileNotFoundError, match=f"{kind}.onnx"):
        network.__wrapped__(kind)


def test_from_logits_to_shares():
    """Two classes at odds of 1 to 3 and of 4 to 1, a field, and a cube that only fills up."""
    raw = np.zeros((1, 3, 1, 1, 3), np.float32)
    raw[0, :2, 0, 0, 0] = np.log([1, 3])
    raw[0, :2, 0, 0, 1] = 700 + np.log([4, 1])
    raw[0, 2, 0, 0] = [0.5, -0.25, 9]
    net = object.__new__(Network)
    net._session = SimpleNamespace(run=lambda _names, _inputs: [raw])
    net.classes, net.fields = ("fat", "blood"), ("LAD",)
    found = net.find(Cubes(np.zeros((1, 1, 3), np.float32), (1, 1, 2), np.zeros(3), 4.0))
    assert found.likely("blood")[0, 0] == pytest.approx([0.75, 0.2], rel=1e-4)
    assert found.likely("fat", "blood")[0, 0] == pytest.approx([1, 1])
    assert found.mask("blood").tolist() == [[[True, False]]]
    assert found.mask("blood", "fat").all()
    assert found.named("LAD").tolist() == [[[0.5, -0.25]]]
    with pytest.raises(ValueError, match="not in"):
        found.mask("bone")


@pytest.mark.parametrize("kind", ["chest", "heart"])
def test_the_model_card_names_the_weights(kind):
    card = (resources.files("scoring.anatomy") / "weights" / "README.md").read_text()
    assert f"| `{kind}` | `{network(kind).weights}` |" in card

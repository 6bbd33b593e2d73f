"""The exported model computes the same as the net with the same weights."""

import hashlib

import numpy as np
import pytest

from scoring.anatomy.isotropic import Cubes
from scoring.anatomy.network import Network
from training import classes

CHANNELS = (16, 32, 64, 128)
WINDOWS = ((-1000.0, 800.0, 0.0, 500.0), (-150.0, 200.0, 20.0, 80.0))
OUTPUTS = {"chest": 14, "heart": 8 + 7 + 6}

pytestmark = pytest.mark.train


def layers(kind):
    """Names and channels (inputs, outputs) of the convolutions, as in the net's documentation."""
    a, b, c, d = CHANNELS
    blocks = {"down0": (2, a), "down1.0": (a, b), "down1.1": (b, b), "down2.0": (b, c), "down2.1": (c, c)}
    blocks |= {"down3.0": (c, d), "down3.1": (d, d), "down3.2": (d, d), "up2": (c, c), "up1": (b, b), "up0": (a, a)}
    return blocks, {"narrow2": (d, c), "narrow1": (c, b), "narrow0": (b, a), "out": (a, OUTPUTS[kind])}


def weights(kind, rng):
    blocks, ones = layers(kind)
    weights = {}
    for name, (inputs, outputs) in blocks.items():
        weights[f"{name}.0.weight"] = rng.normal(0, 0.1, (outputs, inputs, 3, 3, 3))
        weights[f"{name}.1.weight"] = rng.uniform(0.5, 1.5, outputs)
        weights[f"{name}.1.bias"] = rng.normal(0, 0.2, outputs)
    for name, (inputs, outputs) in ones.items():
        weights[f"{name}.weight"] = rng.normal(0, 0.2, (outputs, inputs, 1, 1, 1))
        weights[f"{name}.bias"] = rng.normal(0, 0.2, outputs)
    return {name: value.astype(np.float32) for name, value in weights.items()}


@pytest.fixture
def export():
    pytest.importorskip("onnx")
    from training import export  # noqa: PLC0415 - needs the group `train`

    return export


def test_a_model_that_the_runtime_reads(export, kind, tmp_path):
    path = tmp_path / f"{kind}.onnx"
    given = weights(kind, np.random.default_rng(1))
    digest = export.write(kind, given, path, windows=WINDOWS, slope=0.1)
    net = Network(path.read_bytes())
    assert net.classes == classes.NAMES[kind]
    assert net.places == (classes.PLACES if kind == "heart" else ())
    assert net.landmarks == (classes.LANDMARKS if kind == "heart" else ())
    assert (net.step_mm, net.weights) == (classes.STEP_MM[kind], digest)
    hu = np.random.default_rng(2).normal(0, 300, (16, 24, 32)).astype(np.float32)
    output = net.find(Cubes(hu, (15, 20, 32), np.zeros(3), net.step_mm))
    assert output.share.shape == (len(net.classes), 15, 20, 32)
    assert output.share.sum(axis=0) == pytest.approx(np.ones((15, 20, 32)), abs=1e-5)
    assert output.place.shape == (len(net.places), 15, 20, 32)
    assert output.spot.shape == (len(net.landmarks), 15, 20, 32)


def test_without_weights_the_bias_decides(export, tmp_path):
    """With all other weights zero, the logits are the bias of the last layer."""
    given = {name: np.zeros_like(value) for name, value in weights("heart", np.random.default_rng(1)).items()}
    bias = np.zeros_like(given["out.bias"])
    bias[:2] = np.log([1, 3])
    count = len(classes.NAMES["heart"])
    bias[count + 4] = np.log(6)
    bias[-1] = np.log(2)
    given["out.bias"] = bias
    path = tmp_path / "heart.onnx"
    export.write("heart", given, path, windows=WINDOWS, slope=0.1)
    output = Network(path.read_bytes()).find(Cubes(np.zeros((8, 8, 8), np.float32), (8, 8, 8), np.zeros(3), 3.0))
    assert output.share[1] == pytest.approx(np.full((8, 8, 8), 3 / (4 + count - 2)), rel=2e-3)
    # Six against one each of the six other places; two in each cube against one outside.
    assert output.place[classes.PLACES.index("RCA")] == pytest.approx(np.full((8, 8, 8), 0.5), rel=2e-3)
    assert output.spot[-1] == pytest.approx(np.full((8, 8, 8), 2 / (2 * 8**3 + 1)), rel=2e-3)


def test_the_same_weights_are_the_same_bytes(export, tmp_path):
    given = weights("chest", np.random.default_rng(3))
    written = []
    for name in ("one", "two"):
        export.write("chest", given, tmp_path / name, windows=WINDOWS, slope=0.1)
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]


def test_the_hash_is_that_of_half_precision(export):
    given = {"b": np.array([1.0, 2.0], np.float32), "a": np.array([0.1], np.float32)}
    expected = hashlib.sha256(b"a" + np.array([0.1], "<f2").tobytes() + b"b" + np.array([1, 2], "<f2").tobytes())
    assert export.hash_weights(given) == expected.hexdigest()
    given["a"] = given["a"] + np.float32(1e-6)
    assert export.hash_weights(given) == expected.hexdigest()


def test_the_model_computes_what_the_net_computes(export, kind, tmp_path):
    torch = pytest.importorskip("torch")
    from training.model import CHANNELS as channels  # noqa: N811, PLC0415
    from training.model import SLOPE, Net, outputs_of  # noqa: PLC0415
    from training.model import WINDOWS as windows  # noqa: N811, PLC0415

    assert channels == CHANNELS
    torch.manual_seed(4)
    net = Net(outputs_of(kind)).eval()
    # Weights as they are shipped.
    half = {name: value.half().float() for name, value in net.state_dict().items()}
    net.load_state_dict(half)
    path = tmp_path / f"{kind}.onnx"
    export.write(kind, {name: v.numpy() for name, v in half.items()}, path, windows=windows, slope=SLOPE)
    hu = np.random.default_rng(5).normal(0, 300, (16, 24, 32)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(hu[None]))[0].numpy()
    output = Network(path.read_bytes())._session.run(None, {"hu": hu[None, None]})[0][0]
    assert output == pytest.approx(expected, abs=2e-3)

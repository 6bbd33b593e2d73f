"""Export of trained weights to the shipped ONNX model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from scoring.anatomy.network import Kind
from training import classes

_OPSET: Final = 17
_IR_VERSION: Final = 8
_GROUP: Final = 8
_EPSILON: Final = 1e-5

Weights = Mapping[str, NDArray[np.float32]]


class _Graph:
    """Nodes and constants of a graph; weights are stored in half precision and widened on loading."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, operator: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str, shape: tuple[int, ...] | None = None) -> str:
        value = self.weights[name].astype(np.float16)
        half = self.constant(f"{name}.half", value if shape is None else value.reshape(shape))
        return self.node("Cast", [half], name, to=TensorProto.FLOAT)

    def block(self, x: str, name: str, slope: float) -> str:
        """Add convolution, group normalisation and leaky rectifier."""
        y = self.node("Conv", [x, self.weight(f"{name}.0.weight")], f"{name}.conv", pads=[1] * 6)
        channels = len(self.weights[f"{name}.1.weight"])
        groups = max(1, channels // _GROUP)
        ones = self.constant(f"{name}.ones", np.ones(groups, np.float32))
        zeros = self.constant(f"{name}.zeros", np.zeros(groups, np.float32))
        grouped = self.constant(f"{name}.grouped", np.array([0, groups, -1], np.int64))
        y = self.node("Reshape", [y, grouped], f"{name}.in")
        y = self.node("InstanceNormalization", [y, ones, zeros], f"{name}.norm", epsilon=_EPSILON)
        y = self.node("Reshape", [y, self.node("Shape", [f"{name}.conv"], f"{name}.shape")], f"{name}.out")
        y = self.node("Mul", [y, self.weight(f"{name}.1.weight", (1, -1, 1, 1, 1))], f"{name}.scaled")
        y = self.node("Add", [y, self.weight(f"{name}.1.bias", (1, -1, 1, 1, 1))], f"{name}.moved")
        return self.node("LeakyRelu", [y], f"{name}.active", alpha=slope)

    def one(self, x: str, name: str) -> str:
        """Add a convolution of single voxels with a bias."""
        return self.node("Conv", [x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")], name)

    def coarser(self, x: str) -> str:
        return self.node("MaxPool", [x], f"{x}.half", kernel_shape=[2, 2, 2], strides=[2, 2, 2])

    def finer(self, x: str) -> str:
        scales = self.constant(f"{x}.scales", np.array([1, 1, 2, 2, 2], np.float32))
        return self.node(
            "Resize", [x, "", scales], f"{x}.double", mode="nearest",
            coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )  # fmt: skip


def write(kind: Kind, weights: Weights, path: Path, *, windows: tuple[tuple[float, ...], ...], slope: float) -> str:
    """Write the model of a net (`training.model.Net`) and return the hash of its weights.

    Its input `hu` is float32 (1, 1, z, y, x), sides multiples of 8; its output `found` holds the logits of classes,
    places and landmarks, (1, c, z, y, x). The metadata name them and the step.
    """
    g = _Graph(weights)
    inputs = []
    for number, (low, high, zero, size) in enumerate(windows):
        ends = [g.constant(f"{end}{number}", np.array(v, np.float32)) for end, v in (("low", low), ("high", high))]
        clipped = g.node("Clip", ["hu", *ends], f"clipped{number}")
        moved = g.node("Sub", [clipped, g.constant(f"zero{number}", np.array(zero, np.float32))], f"moved{number}")
        inputs.append(g.node("Div", [moved, g.constant(f"size{number}", np.array(size, np.float32))], f"input{number}"))
    x = g.node("Concat", inputs, "windows", axis=1)
    x0 = g.block(x, "down0", slope)
    x1 = g.block(g.block(g.coarser(x0), "down1.0", slope), "down1.1", slope)
    x2 = g.block(g.block(g.coarser(x1), "down2.0", slope), "down2.1", slope)
    x3 = g.coarser(x2)
    for number in range(3):
        x3 = g.block(x3, f"down3.{number}", slope)
    y = x3
    for level, skipped in ((2, x2), (1, x1), (0, x0)):
        joined = g.node("Add", [g.finer(g.one(y, f"narrow{level}")), skipped], f"join{level}")
        y = g.block(joined, f"up{level}", slope)
    result = g.one(y, "out")
    sides: list[int | str] = ["z", "y", "x"]
    graph = helper.make_graph(
        [*g.nodes, helper.make_node("Identity", [result], ["found"])],
        kind,
        [helper.make_tensor_value_info("hu", TensorProto.FLOAT, [1, 1, *sides])],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, [1, "c", *sides])],
        g.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="coronode")
    model.ir_version = _IR_VERSION
    digest = hash_weights(weights)
    is_heart = kind == "heart"
    facts = {
        "classes": ",".join(classes.NAMES[kind]),
        "places": ",".join(classes.PLACES if is_heart else ()),
        "landmarks": ",".join(classes.LANDMARKS if is_heart else ()),
        "step_mm": str(classes.STEP_MM[kind]),
        "weights": digest,
    }
    helper.set_model_props(model, facts)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return digest


def hash_weights(weights: Weights) -> str:
    """Return the SHA-256 of the weights as shipped, in half precision."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].astype("<f2").tobytes())
    return digest.hexdigest()

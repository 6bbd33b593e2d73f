"""The nets shipped with the package, and their output for an image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_inference_collection import InferenceSession
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, RuntimeException, SessionOptions

from scoring.anatomy.isotropic import Cubes

Kind = Literal["chest", "heart"]

_QUIET: Final = 3


@dataclass(frozen=True, slots=True)
class Found:
    """The output of a net for each cube of an image, without padding.

    `label` uint8 (z, y, x) is the most likely class, an index into `classes`; `share` float32 (classes, z, y, x) the
    probability of each, 0 to 1; `field` float32 (fields, z, y, x) holds the fields named by `fields`.
    """

    cubes: Cubes
    classes: tuple[str, ...]
    fields: tuple[str, ...]
    label: NDArray[np.uint8]
    share: NDArray[np.float32]
    field: NDArray[np.float32]

    def mask(self, *names: str) -> NDArray[np.bool_]:
        """Return where one of the named classes is the most likely one."""
        return np.isin(self.label, [self.classes.index(name) for name in names])

    def likely(self, *names: str) -> NDArray[np.float32]:
        """Return the joint probability of the named classes."""
        return np.asarray(self.share[[self.classes.index(name) for name in names]].sum(axis=0))

    def named(self, name: str) -> NDArray[np.float32]:
        """Return one field by its name."""
        return np.asarray(self.field[self.fields.index(name)])


class Network:
    """One net: its classes, its fields, the size of its cubes in mm, and the SHA-256 of its weights."""

    def __init__(self, model: bytes) -> None:
        """Load an ONNX model; it runs on one thread, so that equal processors give equal sums."""
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        self._session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
        facts = self._session.get_modelmeta().custom_metadata_map
        self.classes = tuple(facts["classes"].split(","))
        self.fields = tuple(name for name in facts["fields"].split(",") if name)
        self.step_mm = float(facts["step_mm"])
        self.reach_mm = float(facts["reach_mm"])
        self.weights = facts["weights"]

    def find(self, image: Cubes) -> Found:
        """Compute classes and fields of an image. Raises MemoryError."""
        try:
            raw = np.asarray(self._session.run(None, {"hu": image.hu[None, None]})[0])[0]
        except (Fail, RuntimeException) as error:
            # the runtime has no class for it
            if "alloc" in str(error):
                raise MemoryError(str(error)) from error
            raise
        depth, height, width = image.size
        logits = raw[: len(self.classes), :depth, :height, :width]
        share = np.exp(logits - logits.max(axis=0))
        share /= share.sum(axis=0)
        field = raw[len(self.classes) :, :depth, :height, :width]
        label = logits.argmax(axis=0).astype(np.uint8)
        return Found(image, self.classes, self.fields, label, np.asarray(share), np.ascontiguousarray(field))


@lru_cache(maxsize=2)
def network(kind: Kind) -> Network:
    """Return the net of a kind, loaded once per process."""
    return Network((files("scoring.anatomy") / "weights" / f"{kind}.onnx").read_bytes())

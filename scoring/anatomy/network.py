"""The nets shipped with the package, and their output for an image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import combinations
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_inference_collection import InferenceSession
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, RuntimeException, SessionOptions

from scoring.anatomy.isotropic import Cubes

Kind = Literal["chest", "heart"]
KINDS: Final[tuple[Kind, ...]] = ("chest", "heart")

_QUIET: Final = 3


@dataclass(frozen=True, slots=True)
class Found:
    """The output of a net for each cube of an image, without padding; all arrays are float32 (..., z, y, x).

    `label` uint8 is the most likely class, an index into `classes`, and `share` (classes, ...) the probability of each.
    `place` (places, ...) holds the probabilities of what a calcification there would belong to. `spot`
    (landmarks, ...) is the probability that a landmark lies in a cube; what its sum lacks to 1 is the probability that
    it lies outside the image. `doubt` is how far several nets differ about the place, 0 to 1.
    """

    cubes: Cubes
    classes: tuple[str, ...]
    places: tuple[str, ...]
    landmarks: tuple[str, ...]
    label: NDArray[np.uint8]
    share: NDArray[np.float32]
    place: NDArray[np.float32]
    spot: NDArray[np.float32]
    doubt: NDArray[np.float32]

    def mask(self, *names: str) -> NDArray[np.bool_]:
        """Return where one of the named classes is the most likely one."""
        return np.isin(self.label, [self.classes.index(name) for name in names])

    def likely(self, *names: str) -> NDArray[np.float32]:
        """Return the joint probability of the named classes."""
        return np.asarray(self.share[[self.classes.index(name) for name in names]].sum(axis=0))


class Network:
    """One net: its classes, places and landmarks, the size of its cubes in mm, and the SHA-256 of its weights."""

    def __init__(self, model: bytes) -> None:
        """Load an ONNX model; it runs on one thread, so that equal processors give equal sums."""
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        self._session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
        facts = self._session.get_modelmeta().custom_metadata_map
        self.classes, self.places, self.landmarks = (_names(facts[key]) for key in ("classes", "places", "landmarks"))
        self.step_mm = float(facts["step_mm"])
        self.weights = facts["weights"]

    def find(self, image: Cubes) -> Found:
        """Compute the probabilities of classes, places and landmarks in an image. Raises MemoryError."""
        try:
            raw = np.asarray(self._session.run(None, {"hu": image.hu[None, None]})[0])[0]
        except (Fail, RuntimeException) as error:
            # the runtime has no class for it
            if "alloc" in str(error):
                raise MemoryError(str(error)) from error
            raise
        depth, height, width = image.size
        raw = raw[:, :depth, :height, :width]
        first, last = len(self.classes), len(self.classes) + len(self.places)
        share = _softmax(raw[:first])
        place = _softmax(raw[first:last]) if self.places else raw[first:last]
        spot = np.array([_softmax(logits.ravel(), absent=True).reshape(logits.shape) for logits in raw[last:]])
        return Found(
            cubes=image,
            classes=self.classes,
            places=self.places,
            landmarks=self.landmarks,
            label=share.argmax(axis=0).astype(np.uint8),
            share=share,
            place=place,
            spot=spot.reshape(-1, *share.shape[1:]).astype(np.float32),
            doubt=np.zeros(share.shape[1:], np.float32),
        )


class Ensemble:
    """Nets of the same kind, trained from different seeds: their answer is their mean."""

    def __init__(self, nets: tuple[Network, ...]) -> None:
        """Hold nets with equal classes, places, landmarks and cubes."""
        self.nets = nets
        first = nets[0]
        self.classes, self.places, self.landmarks = first.classes, first.places, first.landmarks
        self.step_mm = first.step_mm
        self.weights = tuple(net.weights for net in nets)

    def find(self, image: Cubes) -> Found:
        """Average the nets' probabilities; `doubt` is half the L1 distance between two nets, on average over pairs.

        Raises MemoryError.
        """
        every = [net.find(image) for net in self.nets]
        if len(every) == 1:
            return every[0]
        share = np.mean([found.share for found in every], axis=0)
        apart = [np.abs(a.place - b.place).sum(axis=0) / 2 for a, b in combinations(every, 2)]
        return Found(
            cubes=image,
            classes=self.classes,
            places=self.places,
            landmarks=self.landmarks,
            label=share.argmax(axis=0).astype(np.uint8),
            share=share,
            place=np.mean([found.place for found in every], axis=0),
            spot=np.mean([found.spot for found in every], axis=0),
            doubt=np.mean(apart, axis=0),
        )


@lru_cache(maxsize=2)
def network(kind: Kind) -> Ensemble:
    """Return the nets of a kind (`KIND.onnx`, or `KIND-1.onnx` and so on), loaded once per process."""
    folder = files("scoring.anatomy") / "weights"
    found = [file for file in folder.iterdir() if file.name.endswith(".onnx") and file.name.startswith(kind)]
    if not found:
        raise FileNotFoundError(f"no {kind}.onnx in {folder}")
    return Ensemble(tuple(Network(file.read_bytes()) for file in sorted(found, key=lambda file: file.name)))


def identify_nets() -> str:
    """Name the nets that locate the anatomy, each by the first twelve digits of its digest (as in `Provenance`)."""
    return ", ".join(f"{kind} {weights[:12]}" for kind in KINDS for weights in network(kind).weights)


def _names(joined: str) -> tuple[str, ...]:
    return tuple(name for name in joined.split(",") if name)


def _softmax(logits: NDArray[np.float32], *, absent: bool = False) -> NDArray[np.float32]:
    """Return the probabilities along the first axis, of all or of all and of something absent whose logit is 0."""
    top = np.maximum(logits.max(axis=0), 0) if absent else logits.max(axis=0)
    odds = np.exp(logits - top)
    whole = odds.sum(axis=0) + (np.exp(-top) if absent else 0)
    return np.asarray(odds / whole, np.float32)

"""The calcium of a phantom patient alone, as a scan shows it: scored by itself, it needs neither anatomy nor nets."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring.candidates import agatston, conventions
from scoring.candidates.agatston import Candidate
from scoring.images.volume import Volume
from scoring.phantom import calcium
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.scan import Scan
from scoring.phantom.spec import PhantomSpec
from scoring.phantom.thorax import Thorax

LEAST_HU: Final = 1.0
"""What calcium must add to a voxel for it to hold calcium, as in the truth of a phantom."""


@dataclass(frozen=True)
class Patient:
    """A body with its calcium, placed once."""

    spec: PhantomSpec
    thorax: Thorax
    deposits: tuple[calcium.Deposit, ...]

    @classmethod
    def of(cls, spec: PhantomSpec) -> Patient:
        """Return the patient of a spec."""
        thorax = Thorax.draw(spec.seed, spec.variation)
        tree = CoronaryTree.grow(thorax)
        strength = calcium.contrast(spec.kvp)
        placed = (
            calcium.place_calcification(thorax, tree, lesion, spec.seed, number)
            for number, lesion in enumerate(spec.lesions)
        )
        return cls(spec, thorax, tuple(dataclasses.replace(one, hu=one.hu * strength) for one in placed))

    def render(self, scan: Scan) -> tuple[tuple[slice, ...], NDArray[np.float32]] | None:
        """Return the box of a scan that holds the calcium, and the HU that it adds there; None without any."""
        parts = [part for one in self.deposits if (part := calcium.render_deposit(one, scan)) is not None]
        if not parts:
            return None
        low = [min(box[axis].start for box, _ in parts) for axis in range(3)]
        high = [max(box[axis].stop for box, _ in parts) for axis in range(3)]
        added = np.zeros([stop - start for start, stop in zip(low, high, strict=True)], dtype=np.float32)
        for box, hu in parts:
            added[tuple(slice(side.start - a, side.stop - a) for side, a in zip(box, low, strict=True))] += hu
        return tuple(slice(start, stop) for start, stop in zip(low, high, strict=True)), added


def find_calcium(
    hu: NDArray[Any], added: NDArray[np.float32], spacing_mm: tuple[float, float, float]
) -> list[Candidate]:
    """Return the candidates among the voxels that hold calcium: what counting by mask counts."""
    return agatston.candidates(as_volume(hu, spacing_mm), conventions.named("standard"), added > LEAST_HU)


def as_volume(hu: NDArray[Any], spacing_mm: tuple[float, float, float]) -> Volume:
    """Return an array of HU as a volume."""
    return Volume(hu.astype(np.int16), spacing_mm, (0.0, 0.0, 0.0), np.eye(3)[:, ::-1].copy(), ())

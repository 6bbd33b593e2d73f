"""How the beating heart blurs and doubles what lies on it when the scan is not gated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from scoring.phantom.grid import Floats
from scoring.phantom.shapes import stream

_KNOT_MM: Final = 4.0
_FIRST_MM: Final = -400.0
_KNOTS: Final = 200
_ASIDE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Motion:
    """A motion of up to `reach_mm` in the plane of a slice, another for other table positions; `seed` draws it.

    A slice shows the mean of two to four copies along a straight way, which differs from slice to slice as the phase
    of the heart does, a little beside the place at rest. It moves calcium and neither makes nor loses any.
    """

    reach_mm: float = 0.0
    seed: int = 0

    def shifts(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Displacements (slices, copies, 2) in mm, x and y, at table positions."""
        rng = stream(self.seed, "motion")
        copies = int(rng.integers(2, 5))
        angle = rng.uniform(0, 2 * np.pi, _KNOTS)
        knots = np.stack(
            [np.cos(angle), np.sin(angle), *rng.uniform(-_ASIDE, _ASIDE, (2, _KNOTS))], axis=1
        ) * rng.uniform(0.6, 1.0, (_KNOTS, 1))
        at = _FIRST_MM + _KNOT_MM * np.arange(_KNOTS)
        way = np.stack([np.interp(z, at, knots[:, k]) for k in range(4)], axis=1) * self.reach_mm
        spread = np.linspace(-0.5, 0.5, copies)
        return np.asarray(spread[None, :, None] * way[:, None, :2] + way[:, None, 2:], dtype=np.float64)

    def blurred(self, slices: Floats, z: NDArray[np.float64], share: float, pixel_mm: float) -> Floats:
        """Slices (n, y, x) at table positions z as a part of the heart shows that moves a share of the whole way.

        The slices need a margin of `reach_mm` times the share in which there is nothing.
        """
        shifts = self.shifts(z) * (share / pixel_mm)
        moved = np.empty_like(slices)
        for k, image in enumerate(slices):
            parts = [ndi.shift(image, (dy, dx), order=1, mode="constant") for dx, dy in shifts[k]]
            moved[k] = np.mean(parts, axis=0)
        return moved


STILL: Final = Motion()
"""As at rest."""

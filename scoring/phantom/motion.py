"""Cardiac motion: blurring and doubling in scans without ECG gating."""

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
    """An in-plane motion of up to `reach_mm` that varies with the table position; `seed` draws it.

    A slice shows the mean of two to four copies along a straight path, slightly off the position at rest. The path
    differs from slice to slice, as the cardiac phase does. Motion displaces calcium, but neither adds nor removes any.
    """

    reach_mm: float = 0.0
    seed: int = 0

    def shifts(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return displacements (slices, copies, 2) in mm, x and y, at table positions."""
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
        """Return slices (n, y, x) at table positions z, blurred by the given share of the whole motion.

        The slices need an empty margin of `reach_mm` times the share.
        """
        shifts = self.shifts(z) * (share / pixel_mm)
        moved = np.empty_like(slices)
        for k, image in enumerate(slices):
            parts = [ndi.shift(image, (dy, dx), order=1, mode="constant") for dx, dy in shifts[k]]
            moved[k] = np.mean(parts, axis=0)
        return moved


STILL: Final = Motion()
"""No motion."""

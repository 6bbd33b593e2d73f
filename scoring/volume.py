"""A CT volume in Hounsfield units with its geometry in patient coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.result import ImageRef


@dataclass(frozen=True, slots=True)
class Volume:
    """Slices of one series as one array in a fixed orientation, whatever way they were stored.

    `hu` has the axes (z, y, x): z towards the head, y towards the back, x towards the patient's left
    (LPS, PS3.3 C.7.6.2.1.1), shape (slices, rows, columns), int16 HU. `spacing_mm` is (z, y, x).
    `origin_mm` is the (x, y, z) position of the centre of voxel [0, 0, 0]; column k of `axes` is the unit
    vector (x, y, z) along array axis k. Oblique (tilted) series keep their true axes. `images[i]` names the
    source of slice i.
    """

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    axes: NDArray[np.float64]
    images: tuple[ImageRef, ...]

    def to_patient(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Patient coordinates (x, y, z) in mm of array indices (..., 3) given as (z, y, x)."""
        scaled = np.asarray(index, dtype=np.float64) * np.asarray(self.spacing_mm)
        return np.asarray(self.origin_mm) + scaled @ self.axes.T

"""What a candidate looks like: how thick it is, and the tissue around it at full resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.blood import Blood, spread
from scoring.candidates.agatston import Candidate
from scoring.images.volume import Volume
from scoring.judgement.surroundings import Surroundings

UNKNOWN_HU: Final = 40.0
FAR_MM: Final = 50.0


@dataclass(frozen=True, slots=True)
class Look:
    """One candidate and the tissue around it, in the slightly smoothed image.

    `darkest_hu` (5th percentile) and `median_hu` of the tissue 2-6.5 mm away, the share of `lung` there and, as
    `touching_lung`, 1-3.5 mm away, and the noise in HU estimated from the fine structure around. `thick_mm` is the
    diameter of the largest circle inside the candidate in a slice, `off_lung_mm` how far its voxels lie from the lung
    in their slice, in the median; 50 mm where none is near.
    """

    darkest_hu: float
    median_hu: float
    lung: float
    touching_lung: float
    noise_hu: float
    thick_mm: float
    off_lung_mm: float


def look_at(volume: Volume, blood: Blood, candidate: Candidate) -> Look:
    """Measure a candidate and the shells around it at full resolution."""
    spacing = np.asarray(volume.spacing_mm)
    around = Surroundings.of(volume, candidate.voxels)
    ring, near, tissue = around.ring, around.near, around.tissue
    fine = (around.hu[tissue] - around.smooth[tissue]) if tissue.any() else np.zeros(1, np.float32)
    return Look(
        darkest_hu=around.darkest_hu(UNKNOWN_HU),
        median_hu=around.median_hu(UNKNOWN_HU),
        lung=float(np.mean(around.lung[ring])) if ring.any() else 0.0,
        touching_lung=float(np.mean(around.lung[near])) if near.any() else 0.0,
        noise_hu=spread(fine) * blood.noise_per_fine,
        thick_mm=_measure_thickness(~around.inside, spacing),
        off_lung_mm=_measure_distance(around.inside, around.lung, spacing),
    )


def _measure_distance(candidate: NDArray[np.bool_], lung: NDArray[np.bool_], spacing: NDArray[np.float64]) -> float:
    """The median distance in mm of a candidate's voxels from lung in their slice; both are (z, y, x)."""
    away = [
        ndimage.distance_transform_edt(~air, sampling=spacing[1:])[here] if air.any() else np.full(here.sum(), FAR_MM)
        for here, air in zip(candidate, lung, strict=True)
    ]
    return float(np.median(np.concatenate(away)))


def _measure_thickness(other: NDArray[np.bool_], spacing: NDArray[np.float64]) -> float:
    """The diameter in mm of the largest circle that some slice of a candidate holds; `other` (z, y, x) is not it."""
    deepest = max(
        float(ndimage.distance_transform_edt(~plane, sampling=spacing[1:]).max()) for plane in other if not plane.all()
    )
    # From the centre of a voxel to the centre of the first one outside: half a voxel too far on either side.
    return 2 * deepest - float(spacing[1:].mean())

"""Metal: where it hides the arteries no score is possible; elsewhere it spoils what lies beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.errors import NotScorable
from scoring.anatomy.frame import Anatomy
from scoring.candidates.agatston import Candidate
from scoring.images.volume import Volume
from scoring.result import ARTERIES, COUNTED

METAL_HU, METAL_MM2 = 2000.0, 1.0
SPILL_MM, SPILL_RADII = 3.0, 2.0
"""How far metal shines over calcium's threshold: the blur, and one diameter of streaks."""
OFF_BONE_MM, HEART_MM = 4.0, 6.5
_AROUND: Final = np.vstack([np.zeros(3), np.eye(3), -np.eye(3)])


@dataclass(frozen=True, slots=True)
class Metal:
    """Pieces of metal, one a slice: centres `place_mm` (n, 3) (z, y, x), peaks, and `reach_mm` (n,) of the damage."""

    place_mm: NDArray[np.float64]
    reach_mm: NDArray[np.float64]
    max_hu: NDArray[np.float64]

    def spoils(self, points_mm: NDArray[np.float64]) -> float:
        """How many mm the nearest of points (n, 3) lies within the reach of metal; negative outside it."""
        if not len(self.place_mm):
            return -np.inf
        away = np.linalg.norm(points_mm[:, None] - self.place_mm[None], axis=2)
        return float((self.reach_mm - away).max())


def find_metal(volume: Volume, candidates: Sequence[Candidate]) -> Metal:
    """Every group of at least 1 mm2 with 2,000 HU and more in a slice of a candidate."""
    spacing = np.asarray(volume.spacing_mm)
    places, reaches, peaks = [], [], []
    for candidate in candidates:
        if candidate.max_hu < METAL_HU:
            continue
        metal = candidate.voxels[volume.hu[tuple(candidate.voxels.T)] >= METAL_HU]
        for z in np.unique(metal[:, 0]):
            voxels = metal[metal[:, 0] == z]
            area_mm2 = len(voxels) * float(spacing[1] * spacing[2])
            if area_mm2 >= METAL_MM2:
                places.append(voxels.mean(axis=0) * spacing)
                reaches.append(SPILL_MM + SPILL_RADII * np.sqrt(area_mm2 / np.pi))
                peaks.append(candidate.max_hu)
    return Metal(np.reshape(places, (-1, 3)).astype(np.float64), np.array(reaches), np.array(peaks))


def refuse_metal(anatomy: Anatomy, metal: Metal) -> None:
    """Refuse (metal) where an artery more likely than not runs within the reach of metal, and bone does not."""
    if not len(metal.place_mm):
        return
    points = (metal.place_mm[:, None] + metal.reach_mm[:, None, None] * _AROUND).reshape(-1, 3)
    heart, chest = anatomy.heart, anatomy.chest
    likely = heart.likelihood(points)[[heart.places.index(name) for name in ARTERIES]].sum(axis=0)
    at_artery = likely.reshape(len(metal.place_mm), -1).max(axis=1) >= COUNTED
    in_chest = (chest.bone.at(metal.place_mm) >= OFF_BONE_MM) & (chest.body.at(metal.place_mm) <= HEART_MM)
    hidden = at_artery & in_chest
    if hidden.any():
        raise NotScorable("metal", max_hu=float(metal.max_hu[hidden].max()))

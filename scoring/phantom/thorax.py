"""The measures of one thorax, drawn from a seed.

The thorax frame has its axes along the patient's (x to the left, y to the back, z to the head, mm). Its origin
lies in the midline at the height of the left main's origin; `Thorax.isocentre_mm` places it in the patient
coordinates of the scanner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.phantom.grid import Point
from scoring.phantom.shapes import Curve, stream


@dataclass(frozen=True, slots=True)
class Thorax:
    """Lengths in mm, positions (x, y, z) in the thorax frame."""

    seed: int
    isocentre_mm: Point
    half_width: float
    front: float
    back: float
    fat: float
    muscle: float
    rib_phase: float
    vertebra_phase: float
    ascending_radius: float
    descending_radius: float
    carina_z: float
    heart_scale: float
    epicardial_fat: float
    right_dome_z: float
    left_dome_z: float

    @classmethod
    def draw(cls, seed: int) -> Self:
        """The thorax of a seed: an adult whose measures vary a little around the usual ones."""
        rng = stream(seed, "thorax")
        scale = rng.uniform(0.97, 1.04)
        return cls(
            seed=seed,
            isocentre_mm=(
                float(np.round(rng.uniform(-8, 8), 1)),
                float(np.round(rng.uniform(-180, -150), 1)),
                float(np.round(rng.uniform(-190, -110), 1)),
            ),
            half_width=134 * scale * rng.uniform(0.98, 1.02),
            front=67 * scale,
            back=97.0,
            fat=rng.uniform(7, 15),
            muscle=rng.uniform(11, 14),
            rib_phase=rng.uniform(0, 1),
            vertebra_phase=rng.uniform(0, 1),
            ascending_radius=rng.uniform(15.5, 18.5),
            descending_radius=rng.uniform(11.2, 13.2),
            carina_z=rng.uniform(44, 54),
            heart_scale=scale,
            epicardial_fat=rng.uniform(2.5, 5.0),
            right_dome_z=rng.uniform(-60, -48),
            left_dome_z=rng.uniform(-74, -62),
        )

    def heart_point(self, point: ArrayLike) -> NDArray[np.float64]:
        """A point of the average heart in this heart: scaled about the aortic root."""
        root = np.array([-8.0, -20.0, 0.0])
        return np.asarray(root + self.heart_scale * (np.asarray(point, dtype=np.float64) - root))

    @property
    def spine(self) -> Curve:
        """Centres of the vertebral bodies, with the canal's radius."""
        return Curve.through([(0, 59, 100), (0, 63, 30), (0, 63, -50), (0, 59, -160)], 8.5)

    @property
    def ascending(self) -> Curve:
        """The ascending aorta from the valve's plane upwards; the root is a little wider."""
        r = self.ascending_radius
        left = 17.5 - r
        return Curve.through(
            [(-4 + left, -16, -14), (-6, -18, -6), (-8, -20, 0), (-9, -20.5, 20), (-9, -20, 45), (-4, -12, 70)],
            [0.93 * r, 1.05 * r, 1.03 * r, r, r, 0.97 * r],
        )

    @property
    def descending(self) -> Curve:
        """The descending aorta, left in front of the spine, drifting to the midline below."""
        r = self.descending_radius
        return Curve.through(
            [(29, 47, 70), (31, 53, 40), (32, 55, 0), (30, 53, -50), (25, 47, -95), (14, 40, -160)],
            [r * 1.05, r * 1.02, r, r, 0.97 * r, 0.94 * r],
        )

    @property
    def valve(self) -> NDArray[np.float64]:
        """Centre of the aortic valve."""
        return np.array([*self.ascending.at_height(-13.0), -13.0])

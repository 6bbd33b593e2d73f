"""The measures of one thorax, drawn from a seed.

The thorax frame has its axes along the patient's (x to the left, y to the back, z to the head, mm). Its origin
lies in the midline at the height of the left main's origin; `Thorax.isocentre_mm` places it in the patient
coordinates of the scanner.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.phantom.grid import Point
from scoring.phantom.pose import STRAIGHT, Pose
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
    pose: Pose = STRAIGHT
    heart_shift: tuple[float, float] = (0.0, 0.0)
    heart_tilt: float = 0.0
    vessel_scale: float = 1.0

    @classmethod
    def draw(cls, seed: int, variation: float = 0.0) -> Self:
        """The thorax of a seed: an adult whose measures vary a little around the usual ones.

        `variation` up to 1 takes them further: size, pose, heart, vessels, fat and diaphragm.
        """
        rng = stream(seed, "thorax")
        scale = rng.uniform(0.97, 1.04)
        thorax = cls(
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
        return thorax if variation == 0 else thorax.varied(variation)

    def varied(self, variation: float) -> Self:
        """The same thorax with stronger differences from the usual; `variation` up to 1."""
        rng = stream(self.seed, "variation")

        def about(low: float, high: float, usual: float = 1.0) -> float:
            return usual + variation * (rng.uniform(low, high) - usual)

        size = about(0.9, 1.1)
        # The heart follows the body's size in part; a large one reaches further into the left chest.
        heart = about(0.94, 1.12) * np.sqrt(size)
        fat = about(0.3, 1.0, 0.0) ** 3
        height = about(-14, 12, 0.0)
        return dataclasses.replace(
            self,
            half_width=self.half_width * size * about(0.96, 1.06),
            front=self.front * size * about(0.94, 1.1),
            fat=self.fat + 38 * fat,
            muscle=self.muscle * about(0.75, 1.2),
            ascending_radius=self.ascending_radius * about(0.86, 1.18),
            descending_radius=self.descending_radius * about(0.86, 1.25),
            carina_z=self.carina_z + about(-5, 6, 0.0),
            heart_scale=float(self.heart_scale * heart),
            epicardial_fat=self.epicardial_fat * about(0.4, 1.4) + 5 * fat,
            right_dome_z=self.right_dome_z + height,
            left_dome_z=self.left_dome_z + height + about(-5, 5, 0.0),
            pose=Pose(float(np.deg2rad(about(-10, 10, 0.0))), (about(-10, 10, 0.0), about(-10, 10, 0.0))),
            heart_shift=(about(-5, 5, 0.0), about(-4, 4, 0.0)),
            heart_tilt=float(np.deg2rad(about(-9, 9, 0.0))),
            vessel_scale=about(0.88, 1.2),
        )

    def heart_point(self, point: ArrayLike) -> NDArray[np.float64]:
        """A point of the average heart in this heart: scaled and tilted about the aortic root, and moved with it."""
        root = np.array([-8.0, -20.0, 0.0])
        moved = np.asarray(root + self.heart_scale * (np.asarray(point, dtype=np.float64) - root))
        if self.heart_tilt == 0:
            return np.asarray(moved + np.array([*self.heart_shift, 0.0]))
        return np.asarray(root + self.heart_frame @ (moved - root) + np.array([*self.heart_shift, 0.0]))

    @property
    def heart_frame(self) -> NDArray[np.float64]:
        """The heart's turn in the frontal plane: positive lifts the apex."""
        c, s = np.cos(self.heart_tilt), np.sin(self.heart_tilt)
        return np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])

    @property
    def spine(self) -> Curve:
        """Centres of the vertebral bodies, with the canal's radius."""
        return Curve.through([(0, 59, 100), (0, 63, 30), (0, 63, -50), (0, 59, -160)], 8.5)

    @property
    def ascending(self) -> Curve:
        """The ascending aorta from the valve's plane upwards; the root is a little wider."""
        r = self.ascending_radius
        left = 17.5 - r
        knots = [(-4 + left, -16, -14), (-6, -18, -6), (-8, -20, 0), (-9, -20.5, 20), (-9, -20, 45), (-4, -12, 70)]
        return Curve.through(
            np.array(knots) + np.array([*self.heart_shift, 0.0]),
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

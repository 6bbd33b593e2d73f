"""The dimensions of one thorax, drawn from a seed.

The thorax frame has its axes along the patient's (x to the left, y to the back, z to the head, mm). Its origin
is in the midline at the height of the left main ostium; `Thorax.isocentre_mm` places it in the patient
coordinates of the scanner.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.phantom import spine
from scoring.phantom.grid import Point
from scoring.phantom.habitus import ORDINARY, Habitus
from scoring.phantom.pose import STRAIGHT, Pose
from scoring.phantom.root import ORDINARY_LEAN, TOP_Z, VALVE, Lean, Root
from scoring.phantom.shapes import Curve, stream
from scoring.phantom.tortuosity import STRAIGHT_AORTA, Tortuosity

_PIVOT: Final = (8.0, -13.0, -14.0)
"""The heart is scaled and turned about this point of the aortic root."""


@dataclass(frozen=True, slots=True)
class Thorax:
    """Dimensions of a thorax: lengths in mm, positions (x, y, z) in the thorax frame."""

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
    habitus: Habitus = ORDINARY
    pose: Pose = STRAIGHT
    heart_shift: tuple[float, float] = (0.0, 0.0)
    heart_turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    chamber_scale: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    vessel_scale: float = 1.0
    has_branches: bool = False
    course_variation: float = 0.0
    lean: Lean = ORDINARY_LEAN
    lower_mm: float = 0.0
    aorta: Tortuosity = STRAIGHT_AORTA

    @classmethod
    def draw(cls, seed: int, variation: float = 0.0) -> Self:
        """Draw the thorax of a seed: an adult whose dimensions vary slightly around the average.

        `variation` up to 1 widens the range: size, pose, heart, vessels, fat and diaphragm.
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
        """Return the same thorax with greater departures from the average; `variation` up to 1."""
        rng = stream(self.seed, "variation")

        def about(low: float, high: float, usual: float = 1.0) -> float:
            return usual + variation * (rng.uniform(low, high) - usual)

        size = about(0.86, 1.12)
        # The heart partly follows body size; a large one reaches further into the left chest.
        heart = about(0.94, 1.12) * np.sqrt(size)
        fat = about(0.3, 1.0, 0.0) ** 3
        habitus = Habitus.draw(self.seed, variation)
        # A woman's heart and vessels are smaller.
        sex = 1 + variation * (-0.045 if habitus.breast else 0.03)
        height = about(-14, 12, 0.0)
        # A high diaphragm lifts the apex.
        lift = float(np.clip(variation * rng.normal(0, 10.5) + 0.35 * height, -30, 30))
        pitch = float(np.clip(variation * rng.normal(0, 10), -22, 22))
        return dataclasses.replace(
            self,
            half_width=self.half_width * size * about(0.96, 1.06),
            front=self.front * size * about(0.86, 1.1),
            back=self.back + habitus.deepening,
            fat=(self.fat + 38 * fat) * (1 - habitus.leanness),
            habitus=habitus,
            muscle=self.muscle * about(0.75, 1.2),
            ascending_radius=self.ascending_radius * sex * about(0.8, 1.2),
            descending_radius=self.descending_radius * about(0.86, 1.25),
            carina_z=self.carina_z + about(-5, 6, 0.0),
            heart_scale=float(self.heart_scale * sex * heart),
            epicardial_fat=self.epicardial_fat * about(0.4, 1.4) + 5 * fat,
            right_dome_z=self.right_dome_z + height,
            left_dome_z=self.left_dome_z + height + about(-5, 5, 0.0),
            pose=Pose(float(np.deg2rad(about(-10, 10, 0.0))), (about(-10, 10, 0.0), about(-10, 10, 0.0))),
            heart_shift=(about(-7, 7, 0.0), about(-4, 8, 0.0)),
            heart_turn=(
                float(np.deg2rad(pitch)),
                float(np.deg2rad(lift)),
                float(np.deg2rad(about(-10, 10, 0.0))),
            ),
            chamber_scale=(about(0.85, 1.2), about(0.83, 1.2), about(0.85, 1.17), about(0.89, 1.12)),
            vessel_scale=about(0.88, 1.2),
            has_branches=True,
            course_variation=variation * rng.uniform(0, 1),
            lean=Lean.draw(self.seed, variation),
            aorta=Tortuosity.draw(self.seed, variation),
            lower_mm=about(-11, 17, 0.0),
        )

    def heart_point(self, point: ArrayLike) -> NDArray[np.float64]:
        """Map a point of the average heart to this one: scaled and tilted about the aortic root, then shifted."""
        root = np.array(_PIVOT)
        moved = np.asarray(root + self.heart_scale * (np.asarray(point, dtype=np.float64) - root))
        if self.is_upright:
            return np.asarray(moved + np.array([*self.heart_shift, 0.0]))
        return np.asarray(root + self.heart_frame @ (moved - root) + np.array([*self.heart_shift, 0.0]))

    @property
    def is_upright(self) -> bool:
        """Whether the heart is oriented as in the average chest."""
        return self.heart_turn == (0.0, 0.0, 0.0)

    @property
    def heart_frame(self) -> NDArray[np.float64]:
        """Rotation of the heart from the average chest to this one: about x, then y (lifts the apex), then z."""
        (cx, cy, cz), (sx, sy, sz) = np.cos(self.heart_turn), np.sin(self.heart_turn)
        about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]])
        about_y = np.array([[cy, 0.0, -sy], [0.0, 1.0, 0.0], [sy, 0.0, cy]])
        about_z = np.array([[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]])
        return np.asarray(about_z @ about_y @ about_x)

    @property
    def spine(self) -> Curve:
        """Centres of the vertebral bodies, with the radius of the canal."""
        return spine.course(self.habitus)

    @property
    def ascending(self) -> Curve:
        """The ascending aorta from the valve upwards: the root leans, what follows rises."""
        r = self.ascending_radius
        foot = [self.valve + along * self.lean.axis for along in (-4.0, 0.0, 7.0, 13.0, 20.0)]
        above = np.array([(-7.5, -20.5, 18), (-9, -20.5, 30), (-9, -20, 46), (-4, -12, 70)])
        shifted = above + np.array([*self.heart_shift, 0.0])
        return Curve.through(
            np.vstack([foot, shifted]),
            [0.7 * r, 0.73 * r, 1.1 * r, 1.18 * r, 1.0 * r, 0.97 * r, r, r, 0.97 * r],
        )

    @property
    def root(self) -> Root:
        """The part of the ascending aorta that leans."""
        whole = self.ascending
        low = whole.points[:, 2] < TOP_Z + 4
        return Root(self.valve, self.lean.axis, Curve(whole.points[low], whole.radii[low]))

    @property
    def descending(self) -> Curve:
        """The descending aorta, left of and in front of the spine, approaching the midline further down."""
        r = self.descending_radius
        chest = Curve.through(
            [(29, 47, 70), (31, 53, 40), (32, 55, 0), (30, 53, -50), (25, 47, -95), (14, 40, -160)],
            [r * 1.05, r * 1.02, r, r, 0.97 * r, 0.94 * r],
        )
        belly = Curve.through([(13, 39.5, -163), (6, 33, -205), (3, 22, -265)], [0.94 * r, 0.88 * r, 0.8 * r])
        straight = chest.joined(belly)
        x, y = spine.bend(self.habitus, straight.points[:, 2])
        bent = np.stack([x, y, np.zeros_like(x)], axis=1)
        return straight.moved(bent + self.aorta.shift(straight.points[:, 2]))

    @property
    def valve(self) -> NDArray[np.float64]:
        """Centre of the aortic valve."""
        return self.heart_point(VALVE)

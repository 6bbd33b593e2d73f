"""Where the coronary arteries run in the average heart, and how one patient's differ from it.

Means and spreads are those of CT angiograms and of Dodge, Circulation 1988;78:1167 (`bench/coronaries/reference.toml`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from scoring.phantom.grid import Point
from scoring.phantom.shapes import stream
from scoring.phantom.thorax import Thorax
from scoring.result import Artery

Points = NDArray[np.float64]
Dominance = Literal["right", "left", "both"]

LEFT_OSTIUM: Final = (18.0, -5.0, 0.0)
RIGHT_OSTIUM: Final = (4.0, -34.0, -16.0)
DIVISION: Final = (10.3, 0.0, 1.5)
"""From the left ostium to the division of a left main of average length."""

_LAD: Final[list[Point]] = [
    (17, -6, 1),
    (27, -16, -2),
    (34, -37, -14),
    (33, -52, -40),
    (38, -59, -58),
    (43, -58, -74),
    (36, -44, -88),
    (24, -30, -92),
]
_LCX: Final[list[Point]] = [
    (16, 6, -2),
    (32, 11, -3),
    (42, 21, -7),
    (49, 33, -9),
    (43, 40, -27),
    (26, 37, -49),
    (14, 32, -58),
]
_LCX_EARLY: Final[list[Point]] = [
    (14, 7, -6),
    (22, 12, -18),
    (25, 19, -30),
    (24, 23, -42),
    (19, 24, -53),
    (12, 23, -62),
    (4, 20, -68),
]
_RCA: Final[list[Point]] = [
    (-7, -5, -2),
    (-16, -8, -7),
    (-26, -9, -23),
    (-20, 4, -43),
    (-6, 22, -57),
    (4, 32, -58),
    (5, 33, -55),
    (14, 42, -51),
    (24, 50, -48),
    (36, 56, -44),
    (46, 59, -40),
    (55, 56, -40),
    (64, 49, -46),
    (72, 40, -53),
    (80, 28, -61),
]
_LEAVE: Final = (1.0, 0.5)
"""How far the first knots of LAD and LCX follow the end of the left main."""

_LEFT, _BOTH = 0.05, 0.05
"""Dominance of 1,500 patients: 5.2 % left, 5.5 % both (Surg Radiol Anat 2023)."""

_EARLY: Final = (0.22, 0.75)
"""Beta distribution of how early the circumflex descends: the two sources differ by 23 degrees."""

_DRIFT_MM: Final[dict[Artery, Point]] = {"LAD": (3, 4, 10), "LCX": (11, 7, 18), "RCA": (10, 12, 23)}
_TURN_DEG: Final[dict[Artery, float]] = {"LAD": 4.0, "LCX": 8.0, "RCA": 6.0}
_IN_PLANE_DEG: Final[dict[Artery, float]] = {"LAD": 11.0, "LCX": 16.0, "RCA": 26.0}
"""Turns of a whole course about its origin: in any direction, and within the groove's plane."""

_UNEVEN_MM: Final = 1.2
_PARTS, _PLANE, _MOST_SD = 4, 0.5, 1.65
_GROOVE_NORMAL: Final = np.array([0.66, -0.68, -0.33])
_SEPTUM_NORMAL: Final = np.array([0.62, 0.62, -0.48])


@dataclass(frozen=True, slots=True)
class Plan:
    """What is drawn for one coronary tree, mm: `width` 0..1 is how far it may differ from the average.

    `early` 0..1 is how early the circumflex leaves the groove and descends.
    """

    seed: int
    width: float
    dominance: Dominance
    left_main: float
    early: float
    has_ramus: bool
    lengths: dict[Artery, float]
    vessel_fat: float

    @classmethod
    def draw(cls, thorax: Thorax) -> Self:
        """Draw the plan of a thorax; the average one where the thorax does not vary."""
        rng = stream(thorax.seed, "coronary plan")
        kind, ramus = rng.random(2)
        early = float(rng.beta(*_EARLY))
        dominance: Dominance = "left" if kind < _LEFT else "both" if kind < _LEFT + _BOTH else "right"
        left_main = float(np.clip(np.exp(rng.normal(np.log(9.4), 0.47)), 3, 25))
        lad, lcx, rca = rng.normal(143, 16), rng.normal(70, 22), rng.normal(184, 45)
        thin = rng.random() < 0.75
        fat = float(rng.uniform(1.6, 3.4) if thin else rng.uniform(3.4, 5.0))
        if not thorax.has_branches:
            return cls(
                seed=thorax.seed,
                width=0.3,
                dominance="right",
                left_main=10.5,
                early=0.2,
                has_ramus=False,
                lengths={"LAD": 143.0, "LCX": 65.0, "RCA": 150.0},
                vessel_fat=5.0,
            )
        if dominance != "right":
            lcx = rng.uniform(100, 140)
        if dominance == "left":
            rca = rng.uniform(55, 95)
        return cls(
            seed=thorax.seed,
            width=0.6 + 0.5 * thorax.course_variation,
            dominance=dominance,
            left_main=left_main,
            early=early,
            has_ramus=bool(ramus < 0.28),
            lengths={
                "LAD": float(np.clip(lad, 95, 185)),
                "LCX": float(np.clip(lcx, 28, 140)),
                "RCA": float(np.clip(rca, 55, 230)),
            },
            vessel_fat=fat,
        )

    def draw_knots(self, thorax: Thorax, artery: Artery, start: Points, rng: np.random.Generator) -> Points:
        """Draw the knots (n, 3) of LAD, LCX or RCA after its start, thorax frame, before they meet the surface."""
        from_right = artery == "RCA"
        origin = np.array(RIGHT_OSTIUM if from_right else LEFT_OSTIUM)
        knots = origin + self._turned(artery, self._mean(artery), rng)
        usual = thorax.heart_point(origin if from_right else origin + np.array(DIVISION))
        knots = np.array([thorax.heart_point(k) for k in knots])
        for number, share in enumerate(_LEAVE):
            knots[number] += share * (start - usual)
        return knots + self._drift(artery, len(knots), rng)

    def _mean(self, artery: Artery) -> Points:
        if artery == "LCX":
            return np.asarray((1 - self.early) * np.array(_LCX) + self.early * np.array(_LCX_EARLY))
        return np.array(_LAD if artery == "LAD" else _RCA, dtype=np.float64)

    def _turned(self, artery: Artery, knots: Points, rng: np.random.Generator) -> Points:
        """Turn a whole course about its origin."""
        plane = _GROOVE_NORMAL if artery != "LAD" else _SEPTUM_NORMAL
        turn = np.deg2rad(_TURN_DEG[artery] * _draw(rng, 3) + _IN_PLANE_DEG[artery] * _draw(rng, 1) * plane)
        return np.asarray(Rotation.from_rotvec(self.width * turn).apply(knots))

    def _drift(self, artery: Artery, count: int, rng: np.random.Generator) -> Points:
        """Return a smooth displacement (count, 3) of a whole course: small at its start, full further on."""
        size = self.width * np.array(_DRIFT_MM[artery])
        nodes = size * _draw(rng, (_PARTS, 3))
        if artery != "LAD":
            # A groove stays nearly plane.
            nodes -= _PLANE * np.outer(nodes @ _GROOVE_NORMAL, _GROOVE_NORMAL)
        shape = CubicSpline(np.linspace(0, 1, _PARTS), nodes)
        ramp = np.minimum(1, np.linspace(0.35, count / 2.5, count))
        uneven = rng.normal(0, _UNEVEN_MM, (count, 3))
        return np.asarray(ramp[:, None] * shape(np.linspace(0, 1, count)) + uneven, dtype=np.float64)


def _draw(rng: np.random.Generator, shape: int | tuple[int, int]) -> Points:
    """Draw normal numbers without their tails, which would lead an artery round the wrong side of the heart."""
    return np.clip(rng.normal(size=shape), -_MOST_SD, _MOST_SD)

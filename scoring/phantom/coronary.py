"""The coronary tree: centrelines that run in the fat on the heart's surface."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.grid import Coordinates, Floats, Grid, Point
from scoring.phantom.heart import BOX, GROOVES, Heart, sac_distance
from scoring.phantom.shapes import Curve, stream
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue
from scoring.result import ARTERIES, Artery

# Knots in the average heart; those after `_FREE` lie on the heart and are moved into its surface fat.
_KNOTS: Final[dict[Artery, list[Point]]] = {
    "LM": [(7, -11, 0), (13, -10.5, 0.5), (19, -9.5, 0), (24, -9.5, -1)],
    "LAD": [
        (24, -9.5, -1),
        (32, -12, -2),
        (41, -19, -4),
        (50, -28, -8),
        (60, -42, -18),
        (68, -52, -32),
        (76, -55, -48),
        (86, -50, -64),
    ],
    "LCX": [(24, -9.5, -1), (30, -2, -5), (38, 6, -10), (48, 16, -18), (55, 26, -28), (56, 32, -40), (50, 36, -54)],
    "RCA": [
        (-5, -37, -3),
        (-12, -45, -8),
        (-19, -52, -18),
        (-20, -54, -34),
        (-19, -52, -50),
        (-14, -46, -66),
        (-4, -32, -80),
        (10, -14, -84),
        (20, 4, -80),
    ],
}
# Side branches: the artery to which their calcium is assigned, where they leave it (share of its length), their knots.
_BRANCHES: Final[dict[str, tuple[Artery, float, list[Point]]]] = {
    "first diagonal": ("LAD", 0.28, [(60, -30, -12), (72, -26, -24), (84, -18, -42)]),
    "second diagonal": ("LAD", 0.52, [(74, -42, -34), (86, -30, -50), (92, -22, -62)]),
    "ramus": ("LAD", 0.02, [(36, -6, -6), (50, -4, -14), (66, 0, -26)]),
    "first marginal": ("LCX", 0.3, [(54, 14, -20), (68, 16, -34), (80, 10, -50)]),
    "second marginal": ("LCX", 0.65, [(64, 26, -42), (74, 20, -56), (78, 10, -68)]),
    "posterior descending": ("RCA", 0.9, [(22, -14, -86), (40, -18, -86), (58, -24, -82)]),
    "acute marginal": ("RCA", 0.5, [(-6, -56, -60), (12, -58, -70), (30, -54, -76)]),
}
_BRANCH_RADII: Final = (1.4, 0.8)
_PRESENT: Final = 0.7
"""Share of the patients that have a given side branch."""

_FREE: Final[dict[Artery, int]] = {"LM": 4, "LAD": 4, "LCX": 3, "RCA": 2}
_RADII: Final[dict[Artery, tuple[float, float]]] = {
    "LM": (2.3, 2.1),
    "LAD": (1.9, 1.0),
    "LCX": (1.7, 1.0),
    "RCA": (2.0, 1.2),
}
_DEPTH_MM: Final[dict[Artery, float]] = {"LM": 3.2, "LAD": 3.4, "LCX": 3.2, "RCA": 4.2}
_FAT_MM: Final = 5.0


@dataclass(frozen=True, slots=True)
class CoronaryTree:
    """Centreline and radius of each artery in the thorax frame, from origin to end.

    `branches` are the larger side branches, each with the artery to which its calcium is assigned.
    """

    arteries: dict[Artery, Curve]
    branches: tuple[tuple[Artery, Curve], ...] = ()

    @classmethod
    def grow(cls, thorax: Thorax) -> Self:
        """Grow the coronary tree of a thorax."""
        rng = stream(thorax.seed, "coronaries")
        arteries: dict[Artery, Curve] = {}
        for artery in ARTERIES:
            knots = np.array([thorax.heart_point(k) for k in _KNOTS[artery]])
            free = _FREE[artery]
            spread = 0.5 if artery == "LM" else 1.0 + 2.0 * thorax.course_variation
            knots[1:] += rng.normal(0, spread, (len(knots) - 1, 3))
            knots[free:] = _move_into_fat(thorax, knots[free:], _DEPTH_MM[artery])
            if artery in ("LM", "RCA"):
                knots[0] = _move_onto_aorta(thorax, knots[0])
            elif "LM" in arteries:
                knots[0] = arteries["LM"].points[-1]
            curve = Curve.through(knots, np.linspace(*_RADII[artery], len(knots)), step=0.5)
            points = curve.points.copy()
            if free < len(knots):
                first = int(np.argmin(np.linalg.norm(points - knots[free], axis=1)))
                points[first:] = _move_into_fat(thorax, points[first:], _DEPTH_MM[artery])
            arteries[artery] = Curve(points, curve.radii)
        return cls(arteries, _grow_branches(thorax, arteries) if thorax.has_branches else ())

    def lines(self, artery: Artery) -> NDArray[np.float64]:
        """Return points (n, 3) on the centrelines of an artery and its branches, about 0.5 mm apart."""
        return np.concatenate(
            [self.arteries[artery].points, *(curve.points for owner, curve in self.branches if owner == artery)]
        )

    @property
    def curves(self) -> tuple[Curve, ...]:
        """All vessels."""
        return (*self.arteries.values(), *(curve for _, curve in self.branches))

    def point(self, artery: Artery, position: float) -> NDArray[np.float64]:
        """Return the point at a fraction 0..1 of an artery's length, thorax frame, mm."""
        return along(self.arteries[artery].points, position)

    def fat(self, grid: Grid, heart: Heart) -> Floats:
        """Return the distance to the fat around the arteries, which fills the grooves between the chambers."""
        tubes = reduce(np.minimum, (_thin_out(c).tube(grid, 4.0, extra=_FAT_MM - 2) for c in self.curves))
        fat = np.asarray(tubes - np.float32(0.3) + np.float32(1.1) * np.minimum(heart.uneven, 0.8), dtype=np.float32)
        box = grid.box(*BOX)
        for artery, (first, second, reach, width) in GROOVES.items():
            to_artery = _thin_out(self.arteries[artery]).tube(grid, reach)[box]
            off = np.abs(heart.bodies[first] - heart.bodies[second]) * np.float32(0.6)
            wedge = off - np.float32(width) * (1 - to_artery / np.float32(reach)) * (
                1 + np.float32(0.3) * heart.uneven[box]
            )
            fat[box] = np.minimum(fat[box], np.maximum(wedge, to_artery - np.float32(reach)))
        return fat

    def regions(self, grid: Grid) -> Regions:
        """Yield the vessels themselves."""
        yield Region(Tissue.CORONARY, grid.whole, reduce(np.minimum, (c.tube(grid, 3.0) for c in self.curves)))


def along(points: NDArray[np.float64], position: float) -> NDArray[np.float64]:
    """Return the point at a fraction 0..1 of the length of a polyline (n, 3)."""
    s = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    return np.array([np.interp(position * s[-1], s, points[:, k]) for k in range(3)])


def _grow_branches(thorax: Thorax, arteries: dict[Artery, Curve]) -> tuple[tuple[Artery, Curve], ...]:
    rng = stream(thorax.seed, "coronary branches")
    branches = []
    for owner, leaves, knots in _BRANCHES.values():
        present, apart, length = rng.random() < _PRESENT, rng.normal(0, 2.5, (len(knots), 3)), rng.uniform(0.5, 1)
        if not present:
            continue
        start = along(arteries[owner].points, leaves)
        points = _move_into_fat(thorax, np.array([thorax.heart_point(k) for k in knots]) + apart, _DEPTH_MM[owner])
        whole = Curve.through(np.vstack([start, points]), np.linspace(*_BRANCH_RADII, len(knots) + 1), step=0.5)
        count = max(8, int(length * len(whole.points)))
        course = whole.points[:count].copy()
        course[4:] = _move_into_fat(thorax, course[4:], _DEPTH_MM[owner])
        branches.append((owner, Curve(course, whole.radii[:count])))
    return tuple(branches)


def _thin_out(curve: Curve) -> Curve:
    # The first millimetres lie against the aorta and need no fat of their own.
    return Curve(curve.points[4::4], curve.radii[4::4])


def _move_into_fat(thorax: Thorax, points: NDArray[np.float64], depth: float) -> NDArray[np.float64]:
    """Move points along the surface normal until they lie `depth` mm below the surface of the fat."""
    p = np.asarray(points, dtype=np.float64).copy()
    aside = np.vstack([np.zeros(3), 0.5 * np.eye(3), -0.5 * np.eye(3)])
    for _ in range(6):
        around = (p[None] + aside[:, None]).reshape(-1, 3)
        here = sac_distance(thorax, Coordinates.of_points(around)).astype(np.float64).reshape(len(aside), -1)
        slope = (here[1:4] - here[4:]).T
        steep = np.maximum((slope**2).sum(1), 0.2)
        p -= ((here[0] + depth) / steep)[:, None] * slope
    return p


def _move_onto_aorta(thorax: Thorax, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move a point to the wall of the aortic root at the same height."""
    aorta = thorax.ascending
    order = np.argsort(aorta.points[:, 2])
    centre = np.array([*aorta.at_height(float(point[2])), point[2]])
    radius = float(np.interp(point[2], aorta.points[order, 2], aorta.radii[order]))
    out = point - centre
    return np.asarray(centre + out / np.linalg.norm(out) * (radius - 0.5))

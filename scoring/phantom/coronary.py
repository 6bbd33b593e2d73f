"""The coronary tree: centrelines that run in the fat on the heart's surface."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.arterial_course import grow_course, travelled
from scoring.phantom.courses import DIVISION, Dominance, Plan
from scoring.phantom.grid import Floats, Grid, Point
from scoring.phantom.heart import BOX, GROOVES, Heart, inward
from scoring.phantom.root import LEFT_WAY, RIGHT_WAY
from scoring.phantom.shapes import FAR, Curve, stream
from scoring.phantom.side_branches import grow as grow_branches
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue
from scoring.result import Artery

_RADII: Final[dict[Artery, tuple[float, float]]] = {
    "LM": (2.3, 2.1),
    "LAD": (1.9, 0.9),
    "LCX": (1.7, 0.9),
    "RCA": (2.0, 1.1),
}
_LEFT_DOMINANT_RADII: Final[dict[Artery, tuple[float, float]]] = {"LCX": (2.1, 1.2), "RCA": (1.4, 0.9)}
"""Radii at origin and end, mm (Dodge, Circulation 1992;86:232)."""

_UP_MM: Final[dict[Artery, tuple[float, float]]] = {"LM": (14.4, 3.1), "RCA": (17.0, 3.5)}
"""How far above the valve an artery leaves the root, along its axis: mean and SD (JACC CV Img 2008;1:321)."""

_AROUND_DEG: Final = 17.0
_DEPTH_MM: Final[dict[Artery, tuple[float, float]]] = {"LAD": (2.6, 6.0), "LCX": (3.0, 7.5), "RCA": (3.5, 10.5)}
"""How far below the surface of the fat an artery lies: least and most."""

_EARLY_DEEPER_MM: Final = 7.0
"""How much deeper a circumflex lies that descends early."""

_FAT_MM, _BELOW_MM, _REACHED = 5.0, 4.0, 0.65
_OPEN, _OPEN_FROM_MM, _BRANCH_MM = 0.6, 8.0, 3.0
"""How much wider the fat is at the surface, per mm above the artery, and the greatest depth from which it opens."""

_WALL_MM: Final = 0.6
_OUTSIDE_MM: Final = 0.8
"""Beside the thickness of its fat, how far the fat of a vessel is moved out."""


@dataclass(frozen=True, slots=True)
class CoronaryTree:
    """Centreline and radius of each artery in the thorax frame, from origin to end.

    `branches` are the larger side branches, each with the artery to which its calcium is assigned. `beds` are the fat
    of all `curves`, which lies further out than they: muscle touches their inner sides. Radii are those of the lumen.
    """

    arteries: dict[Artery, Curve]
    branches: tuple[tuple[Artery, Curve], ...] = ()
    dominance: Dominance = "right"
    depths: dict[Artery, float] = field(default_factory=dict)
    fat_mm: float = _FAT_MM
    beds: tuple[Curve, ...] = ()

    @classmethod
    def grow(cls, thorax: Thorax) -> Self:
        """Grow the coronary tree of a thorax."""
        rng = stream(thorax.seed, "coronaries")
        plan = Plan.draw(thorax)
        left = _find_ostium(thorax, "LM", LEFT_WAY, plan.width, rng)
        right = _find_ostium(thorax, "RCA", RIGHT_WAY, plan.width, rng)
        arteries: dict[Artery, Curve] = {"LM": _grow_left_main(thorax, left, plan.left_main, rng)}
        radii = _RADII | (_LEFT_DOMINANT_RADII if plan.dominance == "left" else {})
        depths: dict[Artery, float] = {}
        for artery, (low, high) in _DEPTH_MM.items():
            start = right if artery == "RCA" else arteries["LM"].points[-1]
            depths[artery] = low + (high - low) * (float(rng.beta(1.2, 1.8)) if thorax.has_branches else 0.25)
            if artery == "LCX":
                depths[artery] += _EARLY_DEEPER_MM * plan.early
            whole = grow_course(thorax, plan, arteries["LM"], artery, start, depths[artery], rng)
            arteries[artery] = _cut(whole, plan.lengths[artery], radii[artery])
        branches = grow_branches(thorax, plan, arteries) if thorax.has_branches else ()
        curves = (*arteries.values(), *(curve for _, curve in branches))
        beds = tuple(_move_out(thorax, curve, max(plan.vessel_fat - 2, 0) + _OUTSIDE_MM) for curve in curves)
        return cls(arteries, branches, plan.dominance, depths, plan.vessel_fat, beds)

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
        box = grid.box(*BOX)
        z, y, x = box
        part, sac = Grid(grid.z[z], grid.y[y], grid.x[x]), heart.sac[box]
        uneven = np.float32(1.1) * np.minimum(heart.uneven[box], 0.8) - np.float32(0.3)
        inside = np.full(part.shape, FAR, dtype=np.float32)
        for bed, depth in self._sunk():
            # The fat around an artery is open to the surface.
            reach = 4.0 + _OPEN * depth
            tube = _thin_out(bed).tube(part, reach, extra=self.fat_mm - 2)
            np.minimum(
                inside, tube + uneven - np.float32(_OPEN) * np.clip(sac + np.float32(depth), 0, depth), out=inside
            )
        for artery, (first, second, reach, width) in GROOVES.items():
            to_artery = _thin_out(self.arteries[artery]).tube(part, reach)
            off = np.abs(heart.bodies[first] - heart.bodies[second]) * np.float32(0.6)
            wide = np.float32(width * self.fat_mm / _FAT_MM) * (1 - to_artery / np.float32(reach))
            wedge = off - wide * (1 + np.float32(0.3) * heart.uneven[box])
            # The cleft ends a little below the artery, and beside it before it becomes a thin line through the heart.
            floor = -np.float32(self.depths.get(artery, 0.0) + _BELOW_MM) - sac
            ends = np.maximum(floor, to_artery - np.float32(_REACHED * reach))
            np.minimum(inside, np.maximum(wedge, ends), out=inside)
        # The left appendage lies over the arteries: there is no fat within it.
        np.maximum(inside, np.float32(-1) - heart.appendages[box], out=inside)
        fat = np.full(grid.shape, FAR, dtype=np.float32)
        fat[box] = inside
        return fat

    def _sunk(self) -> Iterator[tuple[Curve, float]]:
        """Yield the fat of all vessels with the depth from which it is open to the surface, mm."""
        depths = [min(self.depths.get(artery, 0.0), _OPEN_FROM_MM) for artery in self.arteries]
        yield from zip(self.beds, [*depths, *[_BRANCH_MM] * len(self.branches)], strict=True)

    def regions(self, grid: Grid) -> Regions:
        """Yield the vessels themselves with their walls."""
        walls = (curve.tube(grid, 3.0, extra=_WALL_MM) for curve in self.curves)
        yield Region(Tissue.CORONARY, grid.whole, reduce(np.minimum, walls))


def along(points: NDArray[np.float64], position: float) -> NDArray[np.float64]:
    """Return the point at a fraction 0..1 of the length of a polyline (n, 3)."""
    s = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    return np.array([np.interp(position * s[-1], s, points[:, k]) for k in range(3)])


def _find_ostium(
    thorax: Thorax, artery: Artery, usual: Point, width: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the origin of an artery on the wall of the root."""
    mean, spread = _UP_MM[artery]
    up = float(np.clip(rng.normal(mean, spread * width), mean - 7, mean + 7))
    root, turn = thorax.root, np.deg2rad(_AROUND_DEG * width * rng.normal())
    way = np.array(usual) - (np.array(usual) @ root.axis) * root.axis
    return root.on_wall(up * thorax.heart_scale, np.cos(turn) * way + np.sin(turn) * np.cross(root.axis, way), 0.5)


def _grow_left_main(thorax: Thorax, start: NDArray[np.float64], length: float, rng: np.random.Generator) -> Curve:
    way = thorax.heart_frame @ (np.array(DIVISION) + rng.normal(0, (1.0, 0.8, 3.0)))
    way *= length / np.linalg.norm(way)
    bow = rng.normal(0, 0.05, 3) * length
    return Curve.through([start, start + way / 2 + bow, start + way], np.linspace(*_RADII["LM"], 3), step=0.5)


def _cut(points: NDArray[np.float64], length: float, radii: tuple[float, float]) -> Curve:
    s = travelled(points)
    end = min(length, float(s[-1]))
    t = np.linspace(0, end, max(8, round(end / 0.5) + 1))
    line = np.stack([np.interp(t, s, points[:, k]) for k in range(3)], axis=1)
    return Curve(line, np.linspace(*radii, len(line)))


def _move_out(thorax: Thorax, curve: Curve, mm: float) -> Curve:
    return curve.moved(-mm * inward(thorax, curve.points))


def _thin_out(curve: Curve) -> Curve:
    # The first millimetres lie against the aorta and need no fat of their own.
    return Curve(curve.points[4::4], curve.radii[4::4])

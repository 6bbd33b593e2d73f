"""The coronary tree: centrelines that run in the fat on the heart's surface."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from scoring.phantom.courses import DIVISION, Dominance, Plan
from scoring.phantom.grid import Floats, Grid, Point
from scoring.phantom.heart import BOX, GROOVES, Heart, inward
from scoring.phantom.root import LEFT_WAY, RIGHT_WAY
from scoring.phantom.shapes import FAR, Curve, stream
from scoring.phantom.side_branches import grow as grow_branches
from scoring.phantom.surface import move_into_fat
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

_EARLY_DEEPER_MM, _EARLY_FREE = 7.0, 0.85
"""How much deeper a circumflex lies that descends early, and how little it follows the surface."""

_CALMER: Final = (1.0, 0.7, 0.4, 0.0)
_BESIDE_MM, _CLEAR_MM = (40.0, 85.0), 34.0
"""Between these distances along the right artery it keeps this far from the valve; if not it is drawn calmer."""

_FREE: Final[dict[Artery, tuple[int, float]]] = {"LAD": (3, 24.0), "LCX": (2, 8.0), "RCA": (2, 14.0)}
"""The first knots, and mm, of an artery that do not lie on the heart yet."""

_FIRST_MM: Final = 4.0
_ONWARD: Final[dict[Artery, float]] = {"LAD": 0.3, "LCX": 0.15}
_NEAREST_KNOT_MM, _RISE_MM, _SMOOTH = 3.5, 18.0, 3.0
_FAT_MM, _BELOW_MM, _REACHED = 5.0, 4.0, 0.65
_OPEN, _OPEN_FROM_MM, _BRANCH_MM = 0.6, 8.0, 3.0
"""How much wider the fat is at the surface, per mm above the artery, and the greatest depth from which it opens."""

_WALL_MM: Final = 0.6
_OUTSIDE_MM: Final = 0.8
"""Beside the thickness of its fat, how far the fat of a vessel is moved out."""

_SHALLOW_MM, _SHALLOW_FROM, _SHALLOW_TO = 5.0, 75.0, 105.0
"""On the underside of the heart an artery is no deeper than this: between these distances along it, it rises."""


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
            whole = _grow_course(thorax, plan, arteries["LM"], artery, start, depths[artery], rng)
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


def _grow_course(
    thorax: Thorax,
    plan: Plan,
    left_main: Curve,
    artery: Artery,
    start: NDArray[np.float64],
    depth: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the course (n, 3) of LAD, LCX or RCA; one that would pass below the root is drawn again, with less."""
    pull = 1 - _EARLY_FREE * plan.early if artery == "LCX" else 1.0
    for share in _CALMER:
        knots = replace(plan, width=share * plan.width).draw_knots(thorax, artery, start, rng)
        if artery != "RCA":
            knots = _add_first(left_main, knots, _ONWARD[artery])
        course = _grow_over_heart(thorax, artery, start, knots, depth, pull)
        if artery != "RCA" or not _passes_below_root(thorax, course):
            break
    return course


def _passes_below_root(thorax: Thorax, course: NDArray[np.float64]) -> bool:
    s = _travelled(course)
    part = course[(s > _BESIDE_MM[0]) & (s < _BESIDE_MM[1])]
    return bool(np.linalg.norm(part - thorax.valve, axis=1).min() < _CLEAR_MM * thorax.heart_scale)


def _add_first(left_main: Curve, knots: NDArray[np.float64], onward: float) -> NDArray[np.float64]:
    """Add a first knot, which leads an artery out of the left main before it bends to its own course."""
    start = left_main.points[-1]
    before, after = start - left_main.points[0], knots[0] - start
    way = onward * before / np.linalg.norm(before) + (1 - onward) * after / np.linalg.norm(after)
    return np.vstack([start + _FIRST_MM * way / np.linalg.norm(way), knots])


def _grow_over_heart(
    thorax: Thorax, artery: Artery, start: NDArray[np.float64], knots: NDArray[np.float64], depth: float, pull: float
) -> NDArray[np.float64]:
    """Return a course (n, 3) from its start through knots that are moved into the fat."""
    free, rise = _FREE[artery]
    knots = knots.copy()
    below = _depths(_travelled(np.vstack([start, knots]))[1:], depth, artery)[free:]
    knots[free:] += pull * (move_into_fat(thorax, knots[free:], below, artery) - knots[free:])
    knots = knots[np.linalg.norm(knots - start, axis=1) >= _NEAREST_KNOT_MM]
    points = Curve.through(np.vstack([start, knots]), 1.0, step=0.5).points
    # The first centimetres lead from the root to the surface.
    s = _travelled(points)
    share = pull * np.clip((s - rise) / _RISE_MM, 0, 1)[:, None]
    points = points + share * (move_into_fat(thorax, points, _depths(s, depth, artery), artery) - points)
    points = gaussian_filter1d(points, _SMOOTH, axis=0, mode="nearest")
    points[0] = start
    return np.asarray(points)


def _depths(s: NDArray[np.float64], depth: float, artery: Artery) -> NDArray[np.float64]:
    """Return the depth at distances (n) along an artery."""
    if artery != "RCA" or depth < _SHALLOW_MM:
        return np.full(len(s), depth)
    return np.asarray(np.interp(s, [_SHALLOW_FROM, _SHALLOW_TO], [depth, _SHALLOW_MM]))


def _cut(points: NDArray[np.float64], length: float, radii: tuple[float, float]) -> Curve:
    s = _travelled(points)
    end = min(length, float(s[-1]))
    t = np.linspace(0, end, max(8, round(end / 0.5) + 1))
    line = np.stack([np.interp(t, s, points[:, k]) for k in range(3)], axis=1)
    return Curve(line, np.linspace(*radii, len(line)))


def _travelled(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])


def _move_out(thorax: Thorax, curve: Curve, mm: float) -> Curve:
    return curve.moved(-mm * inward(thorax, curve.points))


def _thin_out(curve: Curve) -> Curve:
    # The first millimetres lie against the aorta and need no fat of their own.
    return Curve(curve.points[4::4], curve.radii[4::4])

"""Side branches of the coronary arteries: where they leave and how they run over the ventricles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom import heart
from scoring.phantom.courses import Dominance, Plan
from scoring.phantom.shapes import Curve, stream
from scoring.phantom.surface import move_into_fat
from scoring.phantom.thorax import Thorax
from scoring.result import Artery

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Branch:
    """A side branch: the artery that owns its calcium, where it leaves (mm along it), knots on the left ventricle.

    A knot is the position along the ventricle's axis (-1 base, 1 apex) and the angle around it in degrees, 0 to the
    left and back, 90 up.
    """

    owner: Artery
    leaves: float
    knots: tuple[tuple[float, float], ...]
    share: float = 0.7


_ON_LEFT: Final[dict[str, Branch]] = {
    "first diagonal": Branch("LAD", 24, ((-0.35, 88), (-0.05, 72), (0.25, 60), (0.55, 52)), 0.85),
    "second diagonal": Branch("LAD", 48, ((0.1, 95), (0.35, 82), (0.6, 70)), 0.7),
    "ramus": Branch("LAD", 0, ((-0.7, 70), (-0.4, 56), (-0.1, 46), (0.2, 40))),
    "first marginal": Branch("LCX", 22, ((-0.65, 32), (-0.3, 22), (0.05, 16), (0.4, 12)), 0.85),
    "second marginal": Branch("LCX", 48, ((-0.6, -8), (-0.25, -14), (0.1, -18)), 0.6),
    "posterior descending": Branch("RCA", 118, ((-0.55, -118), (-0.2, -122), (0.15, -126), (0.5, -130)), 1.0),
    "posterolateral": Branch("RCA", 132, ((-0.5, -72), (-0.15, -66), (0.2, -62)), 0.6),
}
_ACUTE: Final = Branch("RCA", 62, ())
_ACUTE_KNOTS: Final = ((-6.0, -52.0, -66.0), (14.0, -58.0, -70.0), (34.0, -62.0, -74.0))
_RADII: Final = (1.4, 0.8)
_APART_MM: Final = 4.0
_FROM_CIRCUMFLEX: Final[dict[str, tuple[Dominance, ...]]] = {
    "posterior descending": ("left",),
    "posterolateral": ("left", "both"),
}
_BEFORE_END: Final = 0.92


def grow(thorax: Thorax, plan: Plan, arteries: dict[Artery, Curve]) -> tuple[tuple[Artery, Curve], ...]:
    """Grow the side branches of a thorax, each with the artery to which its calcium is assigned."""
    rng = stream(thorax.seed, "coronary branches")
    found = []
    for name, branch in (*_ON_LEFT.items(), ("acute marginal", _ACUTE)):
        places = np.array(_ACUTE_KNOTS) if name == "acute marginal" else _on_ventricle(branch.knots)
        apart, part = rng.normal(0, _APART_MM, places.shape), rng.uniform(0.5, 1)
        is_present, depth = rng.random() < branch.share, float(rng.uniform(1.8, 3.4))
        from_circumflex = plan.dominance in _FROM_CIRCUMFLEX.get(name, ())
        owner: Artery = "LCX" if from_circumflex else branch.owner
        length = _length(arteries[owner])
        leaves = min(branch.leaves, length) if not from_circumflex else _BEFORE_END * length
        if name == "ramus":
            is_present = plan.has_ramus
        if not is_present or leaves < branch.leaves - 15:
            continue
        knots = np.array([thorax.heart_point(k) for k in places]) + apart
        found.append((owner, _grow(thorax, _at(arteries[owner], leaves), knots, depth, part)))
    return tuple(found)


def _on_ventricle(knots: tuple[tuple[float, float], ...]) -> Points:
    chamber = heart.CHAMBERS[-1]
    along, turn = np.array(knots).T
    turn = np.deg2rad(turn)
    aside = np.sqrt(1 - along**2)
    ways = np.stack([along, aside * np.cos(turn), aside * np.sin(turn)], axis=1) * np.array(chamber.semi)
    return np.asarray(np.array(chamber.centre) + ways @ heart.FRAME)


def _grow(thorax: Thorax, start: Points, knots: Points, depth: float, part: float) -> Curve:
    points = move_into_fat(thorax, knots, depth)
    whole = Curve.through(np.vstack([start, points]), np.linspace(*_RADII, len(knots) + 1), step=0.5)
    count = max(8, int(part * len(whole.points)))
    course = whole.points[:count].copy()
    # The first millimetres lead from the artery, which may lie deeper, to the surface.
    share = np.clip((np.arange(count) - 4) / 12, 0, 1)[:, None]
    course += share * (move_into_fat(thorax, course, depth) - course)
    return Curve(course, whole.radii[:count])


def _travelled(curve: Curve) -> Points:
    return np.asarray(np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(curve.points, axis=0), axis=1))])


def _length(curve: Curve) -> float:
    return float(_travelled(curve)[-1])


def _at(curve: Curve, mm: float) -> Points:
    s = _travelled(curve)
    return np.array([np.interp(mm, s, curve.points[:, k]) for k in range(3)])

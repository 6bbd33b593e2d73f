"""The heart with its epicardial fat, and the great vessels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.chest import cavity_distance
from scoring.phantom.grid import Coordinates, Floats, Grid, Point
from scoring.phantom.root import TOP_Z
from scoring.phantom.shapes import FAR, ellipsoid, smooth_field, smooth_union, stream
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue
from scoring.phantom.vessels import lay_vessels
from scoring.result import Artery

AXIS: Final = np.array([0.55, -0.70, -0.455]) / np.linalg.norm([0.55, -0.70, -0.455])
"""From the base to the apex of the left ventricle: left, forward, down."""

_SIDE: Final = np.cross([0.0, 0.0, 1.0], AXIS) / np.linalg.norm(np.cross([0.0, 0.0, 1.0], AXIS))
FRAME: Final[NDArray[np.float64]] = np.stack([AXIS, _SIDE, np.cross(AXIS, _SIDE)])
_LEVEL: Final[NDArray[np.float64]] = np.array([[0.92, -0.38, 0.0], [0.38, 0.92, 0.0], [0.0, 0.0, 1.0]])
MITRAL: Final = (28.0, 11.0, -33.0)
"""Centre of the mitral annulus in the average heart."""
LEFT_VENTRICLE: Final[Point] = tuple((np.array(MITRAL) + 34 * AXIS).tolist())


@dataclass(frozen=True, slots=True)
class Chamber:
    """A blood-filled ellipsoid with a muscular wall; `centre` and semi-axes `semi` in mm of the average heart."""

    blood: Tissue
    centre: tuple[float, float, float]
    semi: tuple[float, float, float]
    frame: NDArray[np.float64] | None
    wall: float


CHAMBERS: Final = (
    Chamber(Tissue.LEFT_ATRIUM, (13, 26, -14), (35, 19, 27), None, 1.5),
    Chamber(Tissue.RIGHT_ATRIUM, (-20.5, -2, -42), (25, 33, 36), None, 1.5),
    Chamber(Tissue.RIGHT_VENTRICLE, (14, -41, -48), (46, 24, 36), _LEVEL, 3.0),
    Chamber(Tissue.LEFT_VENTRICLE, LEFT_VENTRICLE, (55, 39, 37), FRAME, 10.0),
)


_LOWER: Final = (Tissue.RIGHT_ATRIUM, Tissue.RIGHT_VENTRICLE)
"""The chambers that form the lower border of the heart, which `Thorax.lower_mm` moves."""

_CUSHIONS: Final = (((38, -10, -1), (20, 17, 14)), ((-14, -40, -30), (14, 14, 30)))
"""Fat beside the left main and over the right groove: centre and semi-axes in mm of the average heart."""

_ROOT_FAT: Final = (0.15, 1.0)
"""Least and greatest share of the fat around aorta and pulmonary trunk: in many patients they touch."""

BOX: Final = ((-85.0, -105.0, -135.0), (135.0, 85.0, 50.0))
"""Bounding box of the heart."""


_MUSCLE: Final = ((0, 16.0), (1, 14.0), (2, 28.0))
"""The chamber that is joined next (index in `CHAMBERS`, last first) and how widely muscle fills the cleft."""


GROOVES: Final[dict[Artery, tuple[int, int, float, float]]] = {
    "RCA": (1, 2, 15.0, 4.2),
    "LCX": (0, 3, 11.0, 3.0),
    "LAD": (2, 3, 9.0, 3.0),
}
"""The groove of an artery: its two chambers (index in `CHAMBERS`), the reach of its fat and half its width, mm."""


@dataclass(frozen=True, slots=True)
class Heart:
    """Distances on the grid (`FAR` where far away) to the fatty sac, the chambers and the great vessels.

    `uneven` is a smooth random field, SD 1, that varies thin layers of fat. `bodies` (in the order of `CHAMBERS`) and
    `muscle` (the chambers joined) cover `BOX` only.
    """

    sac: Floats
    bodies: tuple[Floats, ...]
    muscle: Floats
    outflow: Floats
    appendages: Floats
    pulmonary: Floats
    cava: Floats
    veins: Floats
    ascending: Floats
    descending: Floats
    oesophagus: Floats
    uneven: Floats

    @classmethod
    def build(cls, thorax: Thorax, grid: Grid) -> Self:
        """Build the heart and vessels of a thorax on a grid."""
        at, box = grid.coordinates(), grid.box(*BOX)
        curves = lay_vessels(thorax)
        outflow = curves["outflow"].tube(grid, 26)
        appendages = np.minimum(curves["left appendage"].tube(grid, 16), curves["right appendage"].tube(grid, 16))
        bodies = _bodies(thorax, grid.coordinates(box))
        sac = np.full(grid.shape, FAR, dtype=np.float32)
        inside = _sac(thorax, grid.coordinates(box), bodies)
        size = float(np.clip(0.3 + 0.09 * thorax.epicardial_fat, 0.4, 0.95))
        for centre, semi in _CUSHIONS:
            cushion = ellipsoid(grid.coordinates(box), thorax.heart_point(centre), size * np.array(semi))
            inside = smooth_union(inside, cushion, 10.0)
        sac[box] = inside
        sac = smooth_union(sac, outflow - np.float32(2), 12.0)
        sac = _within_chest(thorax, at, smooth_union(sac, appendages - np.float32(2.5), 8.0))
        bodies = tuple(
            body + np.float32(0.8) * smooth_field(thorax.seed, chamber.blood.name, 26.0).on(grid)[box]
            for body, chamber in zip(bodies, CHAMBERS, strict=True)
        )
        pulmonary = reduce(np.minimum, (curves[n].tube(grid, 14) for n in ("trunk", "right branch", "left branch")))
        upper = np.maximum(curves["upper cava"].column(at), np.float32(-22) - at.z)
        return cls(
            sac=sac - np.float32(0.8) * smooth_field(thorax.seed, "sac", 34.0).on(grid),
            uneven=smooth_field(thorax.seed, "fat", 16.0).on(grid),
            bodies=bodies,
            muscle=_muscle(bodies),
            outflow=np.maximum(outflow, sac + np.float32(1)),
            appendages=appendages,
            pulmonary=pulmonary,
            cava=np.minimum(upper, curves["lower cava"].tube(grid, 12)),
            veins=reduce(np.minimum, (curves[f"vein {n}"].tube(grid, 12) for n in range(4))),
            ascending=_ascending(thorax, grid),
            descending=thorax.descending.column(at),
            oesophagus=curves["oesophagus"].column(at),
        )


def _ascending(thorax: Thorax, grid: Grid) -> Floats:
    at = grid.coordinates()
    upright = np.maximum(thorax.ascending.column(at), np.float32(TOP_Z) - at.z)
    return np.asarray(np.minimum(upright, thorax.root.distance(grid)), dtype=np.float32)


def sac_distance(thorax: Thorax, at: Coordinates) -> Floats:
    """Return the distance to the outer surface of the epicardial fat around the chambers, without small bumps."""
    return _sac(thorax, at, _bodies(thorax, at))


def inward(thorax: Thorax, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit vectors (n, 3) from points near the heart's surface towards its inside."""
    aside = np.vstack([0.5 * np.eye(3), -0.5 * np.eye(3)])
    around = (np.asarray(points, dtype=np.float64)[None] + aside[:, None]).reshape(-1, 3)
    far = sac_distance(thorax, Coordinates.of_points(around)).astype(np.float64).reshape(6, -1)
    slope = (far[3:] - far[:3]).T
    return np.asarray(slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-6))


def _sac(thorax: Thorax, at: Coordinates, bodies: tuple[Floats, ...]) -> Floats:
    joined = reduce(partial(smooth_union, blend=22.0), bodies)
    # Most of the fat lies in front of the right ventricle and in the right groove; the left side is nearly bare.
    front = np.clip((-18 - at.y) / 40, 0, 1) * np.clip((80 - at.x) / 40, 0, 1)
    sac = np.asarray(joined - np.float32(_margin(thorax)) - np.float32(thorax.epicardial_fat) * front, dtype=np.float32)
    return _within_chest(thorax, at, sac)


def _margin(thorax: Thorax) -> float:
    # Left of the grooves muscle reaches the pericardium in all but the fattest.
    return float(np.clip(0.14 * (thorax.epicardial_fat - 1.5), 0.05, 1.0))


def _within_chest(thorax: Thorax, at: Coordinates, body: Floats) -> Floats:
    """Keep a body inside the chest: the heart is flattened where it meets the wall."""
    return -smooth_union(-body, -cavity_distance(thorax, at) - np.float32(0.8), 5.0)


def cleft(thorax: Thorax, at: Coordinates, artery: Artery) -> Floats:
    """Return how much further the first chamber of an artery's groove lies than the second; 0 midway between them."""
    bodies, (first, second, _, _) = _bodies(thorax, at), GROOVES[artery]
    return np.asarray(bodies[first] - bodies[second], dtype=np.float32)


def _muscle(bodies: tuple[Floats, ...]) -> Floats:
    joined = bodies[-1]
    for number, blend in reversed(_MUSCLE):
        joined = smooth_union(joined, bodies[number], blend)
    return joined


def _bodies(thorax: Thorax, at: Coordinates) -> tuple[Floats, ...]:
    return tuple(
        _outer(thorax, chamber, at, size) for chamber, size in zip(CHAMBERS, thorax.chamber_scale, strict=True)
    )


def _outer(thorax: Thorax, chamber: Chamber, at: Coordinates, size: float) -> Floats:
    semi = np.array(chamber.semi) * (thorax.heart_scale * size)
    centre = np.array(chamber.centre)
    if chamber.blood in _LOWER:
        semi[2] += thorax.lower_mm / 2
        centre[2] -= thorax.lower_mm / 2
    frame = chamber.frame
    if not thorax.is_upright:
        frame = (np.eye(3) if frame is None else frame) @ thorax.heart_frame.T
    return ellipsoid(at, thorax.heart_point(centre), semi, frame)


def great_vessels(heart: Heart, grid: Grid) -> Regions:
    """Yield veins, oesophagus and descending aorta, behind and beside the heart."""
    yield Region(Tissue.VEIN, grid.whole, heart.veins)
    yield Region(Tissue.OESOPHAGUS, grid.whole, heart.oesophagus)
    yield Region(Tissue.VEIN, grid.whole, heart.cava)
    yield Region(Tissue.DESCENDING_AORTA, grid.whole, heart.descending)


def chambers(thorax: Thorax, grid: Grid, heart: Heart) -> Regions:
    """Yield epicardial fat, the four chambers with their walls, the appendages and the right ventricular outflow.

    The clefts between the chambers are the grooves, filled with fat.
    """
    box = grid.box(*BOX)
    sac = heart.sac[box]
    yield Region(Tissue.EPICARDIAL_FAT, grid.whole, heart.sac)
    yield Region(Tissue.MYOCARDIUM, box, np.maximum(heart.muscle, sac + np.float32(0.1)))
    for chamber, body in zip(CHAMBERS, heart.bodies, strict=True):
        cavity = np.maximum(body + np.float32(chamber.wall * thorax.heart_scale), sac + np.float32(1.5))
        yield Region(Tissue.MYOCARDIUM, box, cavity - np.float32(min(chamber.wall, 3)))
        yield Region(chamber.blood, box, cavity)
    yield Region(Tissue.RIGHT_VENTRICLE, grid.whole, heart.outflow)
    yield Region(Tissue.LEFT_ATRIUM, grid.whole, heart.appendages)


def roots(thorax: Thorax, grid: Grid, heart: Heart) -> Regions:
    """Yield pulmonary trunk and ascending aorta, separated by fat above the left main; the root below is bare."""
    at, thick = grid.coordinates(), float(stream(thorax.seed, "fat of the roots").uniform(*_ROOT_FAT))
    rim = np.interp(at.z, [-14, -4, 5, 14], [-4, 0.5 * thick, 2.2 * thick, 2.6 * thick]).astype(np.float32)
    yield Region(
        Tissue.MEDIASTINAL_FAT, grid.whole, np.maximum(heart.pulmonary - np.float32(1.5 * thick), np.float32(4) - at.z)
    )
    yield Region(Tissue.PULMONARY_TRUNK, grid.whole, heart.pulmonary)
    yield Region(Tissue.EPICARDIAL_FAT, grid.whole, heart.ascending - rim)
    yield Region(Tissue.ASCENDING_AORTA, grid.whole, heart.ascending)

"""The large veins above the heart, the azygos vein and the inferior vena cava below the liver."""

from __future__ import annotations

from typing import Final

import numpy as np

from scoring.phantom import spine
from scoring.phantom.grid import Floats, Grid, is_empty
from scoring.phantom.shapes import Curve
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Tissue

CAVA_TOP_Z: Final = 82.0
_STEP_MM: Final = 3.0
_REACH: Final = 12.0


def cut(grid: Grid, cava: Floats) -> Floats:
    """Return the distance to a superior vena cava drawn without an upper end, cut where its two veins meet."""
    return np.asarray(np.maximum(cava, grid.coordinates().z - np.float32(CAVA_TOP_Z)), dtype=np.float32)


def regions(thorax: Thorax, grid: Grid) -> list[Region]:
    """Return brachiocephalic, jugular and subclavian veins, azygos and inferior vena cava inside the grid."""
    vessels = []
    for curve in _curves(thorax):
        box, tube = curve.near(grid, _REACH)
        if not is_empty(box):
            vessels.append(Region(Tissue.VEIN, box, tube))
    return vessels


def _curves(thorax: Thorax) -> tuple[Curve, ...]:
    body = thorax.habitus
    r = 1.45 * body.branch_radius
    rib = max(body.apex_z - 4, CAVA_TOP_Z + 18)
    joint = body.shoulder

    def beside(side: float, forward: float) -> tuple[float, float, float]:
        return side * joint[0], forward * joint[1], joint[2]

    front = -0.45 * thorax.front + 6
    right, left = (-38.0, -4.0, CAVA_TOP_Z + 20), (42.0, -6.0, CAVA_TOP_Z + 22)
    courses = (
        ([(-32.5, -5.0, CAVA_TOP_Z - 6), right, (-36.0, 8.0, 140.0), (-40.0, 12.0, 215.0)], r),
        ([(-31.0, -6.0, CAVA_TOP_Z - 4), (0.0, front, CAVA_TOP_Z + 8), left], r),
        ([left, (39.0, 8.0, 142.0), (42.0, 12.0, 215.0)], 0.9 * r),
        ([right, (-82.0, -8.0, rib - 2), beside(-0.82, 0.3)], 0.8 * r),
        ([left, (84.0, -8.0, rib - 2), beside(0.82, 0.3)], 0.8 * r),
    )
    curves = [Curve.through(spine.follow_spine(body, knots), radius, _STEP_MM) for knots, radius in courses]
    curves.append(_azygos(thorax))
    liver = thorax.heart_point((-14, 22, -148))
    below = np.array([(liver[0], liver[1], liver[2]), (-18.0, 30.0, -200.0), (-20.0, 26.0, -268.0)])
    curves.append(Curve.through(below, [12.5, 12.0, 11.0], _STEP_MM))
    return tuple(curves)


def _azygos(thorax: Thorax) -> Curve:
    """Return the azygos vein: right in front of the spine, then over the right main bronchus into the cava."""
    z = np.arange(-200.0, thorax.carina_z - 8, 25.0)
    x, _ = spine.bend(thorax.habitus, z)
    centre = thorax.spine.points[np.argsort(thorax.spine.points[:, 2])]
    rising = np.stack([x - 7, np.interp(z, centre[:, 2], centre[:, 1]) - 20.5, z], axis=1)
    top = thorax.carina_z
    over = np.array([(-14.0, 34.0, top + 4), (-26.0, 20.0, top + 8), (-33.0, 4.0, top + 4)])
    return Curve.through(np.concatenate([rising, over]), 0.8 * thorax.habitus.branch_radius, _STEP_MM)

"""The diaphragm and what lies under it."""

from __future__ import annotations

import numpy as np

from scoring.phantom.chest import ChestWall
from scoring.phantom.grid import Floats, Grid
from scoring.phantom.heart import Heart
from scoring.phantom.shapes import ellipsoid, smooth_field, smooth_union
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue


def dome(thorax: Thorax, grid: Grid) -> Floats:
    """Distance to the space under the diaphragm's two domes and the floor of the heart between them, negated.

    Positive under the diaphragm, so that `max(lung, dome)` cuts the lung.
    """
    at = grid.coordinates()
    scale = thorax.heart_scale
    floor = -83.0 * scale
    domes = (
        (-66.0, 0.0, thorax.right_dome_z, 96.0, 98.0, 62.0),
        (86.0, 24.0, thorax.left_dome_z, 74.0, 84.0, 56.0),
        (24.0, -24.0, floor, 112.0, 88.0, 24.0),
    )
    top = None
    for cx, cy, peak, ax, ay, drop in domes:
        height = (peak - drop * (((at.x - cx) / ax) ** 2 + ((at.y - cy) / ay) ** 2) ** 1.15).astype(np.float32)
        # The union of the spaces under the domes: the smooth maximum of their heights.
        top = height if top is None else -smooth_union(-top, -height, 10.0)
    if top is None:
        raise ValueError("a thorax has domes")
    bumps = smooth_field(thorax.seed, "diaphragm", 45.0).on(grid)
    return np.asarray(0.8 * (top - at.z + 2.2 * bumps), dtype=np.float32)


def organs(thorax: Thorax, grid: Grid, wall: ChestWall, heart: Heart, under: Floats) -> Regions:
    """Abdominal fat, liver, spleen, stomach with its gas, and the diaphragm over them."""
    at = grid.coordinates()
    belly = np.maximum(np.maximum(-under, wall.outward), np.float32(2.5) - heart.sac)
    yield Region(Tissue.DIAPHRAGM, grid.whole, belly)
    inner = belly + np.float32(2.6)
    yield Region(Tissue.ABDOMINAL_FAT, grid.whole, inner)
    rough = smooth_field(thorax.seed, "organs", 30.0).on(grid)
    # The liver fills the right dome and thins out to the left under the heart.
    edge = (at.x - 18 + 0.45 * (at.y + 10) + 0.5 * (-96 - at.z)) * 0.8
    liver = np.maximum(np.maximum(inner - np.float32(2.4), edge + 3 * rough), at.y - 84 + 0.2 * at.x)
    yield Region(Tissue.LIVER, grid.whole, np.maximum(liver, np.float32(5) - wall.gutter).astype(np.float32))
    spleen = ellipsoid(at, (96, 52, -112), (26, 36, 34)) + 4 * rough
    yield Region(Tissue.SPLEEN, grid.whole, np.maximum(spleen, inner + np.float32(1)))
    stomach = np.maximum(ellipsoid(at, (66, -4, -112), (36, 34, 36)) + 5 * rough, inner + np.float32(1))
    yield Region(Tissue.STOMACH, grid.whole, stomach)
    yield Region(Tissue.GAS, grid.whole, np.maximum(stomach + np.float32(4), at.y + 8))
    crura = np.maximum(np.maximum(wall.gutter - np.float32(5), -under), wall.outward)
    yield Region(Tissue.DIAPHRAGM, grid.whole, crura)

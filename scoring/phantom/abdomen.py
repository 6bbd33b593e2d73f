"""The diaphragm and the organs below it."""

from __future__ import annotations

import numpy as np

from scoring.phantom import bowel
from scoring.phantom.chest import ChestWall
from scoring.phantom.grid import Floats, Grid, is_empty
from scoring.phantom.heart import Heart
from scoring.phantom.shapes import ellipsoid, smooth_field, smooth_union
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue


def dome(thorax: Thorax, grid: Grid) -> Floats:
    """Negated distance to the space below the diaphragm: its two domes and the floor of the heart between them.

    Positive below the diaphragm, so that `max(lung, dome)` cuts the lung off there.
    """
    at, body = grid.coordinates(), thorax.habitus
    scale = thorax.heart_scale
    floor = -83.0 * scale
    right, left = body.domes
    domes = (
        (-66.0, 0.0, thorax.right_dome_z + right, 96.0, 98.0, 62.0 * body.steepness),
        (86.0, 24.0, thorax.left_dome_z + left, 74.0, 84.0, 56.0 * body.steepness),
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
    # Below a steep dome, the vertical distance exceeds the true distance.
    true = np.float32(0.8 / max(1.0, body.steepness))
    return np.asarray(true * (top - at.z + 2.2 * bumps), dtype=np.float32)


def organs(thorax: Thorax, grid: Grid, wall: ChestWall, heart: Heart, under: Floats) -> Regions:
    """Yield abdominal fat, liver, spleen, stomach, bowel and kidneys, and the diaphragm above them."""
    at, body = grid.coordinates(), thorax.habitus
    left = body.domes[1]
    belly = np.maximum(np.maximum(-under, wall.outward), np.float32(2.5) - heart.sac)
    yield Region(Tissue.DIAPHRAGM, grid.whole, belly)
    inner = belly + np.float32(2.6)
    yield Region(Tissue.ABDOMINAL_FAT, grid.whole, inner)
    rough = smooth_field(thorax.seed, "organs", 30.0).on(grid)
    yield from bowel.loops(thorax, grid, inner)
    # The liver fills the right dome and tapers to the left below the heart.
    edge = (at.x - body.liver_edge + 0.45 * (at.y + 10) + 0.5 * (-96 - at.z)) * np.float32(0.8)
    lower = np.float32(body.liver_low) + np.float32(0.45) * (at.x + 90) - np.float32(0.25) * at.y - at.z
    liver = np.maximum(np.maximum(inner - np.float32(2.4), edge + 3 * rough), at.y - 84 + np.float32(0.2) * at.x)
    liver = np.maximum(liver, np.float32(0.85) * lower + 3 * rough)
    yield Region(Tissue.LIVER, grid.whole, np.maximum(liver, np.float32(5) - wall.gutter).astype(np.float32))
    size = np.array([26, 36, 34]) * body.spleen_scale
    spleen = ellipsoid(at, (96, 52, -112 + 0.7 * left), size) + 4 * rough
    yield Region(Tissue.SPLEEN, grid.whole, np.maximum(spleen, inner + np.float32(1)))
    yield from bowel.stomach(thorax, grid, inner, rough)
    yield from bowel.colon(thorax, grid, inner)
    yield from _kidneys(thorax, grid, inner)
    crura = np.maximum(np.maximum(wall.gutter - np.float32(5), -under), wall.outward)
    yield Region(Tissue.DIAPHRAGM, grid.whole, crura)


def _kidneys(thorax: Thorax, grid: Grid, inner: Floats) -> Regions:
    spine = thorax.spine.points
    for side, dome_shift in zip((-1, 1), thorax.habitus.domes, strict=True):
        z = -212.0 + 0.3 * dome_shift + (6 if side > 0 else -6)
        y = float(np.interp(-z, -spine[:, 2], spine[:, 1]))
        centre = np.array([side * 60.0, y + 12, z])
        box = grid.box(centre - 75, centre + 75)
        if is_empty(box):
            continue
        at = grid.coordinates(box)
        fat = ellipsoid(at, centre, (34, 34, 64))
        yield Region(Tissue.ABDOMINAL_FAT, box, np.maximum(fat, inner[box]))
        kidney = ellipsoid(at, centre, (25, 26, 52))
        sinus = ellipsoid(at, centre - np.array([side * 16, 4, 0]), (14, 9, 22))
        yield Region(Tissue.KIDNEY, box, np.maximum(np.maximum(kidney, inner[box] + 4), -sinus))

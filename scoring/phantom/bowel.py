"""Stomach, colon and small bowel with their contents."""

from __future__ import annotations

import numpy as np

from scoring.phantom.grid import Floats, Grid, is_empty
from scoring.phantom.shapes import Curve, ellipsoid, smooth_field
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue


def stomach(thorax: Thorax, grid: Grid, inner: Floats, rough: Floats) -> Regions:
    """Yield the stomach below the left dome, with gas above its contents."""
    body = thorax.habitus
    at = grid.coordinates()
    size = body.stomach_scale
    centre = (66, -4, -112 + 0.6 * body.domes[1])
    wall = np.maximum(ellipsoid(at, centre, np.array([36, 34, 36]) * size) + 5 * rough, inner + np.float32(1))
    yield Region(Tissue.STOMACH, grid.whole, wall)
    if body.stomach == "food":
        patch = smooth_field(thorax.seed, "food", 9.0).on(grid)
        lumps = np.maximum(wall + np.float32(5), 4 * (np.float32(0.5) - patch))
        yield Region(Tissue.ABDOMINAL_FAT, grid.whole, lumps)
    if body.stomach != "fluid":
        level = body.stomach_level if body.stomach == "gas" else body.stomach_level - 16
        yield Region(Tissue.GAS, grid.whole, np.maximum(wall + np.float32(4), at.y - np.float32(level)))


def loops(thorax: Thorax, grid: Grid, inner: Floats) -> Regions:
    """Yield small bowel in the lower abdomen: soft loops, some with gas."""
    body = thorax.habitus
    lowest = max(body.domes) - 20
    box = grid.box((grid.x[0], grid.y[0], grid.z[0]), (grid.x[-1], 62.0, lowest - 95))
    if is_empty(box):
        return
    at = grid.coordinates(box)
    z, y, x = box
    patch = smooth_field(thorax.seed, "bowel", 28.0).on(Grid(grid.z[z], grid.y[y], grid.x[x]))
    deep = np.maximum(inner[box] + np.float32(5), at.z - np.float32(lowest - 100))
    yield Region(Tissue.BOWEL, box, np.maximum(deep, 8 * (np.float32(body.bowel - 0.5) - patch)))
    air = np.maximum(deep + 2, np.maximum(8 * (np.float32(body.bowel_gas) - patch), at.y - 25))
    yield Region(Tissue.GAS, box, air)


def colon(thorax: Thorax, grid: Grid, inner: Floats) -> Regions:
    """Yield gas-filled colon below a dome, with a row of haustra."""
    body = thorax.habitus
    for side, present, dome, top in zip(
        (-1, 1), body.colon, body.domes, (thorax.right_dome_z, thorax.left_dome_z), strict=True
    ):
        if not present:
            continue
        under = top + 0.8 * dome - 16
        line = [(side * 112, 24, under - 70), (side * 104, -8, under - 24), (side * 78, -40, under - 14)]
        line += [(side * 40, -52, under - 26), (side * 6, -50, under - 52)]
        tube = Curve.through(np.array(line, dtype=np.float64), 20.0, 4.0)
        pouches = Curve(tube.points, tube.radii + 3.5 * np.sin(np.arange(len(tube.points)) * 0.85))
        box, gut = pouches.near(grid, 10.0)
        if is_empty(box):
            continue
        gut = np.maximum(gut, inner[box] + 1)
        yield Region(Tissue.BOWEL, box, gut)
        yield Region(Tissue.GAS, box, gut + np.float32(3))

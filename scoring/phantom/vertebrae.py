"""The vertebrae, discs and spinal canal, with the paraspinal muscles."""

from __future__ import annotations

from functools import reduce
from typing import Final

import numpy as np

from scoring.phantom.grid import Floats, Grid
from scoring.phantom.shapes import rounded_box, smooth_field, smooth_union
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue

VERTEBRA_MM: Final = 26.0
_HALF_WIDTH: Final = 56.0


def gutter(thorax: Thorax, grid: Grid) -> Floats:
    """Return the distance to the spine with the muscles beside it, which the lungs surround."""
    x, y = _beside_spine(thorax, grid)
    # The psoas widens it below the chest; the neck is narrower.
    wider = np.interp(grid.z, [-220, -170, 100, 150], [1.7, 1.0, 1.0, 0.8]).astype(np.float32)[:, None, None]
    body = (np.hypot(x / (np.float32(21.5) * wider), y / np.float32(17.5)) - 1) * 19
    behind = (np.hypot(x / np.float32(44), (y - 40) / np.float32(25)) - 1) * 30
    return smooth_union(body, behind, 10.0)


def _beside_spine(thorax: Thorax, grid: Grid, box: tuple[slice, slice, slice] | None = None) -> tuple[Floats, Floats]:
    at = grid.coordinates(box)
    spine = thorax.spine.points[np.argsort(thorax.spine.points[:, 2])]
    cx = np.interp(at.z, spine[:, 2], spine[:, 0]).astype(np.float32)
    cy = np.interp(at.z, spine[:, 2], spine[:, 1]).astype(np.float32)
    return at.x - cx, at.y - cy


def bones(thorax: Thorax, grid: Grid) -> Regions:
    """Yield vertebral arches with their processes, bodies, discs and the canal."""
    points = thorax.spine.points
    low, high = points.min(0), points.max(0)
    box = grid.box(
        (low[0] - _HALF_WIDTH, low[1] - 30, grid.z[0] - 1), (high[0] + _HALF_WIDTH, high[1] + 75, grid.z[-1] + 1)
    )
    at = grid.coordinates(box)
    x, y = _beside_spine(thorax, grid, box)
    x = np.abs(x)
    height = at.z / VERTEBRA_MM + thorax.vertebra_phase
    level = ((height - np.floor(height) - 0.5) * VERTEBRA_MM).astype(np.float32)  # 0: middle of a body; ends: disc
    # Lumbar bodies are larger, cervical ones smaller.
    size = np.interp(at.z, [-240, -140, 70, 140], [1.25, 1.0, 1.0, 0.72]).astype(np.float32)
    x, y = x / size, y / size
    waist = 1 + np.float32(0.09) * np.abs(level / 13) ** 2
    # The canal hollows out the back of a body.
    body = (np.hypot(x / (np.float32(17.5) * waist), (y + np.float32(0.8)) / (np.float32(15.0) * waist)) - 1) * 16
    rough = smooth_field(thorax.seed, "vertebrae", 12.0).on(_part(grid, box)) * np.float32(0.7)
    body = body + rough
    end = np.abs(level) - np.float32(10.8)
    canal = np.hypot(x / np.float32(1.2), y - np.float32(19.5)) - np.float32(7.2)
    solid = np.maximum(rounded_box(body, end, 1.5), -canal)
    flat = [
        np.maximum(_rod(x, y, (12, 6), (14, 19), 4.0), np.abs(level - 4) - 6),
        np.maximum(_rod(x, y, (14, 20), (2, 31), 3.2), np.abs(level + 3) - 10),
        np.maximum(_rod(x, y, (14, 20), (35, 29), 4.0), np.abs(level - 2) - 5.5),
        np.maximum(_rod(x, y, (0, 31), (0, 58), 2.8), np.abs(level + 3 + (y - 31) * 0.5) - 7),
        np.maximum(_rod(x, y, (20, 6), (38, 28), 4.2), np.maximum(np.abs(level + 8) - 5, np.abs(at.z + 45) - 155)),
    ]
    arch = reduce(np.minimum, flat).astype(np.float32) + rough
    yield Region(Tissue.VERTEBRA_CORTEX, box, arch)
    yield Region(Tissue.VERTEBRA_MARROW, box, arch + np.float32(1.6))
    yield Region(Tissue.DISC, box, np.maximum(body + np.float32(0.8), -end))
    yield Region(Tissue.VERTEBRA_CORTEX, box, solid)
    yield Region(Tissue.VERTEBRA_MARROW, box, solid + np.float32(1.3))
    yield Region(Tissue.SPINAL_CANAL, box, canal)


def _part(grid: Grid, box: tuple[slice, slice, slice]) -> Grid:
    z, y, x = box
    return Grid(grid.z[z], grid.y[y], grid.x[x])


def _rod(x: Floats, y: Floats, start: tuple[float, float], end: tuple[float, float], radius: float) -> Floats:
    """Return the distance in the axial plane to a rod between two points."""
    ax, ay = end[0] - start[0], end[1] - start[1]
    t = np.clip(((x - start[0]) * ax + (y - start[1]) * ay) / (ax * ax + ay * ay), 0, 1)
    return np.asarray(np.hypot(x - start[0] - t * ax, y - start[1] - t * ay) - radius, dtype=np.float32)

"""The chest wall: skin, fat, muscle, ribs, sternum, spine, shoulder blades, and the table under it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Final, Self

import numpy as np

from scoring.phantom.grid import Coordinates, Floats, Grid
from scoring.phantom.shapes import ellipsoid, rounded_box, smooth_field, smooth_union
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue

VERTEBRA_MM: Final = 26.0
RIB_STEP_MM: Final = 31.0
_POWER: Final = 2.5
_MIDDLE_Y: Final = 2.0


@dataclass(frozen=True, slots=True)
class ChestWall:
    """Distances on the grid.

    `outward` is that from the cavity's wall, `skin` from the skin, `flesh` from the muscle under its fat,
    `gutter` from the spine with its muscles.

    `turn` is the angle around the chest, 0 at the back, pi at the front, shape (1, y, x).
    """

    outward: Floats
    skin: Floats
    flesh: Floats
    gutter: Floats
    turn: Floats

    @classmethod
    def build(cls, thorax: Thorax, grid: Grid) -> Self:
        """The wall of a thorax on a grid."""
        at = grid.coordinates()
        dy = at.y - np.float32(_MIDDLE_Y)
        outward = cavity_distance(thorax, at)
        turn = np.arctan2(np.abs(at.x), dy).astype(np.float32)
        side = np.sin(turn) ** 2
        muscle = thorax.muscle + 5 * side + 16 * np.exp(-(turn**4)) + 7 * np.exp(-(((turn - 2.45) / 0.4) ** 2))
        fat = np.maximum(thorax.fat * (1 + 0.35 * side - 0.25 * np.cos(turn)), 3)
        ripple = smooth_field(thorax.seed, "skin", 60.0).on(grid)
        flesh = outward - muscle.astype(np.float32) - ripple
        skin = flesh - fat.astype(np.float32) * (1 + np.float32(0.12) * ripple)
        return cls(outward, skin, flesh, _gutter(thorax, grid), turn)


def cavity_distance(thorax: Thorax, at: Coordinates) -> Floats:
    """Distance to the inner wall of the chest, exact near the wall."""
    narrow = np.sqrt(np.clip(1 - (np.maximum(at.z + 50, 0) / 240) ** 2, 0.1, 1))
    dy = at.y - np.float32(_MIDDLE_Y)
    depth = np.where(dy < 0, np.float32(thorax.front + _MIDDLE_Y), np.float32(thorax.back - _MIDDLE_Y)) * np.sqrt(
        narrow
    )
    # The chest leans: its front wall falls back towards the head.
    depth = depth - np.where(dy < 0, np.clip((at.z + 20) * 0.06, -3, 6), 0)
    across = np.abs(at.x) / (thorax.half_width * narrow)
    deep = np.abs(dy) / depth
    size = (across**_POWER).astype(np.float32) + (deep**_POWER).astype(np.float32) + np.float32(1e-5)
    return np.asarray(np.hypot(at.x, dy) * (1 - size ** np.float32(-1 / _POWER)), dtype=np.float32)


def _gutter(thorax: Thorax, grid: Grid) -> Floats:
    """Distance to the spine with the muscles beside it: what the lungs lie around."""
    at = grid.coordinates()
    x, y = _beside_spine(thorax, grid)
    body = (np.hypot(x / 21.5, y / 17.5) - 1) * 19
    behind = (np.hypot(at.x / 44, (y - 40) / 25) - 1) * 30
    return smooth_union(body.astype(np.float32), behind.astype(np.float32), 10.0)


def _beside_spine(thorax: Thorax, grid: Grid) -> tuple[Floats, Floats]:
    at = grid.coordinates()
    spine = thorax.spine.points[np.argsort(thorax.spine.points[:, 2])]
    cx = np.interp(at.z, spine[:, 2], spine[:, 0]).astype(np.float32)
    cy = np.interp(at.z, spine[:, 2], spine[:, 1]).astype(np.float32)
    return at.x - cx, at.y - cy


def layers(thorax: Thorax, grid: Grid, wall: ChestWall) -> Regions:
    """Table, skin, fat and muscle: everything around the cavity, which is left filled with muscle."""
    at = grid.coordinates()
    # A curved shell of carbon fibre, filled with foam that is nearly air.
    x, y = at.x, at.y
    if not thorax.pose.is_straight:
        # The table stays level when the patient lies askew on it.
        c, s = np.float32(np.cos(thorax.pose.turn)), np.float32(np.sin(thorax.pose.turn))
        x, y = c * at.x - s * at.y, s * at.x + c * at.y
    top = thorax.back + 34 - (x / 19) ** 2 * 0.35
    table = np.maximum(np.abs(y - top - 12) - 11, np.abs(x) - 200).astype(np.float32)
    yield Region(Tissue.TABLE, grid.whole, np.abs(table) - np.float32(0.9))
    yield Region(Tissue.SKIN, grid.whole, wall.skin)
    yield Region(Tissue.FAT, grid.whole, wall.skin + np.float32(1.8))
    yield Region(Tissue.MUSCLE, grid.whole, wall.flesh)
    # Fat planes part the layers of muscle here and there.
    patch = smooth_field(thorax.seed, "planes", 30.0).on(grid)
    plane = np.abs(wall.outward - 12 - 2 * patch) - np.float32(0.8)
    here = np.maximum(wall.flesh + np.float32(2.5), np.float32(0.2) - patch)
    yield Region(Tissue.FAT, grid.whole, np.maximum(plane, here))
    inner = np.abs(wall.outward - np.float32(1.0)) - np.float32(0.6)
    yield Region(Tissue.FAT, grid.whole, np.maximum(inner, np.float32(-0.3) - patch))


def skeleton(thorax: Thorax, grid: Grid, wall: ChestWall) -> Regions:
    """Ribs with their cartilage, sternum, shoulder blades and spine."""
    yield from _ribs(thorax, grid, wall)
    yield from _sternum(grid, wall)
    for side in (-1, 1):
        blade = ellipsoid(grid.coordinates(), (side * 104, 98, 40), (34, 5, 62), _turned(-0.5 * side))
        yield Region(Tissue.RIB_CORTEX, grid.whole, blade)
        yield Region(Tissue.RIB_MARROW, grid.whole, blade + np.float32(1.6))
    yield from _spine(thorax, grid)


def _turned(angle: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def _ribs(thorax: Thorax, grid: Grid, wall: ChestWall) -> Regions:
    at = grid.coordinates()
    fall = 95 * np.clip((wall.turn - 0.25) / 2.1, 0, 1.2) ** 1.1
    height = (at.z + fall) / RIB_STEP_MM + thorax.rib_phase + np.where(at.x < 0, 0.07, 0.0)
    across = np.abs(height - np.round(height)) * RIB_STEP_MM * 0.85 - 6.2
    through = np.abs(wall.outward - 5.2) - 3.7
    rib = rounded_box(across.astype(np.float32), through.astype(np.float32), 3.2)
    bony = np.maximum(np.float32(0.33) - wall.turn, wall.turn - np.float32(2.3)) * 60
    cartilage = np.maximum(rib, (np.float32(2.28) - wall.turn) * 60)
    yield Region(Tissue.CARTILAGE, grid.whole, cartilage)
    bone = np.maximum(rib, bony)
    yield Region(Tissue.RIB_CORTEX, grid.whole, bone)
    yield Region(Tissue.RIB_MARROW, grid.whole, bone + np.float32(1.2))


def _sternum(grid: Grid, wall: ChestWall) -> Regions:
    at = grid.coordinates()
    half = np.interp(at.z, [-95, -80, -60, 10, 40, 60], [3, 7, 17, 14, 16, 26]).astype(np.float32)
    wide = np.abs(at.x) - half
    deep = np.maximum(np.abs(wall.outward - np.float32(6.0)) - np.float32(5.0), at.y)
    bone = np.maximum(rounded_box(wide, deep, 3.5), -92 - at.z)
    yield Region(Tissue.STERNUM_CORTEX, grid.whole, np.asarray(bone, dtype=np.float32))
    yield Region(Tissue.STERNUM_MARROW, grid.whole, np.asarray(bone + 1.7, dtype=np.float32))


def _spine(thorax: Thorax, grid: Grid) -> Regions:
    at = grid.coordinates()
    x, y = _beside_spine(thorax, grid)
    x = np.abs(x)
    height = at.z / VERTEBRA_MM + thorax.vertebra_phase
    level = ((height - np.floor(height) - 0.5) * VERTEBRA_MM).astype(np.float32)  # 0: middle of a body; ends: disc
    waist = 1 + 0.09 * np.abs(level / 13) ** 2
    # The back of a body is hollowed by the canal.
    body = (np.hypot(x / (17.5 * waist), (y + 0.8) / (15.0 * waist)) - 1) * 16
    rough = smooth_field(thorax.seed, "vertebrae", 12.0).on(grid) * np.float32(0.7)
    body = body.astype(np.float32) + rough
    end = np.abs(level) - np.float32(10.8)
    canal = (np.hypot(x / 1.2, y - 19.5) - 7.2).astype(np.float32)
    solid = np.maximum(rounded_box(body, end, 1.5), -canal)
    flat = [
        np.maximum(_rod(x, y, (12, 6), (14, 19), 4.0), np.abs(level - 4) - 6),
        np.maximum(_rod(x, y, (14, 20), (2, 31), 3.2), np.abs(level + 3) - 10),
        np.maximum(_rod(x, y, (14, 20), (35, 29), 4.0), np.abs(level - 2) - 5.5),
        np.maximum(_rod(x, y, (0, 31), (0, 58), 2.8), np.abs(level + 3 + (y - 31) * 0.5) - 7),
        np.maximum(_rod(x, y, (20, 6), (38, 28), 4.2), np.abs(level + 8) - 5),
    ]
    arch = reduce(np.minimum, flat).astype(np.float32) + rough
    yield Region(Tissue.VERTEBRA_CORTEX, grid.whole, arch)
    yield Region(Tissue.VERTEBRA_MARROW, grid.whole, arch + np.float32(1.6))
    yield Region(Tissue.DISC, grid.whole, np.maximum(body + np.float32(0.8), -end))
    yield Region(Tissue.VERTEBRA_CORTEX, grid.whole, solid)
    yield Region(Tissue.VERTEBRA_MARROW, grid.whole, solid + np.float32(1.3))
    yield Region(Tissue.SPINAL_CANAL, grid.whole, canal)


def _rod(x: Floats, y: Floats, start: tuple[float, float], end: tuple[float, float], radius: float) -> Floats:
    """Distance in the axial plane to a rod between two points."""
    ax, ay = end[0] - start[0], end[1] - start[1]
    t = np.clip(((x - start[0]) * ax + (y - start[1]) * ay) / (ax * ax + ay * ay), 0, 1)
    return np.asarray(np.hypot(x - start[0] - t * ax, y - start[1] - t * ay) - radius, dtype=np.float32)

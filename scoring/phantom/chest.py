"""The chest wall: skin, fat, muscle, ribs and sternum around the cavity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from scoring.phantom import breasts, shoulders, vertebrae
from scoring.phantom.grid import Coordinates, Floats, Grid
from scoring.phantom.shapes import rounded_box, smooth_field, smooth_union
from scoring.phantom.spine import bend_at
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue

_MIDDLE_Y: Final = 2.0
_NECK: Final = (34.0, 12.0, 46.0)
"""Half width, and depth in front and behind, of the core that the muscle and fat of the neck surround, mm."""


@dataclass(frozen=True, slots=True)
class ChestWall:
    """Distances on the grid to the surfaces of the chest wall.

    `outward` is the distance to the wall of the cavity, `trunk` to the same wall if it did not close at the apex,
    `skin` to the skin, `flesh` to the muscle below the subcutaneous fat, `gutter` to the spine with its muscles.

    `turn` is the angle around the chest, 0 at the back, pi at the front, shape (1, y, x).
    """

    outward: Floats
    trunk: Floats
    skin: Floats
    flesh: Floats
    gutter: Floats
    turn: Floats

    @classmethod
    def build(cls, thorax: Thorax, grid: Grid) -> Self:
        """Build the wall of a thorax on a grid."""
        at, body = grid.coordinates(), thorax.habitus
        trunk = outward = _wall_distance(thorax, at, closes=False)
        upper = int(np.searchsorted(grid.z, body.closing_z))
        if upper < len(grid.z):
            outward = trunk.copy()
            closing = Coordinates(at.x, at.y, at.z[upper:])
            outward[upper:] = _wall_distance(thorax, closing, closes=True)
        turn = np.arctan2(np.abs(at.x), at.y - np.float32(_MIDDLE_Y)).astype(np.float32)
        side = np.sin(turn) ** 2
        muscle = thorax.muscle + 5 * side + body.back_muscle * np.exp(-(turn**4))
        muscle = (muscle + body.breast_muscle * np.exp(-(((turn - 2.45) / 0.4) ** 2))).astype(np.float32)
        fat = np.maximum(thorax.fat * (1 + body.side_fat * side + body.back_fat * np.cos(turn)), 3).astype(np.float32)
        if body.leanness:
            fat = np.maximum(fat - np.float32(3 * body.leanness), np.float32(1.2))
        ripple = smooth_field(thorax.seed, "skin", 60.0).on(grid)
        flesh = trunk - muscle - ripple
        if body.side_muscle:
            flesh -= np.float32(body.side_muscle) * side.astype(np.float32) * np.clip((at.z + 90) / 120, 0, 1)
        # The neck is leaner than the chest.
        leaner = 1 - np.float32(0.65) * np.clip((at.z - 70) / 70, 0, 1)
        skin = flesh - fat * leaner * (1 + np.float32(0.12) * ripple)
        if body.belly_fat:
            skin -= np.float32(body.belly_fat) * np.clip((-80 - at.z) / 90, 0, 1)
        if body.breast:
            skin -= breasts.bulge(body, at)
        limb = shoulders.flesh(thorax, grid)
        if limb is not None:
            box, muscles = limb
            flesh[box] = smooth_union(flesh[box], muscles, 16.0)
            skin[box] = smooth_union(skin[box], muscles - np.float32(min(0.8 * thorax.fat, 22.0)), 20.0)
        gutter = vertebrae.gutter(thorax, grid)
        # A thin back still covers its spine.
        skin = np.minimum(skin, gutter - np.float32(3))
        return cls(outward, trunk, skin, flesh, gutter, turn)


def cavity_distance(thorax: Thorax, at: Coordinates) -> Floats:
    """Return the distance to the inner wall of the chest, exact near the wall."""
    return _wall_distance(thorax, at, closes=True)


def _wall_distance(thorax: Thorax, at: Coordinates, *, closes: bool) -> Floats:
    body = thorax.habitus
    narrow = np.sqrt(np.clip(1 - (np.maximum(at.z + 50, 0) / 240) ** 2, 0.1, 1))
    low = np.clip((-90 - at.z) / 100, 0, 1)
    wide = thorax.half_width * narrow * (1 + body.belly * low)
    deep = np.sqrt(narrow) * (1 + 0.8 * body.belly * low)
    # The chest leans: its front wall recedes towards the head.
    lean = np.clip((at.z + 20) * body.lean, -3, 100 * body.lean)
    front, back = (thorax.front + _MIDDLE_Y) * deep - lean, (thorax.back - _MIDDLE_Y) * deep
    slope: Floats | float = 1.0
    if closes:
        up = np.clip((at.z - body.closing_z) / (body.apex_z - body.closing_z), 0, 1)
        left = np.maximum(1 - up**body.closing_power, 1e-4) ** 0.55
        wide, front, back = wide * left, front * left**0.8, back * left**0.7
        # Near the apex the wall is almost horizontal: the in-plane distance exceeds the true one.
        slope = np.where(up > 0, np.clip(1.3 * left, 0.25, 1), 1).astype(np.float32)
    else:
        up = np.clip((at.z - body.closing_z) / (body.neck_z - body.closing_z), 0, 1)
        up = up * up * (3 - 2 * up)
        wide, front, back = (v + up * (n - v) for v, n in zip((wide, front, back), _NECK, strict=True))
    bend_x, bend_y = bend_at(body, at.z)
    follow = (0.5 * np.clip((at.z - 70) / 70, 0, 1)).astype(np.float32)
    dx = at.x - (np.float32(0.5) + follow) * bend_x
    dy = at.y - np.float32(_MIDDLE_Y) - (np.float32(0.6) + np.float32(0.8) * follow) * bend_y
    across = (np.abs(dx) / wide).astype(np.float32)
    ahead = dy < 0
    depth = (np.abs(dy) / np.where(ahead, front, back)).astype(np.float32)
    tiny = np.float32(1e-5)
    if body.front_power == body.back_power:
        p = np.float32(body.front_power)
        shrink = (across**p + depth**p + tiny) ** (-1 / p)
    else:
        # Using each power only where it applies saves three quarters of the work.
        p, q = np.float32(body.front_power), np.float32(body.back_power)
        power = np.where(ahead, p, q)
        shrink = (across**power + depth**power + tiny) ** (-1 / power)
    distance = np.hypot(dx, dy) * (1 - shrink) * slope
    if closes:
        distance = np.maximum(distance, np.float32(0.5) * (at.z - np.float32(body.apex_z)))
    return np.asarray(distance, dtype=np.float32)


def layers(thorax: Thorax, grid: Grid, wall: ChestWall) -> Regions:
    """Yield skin, fat and muscle: everything around the cavity, which is left filled with muscle."""
    yield Region(Tissue.SKIN, grid.whole, wall.skin)
    yield Region(Tissue.FAT, grid.whole, wall.skin + np.float32(1.8))
    if thorax.habitus.breast:
        yield from breasts.glands(thorax, grid, wall.flesh, wall.skin)
    yield Region(Tissue.MUSCLE, grid.whole, wall.flesh)
    # Fat planes separate the layers of muscle here and there.
    patch = smooth_field(thorax.seed, "planes", 30.0).on(grid)
    plane = np.abs(wall.trunk - 12 - 2 * patch) - np.float32(0.8)
    here = np.maximum(wall.flesh + np.float32(2.5), np.float32(0.2) - patch)
    yield Region(Tissue.FAT, grid.whole, np.maximum(plane, here))
    inner = np.abs(wall.outward - np.float32(1.0)) - np.float32(0.6)
    yield Region(Tissue.FAT, grid.whole, np.maximum(inner, np.float32(-0.3) - patch))
    # Around the shoulders there is more fat between the muscles.
    top = slice(int(np.searchsorted(grid.z, 45.0)), len(grid.z))
    if top.start < top.stop:
        box = (top, grid.whole[1], grid.whole[2])
        apart = np.maximum(wall.flesh[box] + np.float32(3), np.float32(9) - wall.trunk[box])
        apart = np.maximum(apart, np.float32(12) * (np.abs(patch[box] - np.float32(0.6)) - np.float32(0.16)))
        yield Region(Tissue.FAT, box, apart)


def skeleton(thorax: Thorax, grid: Grid, wall: ChestWall) -> Regions:
    """Yield ribs with their cartilage, sternum, shoulders and spine."""
    yield from _ribs(thorax, grid, wall)
    yield from _sternum(thorax, grid, wall)
    yield from shoulders.bones(thorax, grid, wall.outward, wall.flesh)
    yield from vertebrae.bones(thorax, grid)


def _ribs(thorax: Thorax, grid: Grid, wall: ChestWall) -> Regions:
    at, body = grid.coordinates(), thorax.habitus
    fall = body.rib_fall * np.clip((wall.turn - 0.25) / 2.1, 0, 1.2) ** 1.1
    height = (at.z + fall) / body.rib_step + thorax.rib_phase + np.where(at.x < 0, 0.07, 0.0)
    height = height.astype(np.float32)
    across = np.abs(height - np.round(height)) * np.float32(body.rib_step * 0.85) - np.float32(body.rib_half_height)
    through = np.abs(wall.outward - np.float32(body.rib_half_depth + 1.5)) - np.float32(body.rib_half_depth)
    rib = rounded_box(across, through, 2.9)
    # The lowest ribs end in front of the flank: the costal margin rises from back to front.
    margin = np.interp(wall.turn, [0.3, 1.2, 2.4, 3.1], [-205, -190, body.margin_z, body.margin_z + 15])
    highest = np.interp(wall.turn, [1.2, 2.2, 3.1], [body.apex_z + 4, body.sternum_top + 16, body.sternum_top])
    ends = np.maximum(0.7 * (margin.astype(np.float32) - at.z), 0.7 * (at.z - highest.astype(np.float32)))
    rib = np.maximum(np.maximum(rib, ends), wall.skin + np.float32(3))
    bony = np.maximum(np.float32(0.33) - wall.turn, wall.turn - np.float32(body.cartilage_turn)) * 60
    cartilage = np.maximum(rib, (np.float32(body.cartilage_turn - 0.02) - wall.turn) * 60)
    yield Region(Tissue.CARTILAGE, grid.whole, cartilage)
    bone = np.maximum(rib, bony)
    yield Region(Tissue.RIB_CORTEX, grid.whole, bone)
    yield Region(Tissue.RIB_MARROW, grid.whole, bone + np.float32(1.2))


def _sternum(thorax: Thorax, grid: Grid, wall: ChestWall) -> Regions:
    body = thorax.habitus
    box = grid.box((-70, grid.y[0], body.sternum_low - 6), (70, 5, body.sternum_top + 6))
    if any(s.stop <= s.start for s in box):
        return
    at = grid.coordinates(box)
    knots = np.array([-95, -80, -60, 10, 40, 60]) + np.array([1, 1, 1, 0, 0, 0]) * (body.sternum_low + 92)
    half = body.sternum_width * np.interp(at.z, knots, [3, 7, 17, 14, 16, 26])
    wide = np.abs(at.x - np.float32(0.5) * bend_at(body, at.z)[0]) - half.astype(np.float32)
    deep = np.maximum(np.abs(wall.outward[box] - np.float32(6.0)) - np.float32(5.0), at.y)
    deep = np.maximum(deep, wall.skin[box] + np.float32(3.5))
    ends = np.maximum(body.sternum_low - at.z, at.z - body.sternum_top)
    bone = np.maximum(rounded_box(wide, deep, 3.5), ends)
    yield Region(Tissue.STERNUM_CORTEX, box, np.asarray(bone, dtype=np.float32))
    yield Region(Tissue.STERNUM_MARROW, box, np.asarray(bone + 1.7, dtype=np.float32))

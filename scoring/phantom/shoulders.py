"""Scapulae, clavicles, humeral heads and the muscles around them."""

from __future__ import annotations

from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.grid import Box, Floats, Grid, is_empty
from scoring.phantom.shapes import FAR, capsule, ellipsoid, smooth_union
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue

Rod = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float]]
_SIDES: Final = (-1, 1)
_REACH: Final = 14.0


def flesh(thorax: Thorax, grid: Grid) -> tuple[Box, Floats] | None:
    """Return the distance to the muscles of shoulders and arms on a box of the grid, None if there are none."""
    rods = [rod for side in _SIDES for rod in _muscles(thorax, side)]
    boxes = [_box(grid, rod, 45.0) for rod in rods]
    placed = [(rod, box) for rod, box in zip(rods, boxes, strict=True) if not is_empty(box)]
    if not placed:
        return None
    whole = tuple(slice(min(b[k].start for _, b in placed), max(b[k].stop for _, b in placed)) for k in range(3))
    field = np.full(grid.shape, FAR, dtype=np.float32)
    for rod, box in placed:
        field[box] = smooth_union(field[box], capsule(grid.coordinates(box), *rod), 18.0)
    box = (whole[0], whole[1], whole[2])
    return box, field[box]


def bones(thorax: Thorax, grid: Grid, outward: Floats, muscle: Floats) -> Regions:
    """Yield the bones of both shoulders, confined between the ribs and the surface of the muscles."""
    body = thorax.habitus
    for side in _SIDES:
        centre, semi = np.array(body.blade) * (side, 1, 1), np.array([34.0, 5.0, 62.0])
        box = grid.box(centre - 70, centre + 70)
        if not is_empty(box):
            blade = ellipsoid(grid.coordinates(box), centre, semi, _rotation(body.blade_turn * side))
            blade = np.maximum(np.maximum(blade, np.float32(11) - outward[box]), muscle[box] + np.float32(3))
            yield Region(Tissue.RIB_CORTEX, box, blade)
            yield Region(Tissue.RIB_MARROW, box, blade + np.float32(1.6))
        for rod in _rods(thorax, side):
            box = _box(grid, rod, _REACH)
            if is_empty(box):
                continue
            bone = np.maximum(capsule(grid.coordinates(box), *rod), np.float32(2) - outward[box])
            bone = np.maximum(bone, muscle[box] + np.float32(1.5))
            yield Region(Tissue.BONE_CORTEX, box, bone)
            yield Region(Tissue.BONE_MARROW, box, bone + np.float32(2.2))


def _joint(thorax: Thorax, side: int) -> NDArray[np.float64]:
    return np.array(thorax.habitus.shoulder) * (side, 1, 1)


def _elbow(thorax: Thorax, side: int) -> NDArray[np.float64]:
    joint = _joint(thorax, side)
    away = (side * 42, -22, 135) if thorax.habitus.arms_raised else (side * 26, 14, -330)
    return np.asarray(joint + np.array(away))


def _muscles(thorax: Thorax, side: int) -> list[Rod]:
    size = thorax.habitus.shoulder_size
    joint, elbow = _joint(thorax, side), _elbow(thorax, side)
    neck = np.array([side * 42.0, 38.0, joint[2] + 12])
    blade = np.array(thorax.habitus.blade) * (side, 0.72, 1) + np.array([0, 0, 10.0])
    start, middle, tip = _clavicle(thorax, side)
    return [
        _rod(start, middle, 12.0, 10.0),
        _rod(middle, tip, 10.0, 12.0),
        _rod(neck, joint, 0.62 * size, 0.95 * size),
        _rod(joint, elbow, size, 0.86 * size),
        _rod(blade, joint, 0.95 * size, 0.95 * size),
    ]


def _clavicle(thorax: Thorax, side: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the sternal end of the clavicle, its midpoint and its end above the joint."""
    body = thorax.habitus
    front = -0.82 * thorax.front + 0.6 * 60 * body.lean
    tip = _joint(thorax, side) + np.array([-side * 6.0, 6.0, 26.0 if body.arms_raised else 22.0])
    start = np.array([side * 19.0, front + 4, min(body.sternum_top + 8, 72.0)])
    middle = np.array([side * 72.0, front + 18, 0.45 * start[2] + 0.55 * tip[2] - 4])
    return start, middle, tip


def _rods(thorax: Thorax, side: int) -> list[Rod]:
    body = thorax.habitus
    joint, elbow = _joint(thorax, side), _elbow(thorax, side)
    start, middle, tip = _clavicle(thorax, side)
    socket = joint + np.array([-side * 26.0, 16.0, -6.0])
    blade = np.array(body.blade) * (side, 0.9, 1)
    return [
        _rod(start, middle, 8.5, 5.8),
        _rod(middle, tip, 5.8, 6.5),
        _rod(socket, blade + np.array([side * 12.0, 0, 22.0]), 10.0, 4.0),
        _rod(tip, blade + np.array([side * 4.0, 6.0, 38.0]), 6.0, 4.0),
        _rod(joint, joint + (elbow - joint) * 0.12, 22.0, 16.0),
        _rod(joint + (elbow - joint) * 0.12, elbow, 12.5, 10.5),
    ]


def _rod(start: NDArray[np.float64], end: NDArray[np.float64], first: float, last: float) -> Rod:
    a, b = start.tolist(), end.tolist()
    return (a[0], a[1], a[2]), (b[0], b[1], b[2]), (first, last)


def _box(grid: Grid, rod: Rod, reach: float) -> Box:
    ends = np.array(rod[:2])
    size = max(rod[2]) + reach
    return grid.box(reduce(np.minimum, ends) - size, reduce(np.maximum, ends) + size)


def _rotation(angle: float) -> NDArray[np.float64]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])

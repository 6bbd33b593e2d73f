"""A view of a body as a scanner shows it: a warped crop with its classes and fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from scoring.anatomy.network import Kind
from training import classes, scanner
from training.body import Body
from training.warp import Places, draw_places

Shape = tuple[int, int, int]

_HEART_MIDDLE: Final = np.array([26.0, -10.0, -40.0])
_OUTSIDE_HU: Final = -1024.0
_IGNORED: Final = 255
_CROPPED: Final = 0.5
_DEPOSITS: Final = 0.7
_ROUND: Final = 0.3


@dataclass(frozen=True, slots=True)
class View:
    """`hu` float16 and `label` uint8 are (z, y, x); `field` float16 is (fields, z, y, x), empty for the chest net."""

    hu: NDArray[np.float16]
    label: NDArray[np.uint8]
    field: NDArray[np.float16]


def draw(body: Body, kind: Kind, rng: np.random.Generator) -> View:
    """Draw a random view of a body for the net `kind`."""
    step = classes.STEP_MM[kind]
    shape, middle = _heart_crop(rng, step) if kind == "heart" or rng.random() < _CROPPED else _chest_crop(rng, step)
    at = draw_places(rng, shape, step, middle)
    index = np.stack([(at[2] - body.low[2]), (at[1] - body.low[1]), (at[0] - body.low[0])]) / np.float32(body.step)
    hu = ndimage.map_coordinates(body.hu.astype(np.float32), index, order=1, mode="nearest")
    nearest = np.rint(index).astype(np.intp)
    held = np.all([(n >= 0) & (n < size) for n, size in zip(nearest, body.hu.shape, strict=True)], axis=0)
    nearest = np.stack([np.clip(n, 0, size - 1) for n, size in zip(nearest, body.hu.shape, strict=True)])
    tissue = body.tissue[tuple(nearest)]
    hu += _render_deposits(body, at, step, rng)
    label = classes.class_of_tissue(kind)[tissue]
    # Nothing is known beyond the painted body: it is ignored in training and does not count as air.
    label[~held] = _IGNORED
    hu = scanner.simulate_scan(hu, tissue, rng)
    field = _fields(body, index, at) if kind == "heart" else np.zeros((0, *shape), np.float16)
    if rng.random() < _ROUND:
        outside = _outside_circle(shape, rng)
        hu[:, outside] = _OUTSIDE_HU
        label[:, outside] = 0
    return View(hu.astype(np.float16), label, field)


def _heart_crop(rng: np.random.Generator, step: float) -> tuple[Shape, NDArray[np.float64]]:
    """Draw a crop around the heart, as in gated scans, sometimes with part of it cut off."""
    width = rng.uniform(150, 250) if step > 3.5 else rng.uniform(150, 198)
    depth = width if step > 3.5 else rng.uniform(150, 192)
    height = rng.uniform(120, 200) if step > 3.5 else rng.uniform(120, 180)
    shape = tuple(int(v // step) for v in (height, depth, width))
    return (shape[0], shape[1], shape[2]), _HEART_MIDDLE + rng.normal(0, (9, 9, 13))


def _chest_crop(rng: np.random.Generator, step: float) -> tuple[Shape, NDArray[np.float64]]:
    """Draw a crop of a chest with a wide field of view, or any part of one."""
    height, width = rng.uniform(130, 250), rng.uniform(260, 390)
    depth = width * rng.uniform(0.7, 1.0)
    shape = tuple(int(v // step) for v in (height, depth, width))
    middle = np.array([rng.normal(0, 8), rng.normal(15, 8), rng.uniform(-215 + height / 3, 160 - height / 3)])
    return (shape[0], shape[1], shape[2]), middle


def _outside_circle(shape: Shape, rng: np.random.Generator) -> NDArray[np.bool_]:
    y, x = np.mgrid[: shape[1], : shape[2]]
    radius = max(shape[1:]) / 2 * rng.uniform(0.97, 1.15)
    return np.asarray(np.hypot(y - shape[1] / 2 + 0.5, x - shape[2] / 2 + 0.5) > radius)


def _render_deposits(body: Body, at: Places, step: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the HU that a random subset of the deposits adds, by their share of a voxel."""
    added = np.zeros(at.shape[1:], np.float32)
    numbers = np.unique(body.deposits[:, 5])
    chosen = numbers[rng.random(len(numbers)) < _DEPOSITS * rng.random() ** 0.5]
    points = body.deposits[np.isin(body.deposits[:, 5], chosen)]
    if not len(points):
        return added
    reach = float(points[:, 3].max()) + step
    low, high = points[:, :3].min(0) - reach, points[:, :3].max(0) + reach
    near = np.all([(a > lo) & (a < hi) for a, lo, hi in zip(at, low, high, strict=True)], axis=0)
    where = np.flatnonzero(near)
    if not len(where):
        return added
    nearest = cKDTree(points[:, :3]).query(at.reshape(3, -1)[:, where].T, distance_upper_bound=reach)
    away, which = np.asarray(nearest[0]), np.asarray(nearest[1])
    hit = np.isfinite(away)
    radius, hu = points[which[hit], 3], points[which[hit], 4]
    inside = np.clip(0.5 - (away[hit] - radius) / step, 0, 1) * np.minimum(1, (2 * radius / step) ** 2)
    added.reshape(-1)[where[hit]] = inside * hu * rng.uniform(0.6, 1.6)
    return added


def _fields(body: Body, index: NDArray[Any], at: Places) -> NDArray[np.float16]:
    courses = [
        ndimage.map_coordinates(a, index, order=1, mode="constant", output=np.float32) / 200 for a in body.arteries
    ]
    spots = [
        np.exp(-((at - p.astype(np.float32)[:, None, None, None]) ** 2).sum(0) / (2 * classes.LANDMARK_SD_MM**2))
        for p in body.landmarks
    ]
    return np.stack([*courses, *spots]).astype(np.float16)

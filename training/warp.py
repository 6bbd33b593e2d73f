"""Random pose, size and deformation of a body: from the voxels of a view to positions in the thorax frame."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.shapes import spline_weights

Places = NDArray[np.float32]

_TURN_DEG: Final = (6.0, 6.0, 9.0)
_MOST_DEG: Final = 18.0
_SIZE, _STRETCH = 0.07, 0.045
_PITCH_MM: Final = (45.0, 120.0)
_BEND_MM: Final = 5.0
_TILTED, _TILT = 0.08, 0.35


def draw_places(
    rng: np.random.Generator, shape: tuple[int, int, int], step: float, middle: NDArray[np.float64]
) -> Places:
    """Draw thorax coordinates x, y, z (3, *shape) for the voxels of a view, `step` mm apart around `middle`."""
    turn = np.deg2rad(np.clip(rng.normal(0, _TURN_DEG), -_MOST_DEG, _MOST_DEG))
    size = np.exp(rng.normal(0, _SIZE) + rng.normal(0, _STRETCH, 3))
    shear = np.eye(3)
    if rng.random() < _TILTED:
        # The slices of a tilted gantry are shifted relative to each other.
        shear[1, 2] = rng.uniform(-_TILT, _TILT)
    # Rows of the matrix are x, y, z of the body, columns z, y, x of the view.
    matrix = (_rotation(turn) * size @ shear)[:, ::-1] * step
    centre = (np.array(shape) - 1) / 2
    lines = [np.arange(n, dtype=np.float32) - np.float32(c) for n, c in zip(shape, centre, strict=True)]
    coordinates = np.empty((3, *shape), np.float32)
    for row in range(3):
        z, y, x = (np.float32(matrix[row, k]) * line for k, line in enumerate(lines))
        coordinates[row] = z[:, None, None] + y[None, :, None] + x[None, None, :] + np.float32(middle[row])
        coordinates[row] += _bend(rng, shape, step)
    return coordinates


def _rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def _bend(rng: np.random.Generator, shape: tuple[int, int, int], step: float) -> Places:
    """Draw a smooth random displacement in mm."""
    pitch = rng.uniform(*_PITCH_MM)
    knots = [max(4, int(np.ceil(n * step / pitch)) + 3) for n in shape]
    field = rng.normal(0, rng.uniform(0, _BEND_MM), knots).astype(np.float32)
    for axis, (n, count) in enumerate(zip(shape, knots, strict=True)):
        weights = spline_weights(np.linspace(1, count - 2, n, dtype=np.float32), count)
        field = np.moveaxis(np.tensordot(weights, np.moveaxis(field, axis, 0), 1), 0, axis)
    return np.asarray(field, np.float32)

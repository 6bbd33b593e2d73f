"""Random pose, size and deformation of bodies: from the voxels of views to positions in the thorax frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scoring.phantom.shapes import spline_weights

Shape = tuple[int, int, int]
Numbers = NDArray[np.float64]

_TURN_DEG: Final = (10.0, 10.0, 11.0)
_MOST_DEG: Final = 25.0
_SIZE, _STRETCH = 0.08, 0.06
_PITCH_MM: Final = (45.0, 120.0)
_BEND_MM: Final = 6.0
_TILTED, _TILT = 0.08, 0.35
_STEPPED, _BEAT_MM, _STEP_MM = 0.15, (12.0, 40.0), 2.5
_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the voxels of n views lie in the thorax frame: an affine map, then a smooth displacement.

    `matrix` (n, 3, 3) maps voxel steps z, y, x to mm x, y, z, `inverse` mm to steps; `centre` (n, 3) is the voxel
    z, y, x at `middle` (n, 3) mm; `bend` (n, 3, z, y, x) is added in mm.
    """

    matrix: Tensor
    inverse: Tensor
    centre: Tensor
    middle: Tensor
    bend: Tensor

    @classmethod
    def draw(
        cls, rng: np.random.Generator, shape: Shape, step: float, *, sizes: Numbers, middles: Numbers, device: str
    ) -> Self:
        """Draw poses for views of `sizes` (n, 3) voxels of `step` mm inside arrays of one shape, round `middles`."""
        matrix = np.stack([_matrix(rng, step) for _ in sizes])
        given = (matrix, np.linalg.inv(matrix), (sizes - 1) / 2, middles)
        bend = _bend(rng, len(sizes), shape, step, device) + _steps(rng, len(sizes), shape[0], step, device)
        tensors = [torch.tensor(values, dtype=torch.float32, device=device) for values in given]
        return cls(tensors[0], tensors[1], tensors[2], tensors[3], bend)

    @property
    def cube_mm3(self) -> Tensor:
        """The volume of a voxel in the thorax (n)."""
        x, y, z = self.matrix.unbind(1)
        return (x * torch.linalg.cross(y, z)).sum(1).abs()

    def places(self) -> Tensor:
        """Return thorax coordinates x, y, z of the voxels: (n, 3, z, y, x) in mm."""
        at = self.bend + self.middle[:, :, None, None, None]
        for axis, side in enumerate(self.bend.shape[2:]):
            line = torch.arange(side, device=self.bend.device) - self.centre[:, axis, None]
            view = [1, 1, 1, 1, 1]
            view[0], view[2 + axis] = len(line), side
            at = at + self.matrix[:, :, axis, None, None, None] * line.view(view)
        return at

    def voxels(self, points: Tensor, view: Tensor) -> Tensor:
        """Return the voxels z, y, x (p, 3), not rounded, of points (p, 3) in mm, each of the view (p) named."""
        inverse = self.inverse[view]
        straight = points - self.middle[view]
        sides = torch.tensor(self.bend.shape[2:], device=points.device)
        found = torch.zeros_like(points)
        moved = torch.zeros_like(points)
        # The displacement changes slowly: a few rounds find the voxel that it brings to the point.
        for _ in range(_ROUNDS):
            found = (inverse * (straight - moved)[:, None]).sum(2) + self.centre[view]
            z, y, x = torch.minimum(found.round().long().clamp(min=0), sides - 1).unbind(1)
            moved = self.bend[view, :, z, y, x]
        return found


def _matrix(rng: np.random.Generator, step: float) -> Numbers:
    turn = np.deg2rad(np.clip(rng.normal(0, _TURN_DEG), -_MOST_DEG, _MOST_DEG))
    size = np.exp(rng.normal(0, _SIZE) + rng.normal(0, _STRETCH, 3))
    shear = np.eye(3)
    if rng.random() < _TILTED:
        # The slices of a tilted gantry are shifted relative to each other.
        shear[1, 2] = rng.uniform(-_TILT, _TILT)
    return np.asarray((rotation(turn) * size @ shear)[:, ::-1] * step)


def rotation(angles: Numbers) -> Numbers:
    """Return the matrix that turns by three angles about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def _bend(rng: np.random.Generator, count: int, shape: Shape, step: float, device: str) -> Tensor:
    """Draw smooth displacements in mm (count, 3, z, y, x)."""
    pitches = rng.uniform(*_PITCH_MM, count)
    knots = np.array([[max(4, int(np.ceil(n * step / pitch)) + 3) for n in shape] for pitch in pitches])
    most = knots.max(0)
    numbers = rng.normal(0, 1, (count, 3, *most)) * rng.uniform(0, _BEND_MM, (count, 1, 1, 1, 1))
    field = torch.tensor(numbers, dtype=torch.float32, device=device)
    for axis, side in enumerate(shape):
        weights = np.zeros((count, side, most[axis]), np.float32)
        for number, here in enumerate(knots[:, axis]):
            line = np.linspace(1, here - 2, side, dtype=np.float32)
            weights[number, :, :here] = spline_weights(line, int(here))
        # The axis goes to the end, and the next one takes its place.
        field = torch.einsum("nckyx,nzk->ncyxz", field, torch.tensor(weights, device=device))
    return field


def _steps(rng: np.random.Generator, count: int, depth: int, step: float, device: str) -> Tensor:
    """Draw displacements in the plane (count, 3, z, 1, 1) that in some views jump where one heartbeat's slices end."""
    moved = np.zeros((count, 3, depth), np.float32)
    for number in np.flatnonzero(rng.random(count) < _STEPPED):
        beat = rng.uniform(*_BEAT_MM) / step
        slab = ((np.arange(depth) + rng.uniform(0, beat)) // beat).astype(int)
        moved[number, :2] = rng.normal(0, rng.uniform(0, _STEP_MM), (2, slab[-1] + 1))[:, slab]
    return torch.tensor(moved, device=device)[:, :, :, None, None]

"""Where a scanner samples the thorax: slices, pixels and the slice profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from scoring.phantom.grid import Floats, Grid, Point
from scoring.phantom.pose import STRAIGHT, Pose
from scoring.phantom.spec import PhantomSpec, SliceProfile

_HEART_MM: Final = (28.0, -8.0)
_BODY_MM: Final = (0.0, 20.0)

_GRID_MM: Final = (0.95, 0.95, 1.5)
_MARGIN_MM: Final = 4.0


@dataclass(frozen=True, slots=True)
class Scan:
    """Centres of pixels and slices in the scanner's frame (mm, ascending), thickness of the slices, kernel.

    `pose` leads from the thorax frame to the scanner's.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    z: NDArray[np.float64]
    thickness: float
    profile: SliceProfile
    kernel_fwhm: float = 1.0
    pose: Pose = STRAIGHT

    @classmethod
    def of(cls, spec: PhantomSpec, pose: Pose = STRAIGHT) -> Self:
        """The scan that a spec asks for, of a body that lies in a pose."""
        pixel = spec.field_of_view_mm / spec.matrix
        line = (np.arange(spec.matrix, dtype=np.float64) + 0.5) * pixel - spec.field_of_view_mm / 2
        length = spec.above_left_main_mm + spec.below_left_main_mm
        count = int(np.floor(length / spec.slice_increment_mm + 1e-9)) + 1
        bottom = spec.z_offset_mm - spec.below_left_main_mm
        z = bottom + np.arange(count, dtype=np.float64) * spec.slice_increment_mm
        # A small field of view is centred on the heart, one of 350 mm or more on the body.
        wide = float(np.clip((spec.field_of_view_mm - 230) / 120, 0, 1))
        x, y = (line + (1 - wide) * h + wide * b for h, b in zip(_HEART_MM, _BODY_MM, strict=True))
        return cls(x, y, z, spec.slice_thickness_mm, spec.slice_profile, spec.kernel_fwhm_mm, pose)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        return len(self.z), len(self.y), len(self.x)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxels along z, y, x."""
        return float(self.z[1] - self.z[0]), float(self.y[1] - self.y[0]), float(self.x[1] - self.x[0])

    @property
    def reach_mm(self) -> float:
        """How far from its centre a slice still sees."""
        return self.thickness / 2 if self.profile == "rectangular" else self.thickness

    def grid(self) -> Grid:
        """The grid on which the anatomy is painted before it is sliced; it holds the whole scan."""
        m = _MARGIN_MM
        # Pixels coarser than the usual ones need no finer painting than themselves.
        step = max(_GRID_MM[0], 1.5 * self.spacing_mm[2])
        x, y = self.x[[0, -1]], self.y[[0, -1]]
        if not self.pose.is_straight:
            x, y = self.pose.to_body(x[None, :], y[:, None])
        low: Point = (x.min() - m, y.min() - m, self.z[0] - self.reach_mm - m)
        high: Point = (x.max() + m, y.max() + m, self.z[-1] + self.reach_mm + m)
        return Grid.covering(low, high, (step, step, _GRID_MM[2]))

    def share(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> Floats:
        """Share of each slice's sensitivity that falls between heights `low` and `high`: (slices, heights)."""
        return (self._below(high - self.z[:, None]) - self._below(low - self.z[:, None])).astype(np.float32)

    def _below(self, height: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.profile == "rectangular":
            return np.clip(height / self.thickness + 0.5, 0, 1)
        t = np.clip(height / self.thickness, -1, 1)
        return np.asarray(np.where(t < 0, (1 + t) ** 2 / 2, 1 - (1 - t) ** 2 / 2))

    def slices(self, grid: Grid) -> Floats:
        """Weights (slices, heights of the grid) that turn painted planes into slices."""
        fine = np.linspace(float(grid.z[0]), float(grid.z[-1]), 6 * (len(grid.z) - 1) + 1)
        half = (fine[1] - fine[0]) / 2
        share = self.share(fine - half, fine + half)
        position = np.linspace(0, len(grid.z) - 1, len(fine))
        below = np.minimum(np.floor(position).astype(int), len(grid.z) - 2)
        linear = np.zeros((len(fine), len(grid.z)), dtype=np.float32)
        linear[np.arange(len(fine)), below] = 1 - (position - below)
        linear[np.arange(len(fine)), below + 1] += (position - below).astype(np.float32)
        return np.asarray(share @ linear, dtype=np.float32)


def interpolation(line: Floats, wanted: NDArray[np.float64]) -> Floats:
    """Weights (wanted, line) of cubic convolution (Keys 1981) from an even line of points to others."""
    weights = np.zeros((len(wanted), len(line)), dtype=np.float32)
    rows = np.arange(len(wanted))
    for at, w in _cubic(line, wanted):
        np.add.at(weights, (rows, at), w)
    return weights


def turned_interpolation(grid: Grid, scan: Scan) -> sparse.csr_array:
    """The same in the plane for a body that lies askew: weights (pixels of a slice, points of a plane)."""
    x, y = (v.ravel() for v in scan.pose.to_body(scan.x[None, :], scan.y[:, None]))
    columns = [
        (line * len(grid.x) + column, down * across)
        for line, down in _cubic(grid.y, y)
        for column, across in _cubic(grid.x, x)
    ]
    index = np.stack([at for at, _ in columns], axis=1).astype(np.int32)
    weights = np.stack([w for _, w in columns], axis=1)
    starts = np.arange(0, weights.size + 1, len(columns), dtype=np.int32)
    return sparse.csr_array((weights.ravel(), index.ravel(), starts), shape=(len(x), len(grid.y) * len(grid.x)))


def _cubic(line: Floats, wanted: NDArray[np.float64]) -> list[tuple[NDArray[np.intp], Floats]]:
    """The four neighbours on a line of each wanted position, with their weights."""
    step = float(line[1] - line[0])
    position = (wanted - float(line[0])) / step
    first = np.floor(position).astype(np.intp)
    f = position - first
    return [
        (np.clip(first + offset, 0, len(line) - 1), w.astype(np.float32))
        for offset, w in (
            (-1, ((-0.5 * f + 1) * f - 0.5) * f),
            (0, (1.5 * f - 2.5) * f * f + 1),
            (1, ((-1.5 * f + 2) * f + 0.5) * f),
            (2, (0.5 * f - 0.5) * f * f),
        )
    ]

"""The counted pixels of a lesion on one slice, and an outline that leaves every one of them visible."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.report.slices.field import Field

Run = tuple[int, int, int, int]
Corner = tuple[int, int]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of a picture."""

_PAD: Final = 6
_DASH: Final = 12.0
_DRAWN: Final = 0.6


@dataclass(frozen=True, slots=True)
class Shape:
    """Counted pixels in a picture: a mask (rows, columns) with a margin, and where its corner lies in the picture."""

    top: int
    left: int
    mask: NDArray[np.bool_]
    loops: tuple[NDArray[np.float64], ...]

    @property
    def box(self) -> Box:
        """Left, top, right and bottom of the line around it, in the picture."""
        height, width = self.mask.shape
        return (self.left + _PAD - 3, self.top + _PAD - 3, self.left + width - _PAD + 3, self.top + height - _PAD + 3)

    def nearest(self, row: float, column: float) -> tuple[float, float]:
        """The point of the border (row, column, in the picture) that is nearest to a point."""
        border = np.vstack(self.loops) + np.array([self.top, self.left])
        best = border[np.hypot(border[:, 0] - row, border[:, 1] - column).argmin()]
        return float(best[0]), float(best[1])

    def line(self, *, dashed: bool) -> NDArray[np.bool_]:
        """A line two pixels wide, one pixel outside of the mask; its own shape is that of the mask."""
        near = ndimage.binary_dilation(self.mask, iterations=1)
        ring = np.asarray(ndimage.binary_dilation(near, iterations=2) & ~near)
        return ring & self._drawn() if dashed else ring

    def _drawn(self) -> NDArray[np.bool_]:
        """Pixels nearer to a dash of the border than to a gap."""
        phase = np.zeros(self.mask.shape)
        seed = np.ones(self.mask.shape, dtype=bool)
        for loop in self.loops:
            steps = np.hypot(*np.diff(loop, axis=0).T)
            whole = float(steps.sum())
            dashes = max(round(whole / _DASH), 3)
            at = np.concatenate(([0.0], np.cumsum(steps)[:-1])) / whole * dashes
            rows, columns = np.minimum(loop[:-1].astype(int), np.array(self.mask.shape) - 1).T
            phase[rows, columns] = at % 1
            seed[rows, columns] = False
        nearest = ndimage.distance_transform_edt(seed, return_distances=False, return_indices=True)
        return np.asarray(phase[tuple(nearest)] < _DRAWN)


def shape_of(runs: Iterable[Run], index: int, field: Field) -> Shape | None:
    """The runs of one slice as they lie in a picture of `field`; None when the slice has none."""
    here = [run for run in runs if run[0] == index]
    if not here:
        return None
    boxes = [field.edges(row, column, length) for _, row, column, length in here]
    top, left = min(box[0] for box in boxes) - _PAD, min(box[1] for box in boxes) - _PAD
    bottom, right = max(box[2] for box in boxes) + _PAD, max(box[3] for box in boxes) + _PAD
    mask = np.zeros((bottom - top, right - left), dtype=bool)
    for first, start, last, end in boxes:
        mask[first - top : last - top, start - left : end - left] = True
    cells = {(row, column + step) for _, row, column, length in here for step in range(length)}
    return Shape(top, left, mask, tuple(_sample(loop, field, top, left) for loop in borders(cells)))


def borders(cells: set[Corner]) -> list[list[Corner]]:
    """Closed walks along the edges of a set of pixels (row, column): lists of corners that end where they began."""
    leaving: dict[Corner, list[Corner]] = {}
    for row, column in sorted(cells):
        for beside, start, end in (
            ((row - 1, column), (row, column), (row, column + 1)),
            ((row, column + 1), (row, column + 1), (row + 1, column + 1)),
            ((row + 1, column), (row + 1, column + 1), (row + 1, column)),
            ((row, column - 1), (row + 1, column), (row, column)),
        ):
            if beside not in cells:
                leaving.setdefault(start, []).append(end)
    loops: list[list[Corner]] = []
    for start, ends in leaving.items():
        while ends:
            loop = [start, ends.pop()]
            while loop[-1] != start:
                loop.append(leaving[loop[-1]].pop())
            loops.append(loop)
    return loops


def _sample(loop: list[Corner], field: Field, top: int, left: int) -> NDArray[np.float64]:
    """Points of a walk in the coordinates of the mask, at most two pixels apart."""
    corners = np.array(loop, dtype=float)
    corners[:, 0] = (corners[:, 0] - field.row) * field.down - top
    corners[:, 1] = (corners[:, 1] - field.column) * field.across - left
    parts = max(math.ceil(max(field.down, field.across) / 2), 1)
    between = np.linspace(corners[:-1], corners[1:], parts, endpoint=False, axis=1).reshape(-1, 2)
    return np.vstack([between, corners[-1:]])

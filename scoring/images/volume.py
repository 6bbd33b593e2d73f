"""A CT volume in Hounsfield units with its geometry in patient coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring.result import ImageRef

AIR_HU: Final = -1024
"""HU of a voxel outside the image: the lowest value of 12 stored bits at the usual intercept of -1024."""


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """The steps from a stored pixel matrix to (y, x): transposed first, then flipped.

    `rows` and `columns` are the size of the stored matrix.
    """

    rows: int
    columns: int
    transposed: bool = False
    flipped_y: bool = False
    flipped_x: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Size of the matrix with the axes (y, x)."""
        return (self.columns, self.rows) if self.transposed else (self.rows, self.columns)

    def canonical(self, stored: NDArray[Any]) -> NDArray[Any]:
        """The stored matrix (rows, columns) as a view with the axes (y, x)."""
        image = stored.T if self.transposed else stored
        return image[:: -1 if self.flipped_y else 1, :: -1 if self.flipped_x else 1]

    def from_stored(self, stored: NDArray[np.int32]) -> NDArray[np.int32]:
        """(slice, stored row, stored column), shape (n, 3), to array indices as (z, y, x)."""
        height, width = self.shape
        down, across = (stored[:, 2], stored[:, 1]) if self.transposed else (stored[:, 1], stored[:, 2])
        y = height - 1 - down if self.flipped_y else down
        x = width - 1 - across if self.flipped_x else across
        return np.stack((stored[:, 0], y, x), axis=1)

    def to_stored(self, voxels: NDArray[np.int32]) -> NDArray[np.int32]:
        """Array indices (n, 3) as (z, y, x) to (slice, stored row, stored column)."""
        height, width = self.shape
        y = height - 1 - voxels[:, 1] if self.flipped_y else voxels[:, 1]
        x = width - 1 - voxels[:, 2] if self.flipped_x else voxels[:, 2]
        return np.stack((voxels[:, 0], x, y) if self.transposed else (voxels[:, 0], y, x), axis=1)


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing slices: `missing` of them between slice `after` and the next one."""

    after: int
    missing: int


@dataclass(frozen=True, slots=True)
class Slabs:
    """How the slices of a volume came from thinner ones: each is the mean of whole neighbouring slices of `source`.

    `source` has their geometry, gaps and images, but `AIR_HU` throughout: the pixels of a long scan take as much memory
    as all else. `spans[i]` are the first of its slices in slice i and the one after the last, all spans being of one
    length, in order and without overlap. Slices at an end, or beside a gap, that fill no slab of their own are in none.
    """

    source: Volume
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Volume:
    """Slices of one series as one array in a fixed orientation, however they were stored.

    `hu` has the axes (z, y, x): z towards the head, y towards the back, x towards the patient's left
    (LPS, PS3.3 C.7.6.2.1.1), shape (slices, rows, columns), int16 HU. `spacing_mm` is (z, y, x), z along the
    normal of the slices. `origin_mm` is the (x, y, z) position of the centre of voxel [0, 0, 0]; column k of
    `axes` is the unit vector (x, y, z) along array axis k. Oblique series keep their true axes; where the
    gantry was tilted, so that each slice is shifted relative to the previous one, column 0 is that shifted
    direction for 1 mm along the normal and a little longer than 1. `images[i]` names the source of slice i.

    `offsets_mm`, when not None, holds each slice's distance from the first along the normal: the slices are
    not evenly spaced, and `gaps` says where some are missing. `stored` is None for an array that was not read from a
    file. `thickness_mm` is the Slice Thickness (0018,0050) that the headers state, None where they state none.

    `slabs`, when not None, says that these slices are means of thinner ones: `images` are then the middle ones.
    """

    hu: NDArray[np.int16]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    axes: NDArray[np.float64]
    images: tuple[ImageRef, ...]
    offsets_mm: tuple[float, ...] | None = None
    gaps: tuple[Gap, ...] = ()
    stored: StoredOrder | None = None
    thickness_mm: float | None = None
    slabs: Slabs | None = None

    @property
    def source(self) -> Volume:
        """The volume of the images themselves: this one, unless its slices are slabs."""
        return self if self.slabs is None else self.slabs.source

    def sources(self, index: int) -> range:
        """Indices, in `source`, of the images that one slice was made of."""
        return range(index, index + 1) if self.slabs is None else range(*self.slabs.spans[index])

    def to_patient(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Patient coordinates (x, y, z) in mm of array indices (..., 3) given as (z, y, x)."""
        place = np.asarray(index, dtype=np.float64)
        scaled = place * np.asarray(self.spacing_mm)
        if self.offsets_mm is not None:
            last = len(self.offsets_mm) - 1
            within = np.clip(place[..., 0], 0, last)
            scaled[..., 0] = np.interp(within, np.arange(last + 1), self.offsets_mm)
            scaled[..., 0] += (place[..., 0] - within) * self.spacing_mm[0]
        position: NDArray[np.float64] = np.asarray(self.origin_mm) + scaled @ self.axes.T
        return position

    def to_index(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Array indices (z, y, x), not rounded, of patient coordinates (..., 3) in mm given as (x, y, z)."""
        scaled = (np.asarray(position, dtype=np.float64) - np.asarray(self.origin_mm)) @ np.linalg.inv(self.axes).T
        index = np.asarray(scaled / np.asarray(self.spacing_mm), dtype=np.float64)
        if self.offsets_mm is not None:
            last = len(self.offsets_mm) - 1
            within = np.clip(scaled[..., 0], self.offsets_mm[0], self.offsets_mm[-1])
            index[..., 0] = np.interp(within, self.offsets_mm, np.arange(last + 1))
            index[..., 0] += (scaled[..., 0] - within) / self.spacing_mm[0]
        return index

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel, correct for a tilted gantry too."""
        return float(np.prod(self.spacing_mm))

"""Slicing: from the painted thorax to the slices of a scan."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from scipy import sparse

from scoring.phantom.grid import Floats, Grid
from scoring.phantom.scan import Scan

Labels = NDArray[np.uint8]
_STANDARD_FWHM_MM: Final = 1.0
_ROWS: Final = 24


def slice_thorax(hu: Floats, labels: Labels, grid: Grid, scan: Scan) -> tuple[Floats, Labels]:
    """Resample the painted grid to the slices of a scan: slice profile, in-plane cubic convolution, kernel."""
    image, tissues = _slice_tilted(hu, labels, grid, scan) if scan.tilt else _slice_upright(hu, labels, grid, scan)
    if scan.kernel_fwhm > _STANDARD_FWHM_MM:
        # The painted edges already have the width of the standard kernel: only the difference is added.
        sigma = np.sqrt(scan.kernel_fwhm**2 - _STANDARD_FWHM_MM**2) / 2.3548 / scan.spacing_mm[2]
        for plane in image:
            ndi.gaussian_filter(plane, sigma, output=plane)
    if scan.edge_enhancement:
        for plane in image:
            plane[:] = scan.sharpened(plane)
    return image, tissues


def _slice_upright(hu: Floats, labels: Labels, grid: Grid, scan: Scan) -> tuple[Floats, Labels]:
    planes = np.tensordot(_profile_weights(grid, scan), hu, 1)
    image = np.empty(scan.shape, dtype=np.float32)
    heights = _nearest_index(grid.z, scan.z)
    if scan.pose.is_straight:
        across, down = _cubic_weights(grid.x, scan.x), _cubic_weights(grid.y, scan.y)
        for k, plane in enumerate(planes):
            image[k] = down @ plane @ across.T
        return image, labels[np.ix_(heights, _nearest_index(grid.y, scan.y), _nearest_index(grid.x, scan.x))]
    x, y = scan.pose.to_body(scan.x[None, :], scan.y[:, None])
    weights = _rotated_weights(grid, x, y)
    for k, plane in enumerate(planes):
        image[k] = (weights @ plane.ravel()).reshape(scan.shape[1:])
    return image, labels[heights][:, _nearest_index(grid.y, y), _nearest_index(grid.x, x)]


def _slice_tilted(hu: Floats, labels: Labels, grid: Grid, scan: Scan) -> tuple[Floats, Labels]:
    """Do the same for a tilted gantry, a few rows at a time: each row of a slice has its own height."""
    image, tissues = np.empty(scan.shape, dtype=np.float32), np.empty(scan.shape, dtype=np.uint8)
    flat = np.ascontiguousarray(hu.reshape(len(hu), -1).T)
    for first in range(0, len(scan.y), _ROWS):
        rows = slice(first, first + _ROWS)
        along = scan.y[rows]
        x, y = scan.pose.to_body(scan.x[None, :], (along * np.cos(scan.tilt))[:, None])
        x, y = np.broadcast_arrays(x, y)
        columns = (_rotated_weights(grid, x, y) @ flat).reshape(*x.shape, len(hu))
        at_y, at_x = _nearest_index(grid.y, y), _nearest_index(grid.x, x)
        for number, rise in enumerate(along * np.sin(scan.tilt)):
            image[:, first + number] = _profile_weights(grid, scan, float(rise)) @ columns[number].T
            heights = _nearest_index(grid.z, scan.z + rise)
            tissues[:, first + number] = labels[heights[:, None], at_y[number], at_x[number]]
    return image, tissues


def _profile_weights(grid: Grid, scan: Scan, rise: float = 0.0) -> Floats:
    """Return weights (slices, grid heights) from painted planes to slices, `rise` mm above the slice centres."""
    fine = np.linspace(float(grid.z[0]), float(grid.z[-1]), 6 * (len(grid.z) - 1) + 1)
    half = (fine[1] - fine[0]) / 2
    share = scan.share(fine - rise - half, fine - rise + half)
    position = np.linspace(0, len(grid.z) - 1, len(fine))
    below = np.minimum(np.floor(position).astype(int), len(grid.z) - 2)
    linear = np.zeros((len(fine), len(grid.z)), dtype=np.float32)
    linear[np.arange(len(fine)), below] = 1 - (position - below)
    linear[np.arange(len(fine)), below + 1] += (position - below).astype(np.float32)
    return np.asarray(share @ linear, dtype=np.float32)


def _cubic_weights(line: Floats, positions: NDArray[np.float64]) -> Floats:
    """Return weights (positions, line) of cubic convolution (Keys 1981) from an evenly spaced line of points."""
    weights = np.zeros((len(positions), len(line)), dtype=np.float32)
    rows = np.arange(len(positions))
    for at, w in _cubic_neighbours(line, positions):
        np.add.at(weights, (rows, at), w)
    return weights


def _rotated_weights(grid: Grid, x: NDArray[np.float64], y: NDArray[np.float64]) -> sparse.csr_array:
    """Return the in-plane weights for a rotated body: (pixels at x, y of the body, points of a plane)."""
    x, y = x.ravel(), y.ravel()
    columns = [
        (line * len(grid.x) + column, down * across)
        for line, down in _cubic_neighbours(grid.y, y)
        for column, across in _cubic_neighbours(grid.x, x)
    ]
    index = np.stack([at for at, _ in columns], axis=1).astype(np.int32)
    weights = np.stack([w for _, w in columns], axis=1)
    starts = np.arange(0, weights.size + 1, len(columns), dtype=np.int32)
    return sparse.csr_array((weights.ravel(), index.ravel(), starts), shape=(len(x), len(grid.y) * len(grid.x)))


def _cubic_neighbours(line: Floats, positions: NDArray[np.float64]) -> list[tuple[NDArray[np.intp], Floats]]:
    """Return the four neighbours of each position on a line, with their weights."""
    step = float(line[1] - line[0])
    position = (positions - float(line[0])) / step
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


def _nearest_index(line: Floats, positions: NDArray[np.float64]) -> NDArray[np.intp]:
    step = np.rint((positions - line[0]) / (line[1] - line[0])).astype(np.intp)
    return np.asarray(np.clip(step, 0, len(line) - 1), dtype=np.intp)

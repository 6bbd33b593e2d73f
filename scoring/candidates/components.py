"""Connected components of sparse voxels, found through runs of neighbours along the rows.

Only the voxels above a threshold are touched, so that a chest of a thousand slices with all its bones needs
neither a label volume nor a loop over components.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Runs:
    """Voxels next to each other in one row, as one entry each; arrays of one length, sorted by z, y, x.

    `z`, `y`, `start` are the first voxel, `length` the number of voxels, `first` the index of the first voxel
    in the list of voxels that the runs were made from.
    """

    z: NDArray[np.int64]
    y: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    first: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.z)

    def take(self, chosen: NDArray[np.bool_]) -> Runs:
        """Only the chosen runs."""
        return Runs(self.z[chosen], self.y[chosen], self.start[chosen], self.length[chosen], self.first[chosen])


def find_runs(flat: NDArray[np.int64], shape: tuple[int, int, int]) -> Runs:
    """Runs of the voxels with the sorted flat indices `flat` in an array of `shape` (z, y, x)."""
    _, height, width = shape
    x = flat % width
    begins = np.ones(len(flat), dtype=np.bool_)
    begins[1:] = (np.diff(flat) != 1) | (x[1:] == 0)
    first = np.flatnonzero(begins)
    row = flat[first] // width
    return Runs(row // height, row % height, x[first], np.diff(first, append=len(flat)), first)


def label_runs(runs: Runs, steps: Sequence[tuple[int, int]], reach: int) -> tuple[int, NDArray[np.int64]]:
    """Number of components, and the component (from 0) of every run.

    `steps` are the (z, y) steps to the rows that touch, one of each opposite pair; `reach` is 1 where voxels
    that meet at a corner are connected, else 0. Components are numbered by their first run.
    """
    if not len(runs):
        return 0, np.zeros(0, dtype=np.int64)
    # one number per voxel in which no row borders on another, so that a search finds only true neighbours
    width = int((runs.start + runs.length).max()) + 3
    height = int(runs.y.max()) + 3
    row = runs.z * height + runs.y + 1
    begin = row * width + runs.start + 1
    end = begin + runs.length - 1
    pairs: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for dz, dy in steps:
        shift = (dz * height + dy) * width
        low = np.searchsorted(end, begin + shift - reach, side="left")
        high = np.searchsorted(begin, end + shift + reach, side="right")
        count = np.maximum(high - low, 0)
        source = np.repeat(np.arange(len(runs)), count)
        within = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
        pairs.append((source, np.repeat(low, count) + within))
    source = np.concatenate([pair[0] for pair in pairs])
    target = np.concatenate([pair[1] for pair in pairs])
    graph = coo_array((np.ones(len(source), dtype=np.int8), (source, target)), shape=(len(runs), len(runs)))
    number, found_label = connected_components(graph, directed=False)
    _, position, label = np.unique(found_label, return_index=True, return_inverse=True)
    rank = np.empty(number, dtype=np.int64)
    rank[np.argsort(position)] = np.arange(number)
    return int(number), rank[label]

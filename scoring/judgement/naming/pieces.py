"""Candidates cut into pieces small enough to lie in one artery, and how the pieces touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.candidates.agatston import Candidate
from scoring.candidates.conventions import Convention
from scoring.images.volume import Volume

CELL_MM: Final = 3.0
"""Side of a piece within a slice: that of the cubes the nets see."""
# share of a pixel through which voxels are joined that meet at an edge or a corner
_AT_EDGE: Final = 0.1
_STEPS: Final = tuple(step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0))


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of several candidates, numbered through.

    `of_voxel` holds, for each candidate, the piece of each of its voxels; `candidate` (n,) the candidate of each piece;
    `voxels` (n,) its number of voxels; `middles` (n, 3) their mean index (z, y, x). `pairs` (m, 2) are the pieces that
    touch, `area_mm2` (m,) where they do.
    """

    of_voxel: tuple[NDArray[np.intp], ...]
    candidate: NDArray[np.intp]
    voxels: NDArray[np.intp]
    middles: NDArray[np.float64]
    pairs: NDArray[np.intp]
    area_mm2: NDArray[np.float64]


def label_components(convention: Convention, voxels: NDArray[np.int32]) -> NDArray[np.intp]:
    """The two-dimensional component, from 0, of each voxel (n, 3) (z, y, x) of a candidate."""
    structure = np.zeros((3, 3, 3), bool)
    structure[1] = ndimage.generate_binary_structure(2, 2 if convention.connectivity == 8 else 1)
    return label_connected(voxels, structure)


def label_connected(voxels: NDArray[np.int32], structure: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The connected group, from 0, of each voxel (n, 3), where `structure` (3, 3, 3) connects."""
    local = voxels - voxels.min(axis=0)
    inside = np.zeros(local.max(axis=0) + 1, bool)
    inside[tuple(local.T)] = True
    return np.asarray(ndimage.label(inside, structure)[0][tuple(local.T)], dtype=np.intp) - 1


def cut(volume: Volume, convention: Convention, candidates: Sequence[Candidate]) -> Pieces:
    """Cut every component of the candidates into cells of about 3 mm, counted from its middle."""
    numbers, owners, pairs, areas = [], [], [], []
    first = 0
    for index, candidate in enumerate(candidates):
        number = _cut_one(volume, label_components(convention, candidate.voxels), candidate.voxels)
        touching, area = _find_contacts(volume, candidate.voxels, number)
        numbers.append(number + first)
        pairs.append(touching + first)
        areas.append(area)
        owners.append(np.full(int(number.max()) + 1, index, dtype=np.intp))
        first += len(owners[-1])
    number, every = np.concatenate(numbers), np.concatenate([item.voxels for item in candidates])
    count = np.bincount(number, minlength=first)
    return Pieces(
        of_voxel=tuple(numbers),
        candidate=np.concatenate(owners),
        voxels=count,
        middles=np.stack([np.bincount(number, column, first) for column in every.T], axis=1) / count[:, None],
        pairs=np.concatenate(pairs),
        area_mm2=np.concatenate(areas),
    )


def _cut_one(volume: Volume, component: NDArray[np.intp], voxels: NDArray[np.int32]) -> NDArray[np.intp]:
    count = np.bincount(component)
    cells = [component]
    for axis in (1, 2):
        middle = np.bincount(component, voxels[:, axis]) / count
        # to whole thousandths, so that a middle on the border between two cells does not depend on rounding errors
        away = np.round((voxels[:, axis] - middle[component]) * volume.spacing_mm[axis] / CELL_MM, 3)
        cells.append(np.floor(away + 0.5).astype(np.intp))
    return np.unique(np.stack(cells, axis=1), axis=0, return_inverse=True)[1].reshape(-1)


def _find_contacts(
    volume: Volume, voxels: NDArray[np.int32], number: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The pairs of pieces (m, 2) of one candidate that touch, and the areas (m,) in mm2."""
    local = voxels - voxels.min(axis=0) + 1
    grid = np.full(local.max(axis=0) + 2, -1, dtype=np.intp)
    grid[tuple(local.T)] = number
    sides = np.asarray(volume.spacing_mm)
    pieces = int(number.max()) + 1
    keys, areas = [], []
    for step in _STEPS:
        other = grid[tuple((local + step).T)]
        joined = (other >= 0) & (other != number)
        low, high = np.minimum(number, other)[joined], np.maximum(number, other)[joined]
        keys.append(low * pieces + high)
        face = np.prod(sides[np.asarray(step) == 0]) if np.count_nonzero(step) == 1 else _AT_EDGE * sides[1] * sides[2]
        areas.append(np.full(len(low), face))
    key, where = np.unique(np.concatenate(keys), return_inverse=True)
    area = np.bincount(where.reshape(-1), np.concatenate(areas), len(key))
    return np.stack((key // pieces, key % pieces), axis=1), area.astype(np.float64)

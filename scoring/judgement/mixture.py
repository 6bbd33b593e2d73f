"""Long candidates in which coronary calcium touches calcium of the root or the annulus, parted between slices."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.heart import Heart
from scoring.candidates import agatston
from scoring.candidates.agatston import Candidate
from scoring.candidates.conventions import Convention
from scoring.images.volume import AIR_HU, Volume
from scoring.result import ARTERIES, COUNTED

LONG_MM: Final = 15.0
"""Shorter ones are one deposit: the longest piece that a ring of root or annulus and an artery share."""
SMALLEST: Final = 10.0
"""Agatston score under which a part stays with the rest: less than repeated scans differ by (Chung, AJR 2008)."""


def part(volume: Volume, convention: Convention, heart: Heart, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, with the long ones that lie in several structures replaced by their parts.

    A component of a slice stays whole, so the parts' Agatston scores add up to the candidate's. It belongs to the
    arteries, the root or the annulus where one of these is more likely than not, else with the nearest component that
    does.
    """
    spacing = np.asarray(volume.spacing_mm)
    parted: list[Candidate] = []
    fewest = LONG_MM / np.linalg.norm(spacing)
    for candidate in candidates:
        if len(candidate.voxels) < fewest:
            parted.append(candidate)
            continue
        reach = candidate.voxels.max(axis=0) - candidate.voxels.min(axis=0)
        if np.linalg.norm(reach * spacing) < LONG_MM or candidate.volume_mm3 > _LARGEST_MM3:
            parted.append(candidate)
        else:
            parted += _part_one(volume, convention, heart, candidate)
    return [dataclasses.replace(item, id=number) for number, item in enumerate(parted, start=1)]


_LARGEST_MM3: Final = 20_000.0
_NONE: Final = -1


def _part_one(volume: Volume, convention: Convention, heart: Heart, candidate: Candidate) -> list[Candidate]:
    spacing = np.asarray(volume.spacing_mm)
    component = _label(convention, candidate.voxels)
    numbers = np.arange(int(component.max()) + 1)
    likely = heart.likelihood(candidate.voxels * spacing)
    groups = [[heart.places.index(name) for name in ARTERIES]]
    groups += [[heart.places.index(name)] for name in ("root", "annulus") if name in heart.places]
    share = np.array([ndimage.mean(likely[group].sum(axis=0), component, numbers) for group in groups])
    owner = np.where(share.max(axis=0) >= COUNTED, share.argmax(axis=0), _NONE)
    known = np.flatnonzero(owner != _NONE)
    if len(np.unique(owner[known])) < 2:
        return [candidate]
    middle = np.column_stack([ndimage.mean(candidate.voxels[:, k], component, numbers) for k in range(3)]) * spacing
    away = np.linalg.norm(middle[:, None] - middle[known][None], axis=2)
    owner = owner[known[away.argmin(axis=1)]]
    parts = [
        part for name in np.unique(owner) for part in regroup(volume, convention, candidate, (owner == name)[component])
    ]
    large = sum(item.agatston >= SMALLEST for item in parts)
    return parts if large > 1 else [candidate]


def _label(convention: Convention, voxels: NDArray[np.int32]) -> NDArray[np.intp]:
    """The number of the component of its slice to which each voxel belongs, from 0."""
    low = voxels.min(axis=0)
    inside = np.zeros(voxels.max(axis=0) - low + 1, bool)
    inside[tuple((voxels - low).T)] = True
    structure = np.zeros((3, 3, 3), bool)
    structure[1] = ndimage.generate_binary_structure(2, 2 if convention.connectivity == 8 else 1)
    return np.asarray(ndimage.label(inside, structure)[0][tuple((voxels - low).T)] - 1, dtype=np.intp)


def regroup(volume: Volume, convention: Convention, candidate: Candidate, kept: NDArray[np.bool_]) -> list[Candidate]:
    """The groups that some of a candidate's components form by themselves."""
    voxels = candidate.voxels[kept]
    low, high = voxels.min(axis=0), voxels.max(axis=0) + 1
    corner = np.array([0, low[1], low[2]], dtype=np.int32)
    hu = np.full((len(volume.hu), high[1] - low[1], high[2] - low[2]), AIR_HU, dtype=np.int16)
    hu[tuple((voxels - corner).T)] = volume.hu[tuple(voxels.T)]
    x, y, z = (float(v) for v in volume.to_patient(corner.astype(np.float64)))
    alone = dataclasses.replace(volume, hu=hu, origin_mm=(x, y, z), stored=None, slabs=None)
    # By their voxels: interpolated between slices, a part alone would lose what lies between it and the others.
    voxel_mm3 = candidate.volume_mm3 / len(candidate.voxels)
    return [
        dataclasses.replace(item, voxels=item.voxels + corner, volume_mm3=len(item.voxels) * voxel_mm3)
        for item in agatston.candidates(alone, convention)
    ]

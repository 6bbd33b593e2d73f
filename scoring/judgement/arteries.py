"""The artery of each part of a lesion: one lesion can extend from the left main into both of its branches."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.heart import Heart
from scoring.candidates import agatston
from scoring.candidates.agatston import Candidate
from scoring.candidates.conventions import Convention
from scoring.images.volume import AIR_HU, Volume
from scoring.result import ARTERIES, Artery

LONG_MM: Final = 6.0
SMALLEST: Final = 1.0


def find_nearest(heart: Heart, points_mm: NDArray[np.float64]) -> Artery:
    """The artery whose likely course is nearest to points (n, 3) (z, y, x), by their median distance."""
    return ARTERIES[int(np.median(heart.course_mm(points_mm), axis=1).argmin())]


def divide(
    volume: Volume, convention: Convention, heart: Heart, candidate: Candidate
) -> list[tuple[Artery, Candidate]]:
    """The candidate with its artery, or its parts where components of it lie in different arteries.

    Components stay whole, so that the sum of the parts' Agatston scores is the candidate's. A part under a score of 1
    stays with the rest.
    """
    spacing = np.asarray(volume.spacing_mm)
    points = candidate.voxels * spacing
    whole = [(find_nearest(heart, points), candidate)]
    if np.ptp(points, axis=0).max() < LONG_MM:
        return whole
    low, high = candidate.voxels.min(axis=0), candidate.voxels.max(axis=0) + 1
    local = candidate.voxels - low
    inside = np.zeros(high - low, bool)
    inside[tuple(local.T)] = True
    structure = np.zeros((3, 3, 3), bool)
    structure[1] = ndimage.generate_binary_structure(2, 2 if convention.connectivity == 8 else 1)
    component = ndimage.label(inside, structure)[0][tuple(local.T)]
    owner = np.empty(len(local), dtype=np.intp)
    for number in np.unique(component):
        here = component == number
        owner[here] = ARTERIES.index(find_nearest(heart, points[here]))
    if len(np.unique(owner)) == 1:
        return whole
    divided = [
        (ARTERIES[number], part)
        for number in np.unique(owner)
        for part in _regroup(volume, convention, candidate, owner == number)
    ]
    if any(part.agatston < SMALLEST for _, part in divided):
        return whole
    return divided


def _regroup(volume: Volume, convention: Convention, candidate: Candidate, kept: NDArray[np.bool_]) -> list[Candidate]:
    """The groups that some of a candidate's components form by themselves."""
    voxels = candidate.voxels[kept]
    low, high = voxels.min(axis=0), voxels.max(axis=0) + 1
    corner = np.array([0, low[1], low[2]], dtype=np.int32)
    hu = np.full((len(volume.hu), high[1] - low[1], high[2] - low[2]), AIR_HU, dtype=np.int16)
    hu[tuple((voxels - corner).T)] = volume.hu[tuple(voxels.T)]
    x, y, z = (float(v) for v in volume.to_patient(corner.astype(np.float64)))
    alone = dataclasses.replace(volume, hu=hu, origin_mm=(x, y, z), stored=None)
    # By their voxels: interpolated between slices, a part alone would lose what lies between it and the others.
    voxel_mm3 = candidate.volume_mm3 / len(candidate.voxels)
    return [
        dataclasses.replace(part, voxels=part.voxels + corner, volume_mm3=len(part.voxels) * voxel_mm3)
        for part in agatston.candidates(alone, convention)
    ]

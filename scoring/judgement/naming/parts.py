"""The parts of a candidate by artery, whose scores add up to the candidate's.

A component of a slice that lies in two arteries keeps its own score, area x weight of its maximum (Agatston et al.,
J Am Coll Cardiol 1990;15:827). Its parts share that score in proportion to their own area x weight of their own
maximum: a dense part weighs more than a faint one of the same area, and the sum does not depend on the parting.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.candidates.agatston import Candidate
from scoring.candidates.conventions import Convention
from scoring.images.volume import Volume
from scoring.judgement.naming.pieces import label_components, label_connected
from scoring.result import ARTERIES, Artery

SMALLEST: Final = 1.0
_TOUCHING: Final = np.ones((3, 3, 3), bool)


def part(
    volume: Volume, convention: Convention, candidate: Candidate, owner: NDArray[np.intp]
) -> list[tuple[Artery, Candidate]]:
    """The connected parts of a candidate whose voxels belong to the arteries `owner` (n,), by artery and position.

    A part under an Agatston score of 1 goes to the artery of the largest part that it touches. A candidate of one
    artery stays as it is. Volumes are shared by voxels.
    """
    owner = owner.copy()
    number = _number_parts(candidate.voxels, owner)
    while number.max():
        scores = share_scores(volume, convention, candidate, number)
        smallest = int(scores.argmin())
        if scores[smallest] >= SMALLEST:
            break
        touched = _find_touched(candidate.voxels, number, smallest)
        owner[number == smallest] = owner[number == touched[scores[touched].argmax()]][0]
        number = _number_parts(candidate.voxels, owner)
    if not number.max():
        return [(ARTERIES[int(owner[0])], candidate)]
    scores = share_scores(volume, convention, candidate, number)
    return [
        (ARTERIES[int(owner[number == index][0])], _take(volume, candidate, number == index, float(score)))
        for index, score in enumerate(scores)
    ]


def share_scores(
    volume: Volume, convention: Convention, candidate: Candidate, number: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Agatston score of each part of a candidate, whose voxels belong to the parts `number` (n,), from 0 to all."""
    component = label_components(convention, candidate.voxels)
    hu = volume.hu[tuple(candidate.voxels.T)]
    parts = int(number.max()) + 1
    own = weigh(convention, hu, component * parts + number, (int(component.max()) + 1) * parts).reshape(-1, parts)
    whole = weigh(convention, hu, component, len(own))
    each = (own / own.sum(axis=1, keepdims=True) * whole[:, None]).sum(axis=0)
    return np.asarray(each / whole.sum() * candidate.agatston)


def weigh(convention: Convention, hu: NDArray[np.int16], number: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    """Pixels x weight of the maximum of each of `count` groups of voxels, of which `number` (n,) is each voxel's."""
    peak = np.full(count, np.iinfo(np.int16).min, dtype=np.int16)
    np.maximum.at(peak, number, hu)
    weight = np.searchsorted(np.asarray(convention.thresholds), peak, side="right")
    return np.asarray(np.bincount(number, minlength=count) * weight, dtype=np.float64)


def _number_parts(voxels: NDArray[np.int32], owner: NDArray[np.intp]) -> NDArray[np.intp]:
    """Numbers of the connected parts of one artery (n,), by artery and position, from 0."""
    number = np.zeros(len(owner), dtype=np.intp)
    first = 0
    for artery in np.unique(owner):
        here = owner == artery
        number[here] = label_connected(voxels[here], _TOUCHING) + first
        first = int(number[here].max()) + 1
    return number


def _find_touched(voxels: NDArray[np.int32], number: NDArray[np.intp], index: int) -> NDArray[np.intp]:
    """The parts that one part touches."""
    inside = np.zeros(voxels.max(axis=0) - voxels.min(axis=0) + 3, dtype=np.intp)
    local = tuple((voxels - voxels.min(axis=0) + 1).T)
    inside[local] = number + 1
    around = [
        np.roll(inside, (dz, dy, dx), axis=(0, 1, 2))[inside == index + 1]
        for dz in (-1, 0, 1)
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    ]
    touched = np.unique(np.concatenate(around)) - 1
    return np.asarray(touched[(touched >= 0) & (touched != index)])


def _take(volume: Volume, candidate: Candidate, kept: NDArray[np.bool_], agatston: float) -> Candidate:
    voxels = candidate.voxels[kept]
    hu = volume.hu[tuple(voxels.T)]
    x, y, z = volume.to_patient(voxels.astype(np.float64)).mean(axis=0).tolist()
    return replace(
        candidate,
        voxels=voxels,
        agatston=agatston,
        volume_mm3=candidate.volume_mm3 * len(voxels) / len(candidate.voxels),
        max_hu=float(hu.max()),
        mean_hu=float(hu.mean()),
        centroid_mm=(x, y, z),
    )

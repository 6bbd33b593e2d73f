"""Matching of counted lesions to the true calcifications of a phantom, by position.

The truth records the centre and the length of a calcification, not its course. A lesion therefore belongs to a
calcification if it comes as near to its centre as half its length, plus 2 mm and half a slice for blur and sampling.
If the centre of a distractor is nearer, and within 4 mm, the lesion is that distractor: all distractors except stents
keep clear of the coronary arteries.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.images.slices import Plane
from scoring.phantom import Truth
from scoring.result import Artery, Lesion

Point = tuple[float, float, float]

SLACK_MM: Final = 2.0
FOREIGN_MM: Final = 4.0
COVER_MM: Final = 1.0
KIND_MM: Final = 20.0


@dataclass(frozen=True, slots=True)
class Match:
    """For each counted lesion the index of its calcification or None, and the calcifications that were found."""

    owners: tuple[int | None, ...]
    found: frozenset[int]


def nearest_mm(lesions: Sequence[Lesion], truth: Truth, planes: Mapping[str, Plane]) -> list[list[float]]:
    """Return the distance from each lesion's nearest voxel to the centre of each calcification.

    `planes` holds the plane of each image by its SOP Instance UID. Raises ValueError if one has no position.
    """
    centres = np.asarray([item.centre_mm for item in truth.lesions]).reshape(-1, 3)
    distances = []
    for lesion in lesions:
        images = {image.slice: planes[image.sop_instance_uid] for image in lesion.images}
        points = np.concatenate([_points(images[z], row, first, length) for z, row, first, length in lesion.runs])
        apart = np.linalg.norm(points[:, None] - centres[None], axis=2)
        distances.append([round(float(value), 2) for value in apart.min(axis=0)])
    return distances


def _points(plane: Plane, row: int, first: int, length: int) -> NDArray[np.float64]:
    """Return the patient coordinates of pixels in a row (PS3.3 C.7.6.2.1.1)."""
    if plane.position is None or plane.orientation is None or plane.pixel_spacing is None:
        raise ValueError("an image that was scored has a position")
    across = np.asarray(plane.orientation[:3]) * plane.pixel_spacing[1]
    down = np.asarray(plane.orientation[3:]) * plane.pixel_spacing[0]
    columns = np.arange(first, first + length)[:, None]
    return np.asarray(np.asarray(plane.position) + row * down + columns * across, dtype=np.float64)


def owner(
    centroid_mm: Point, truth: Truth, thickness_mm: float, distances_mm: Sequence[float] | None = None
) -> int | None:
    """Return the index of the calcification to which a lesion or candidate belongs, None if there is none.

    `distances_mm` are the distances to the centre of each calcification; by default those of the centroid.
    """
    if distances_mm is None:
        distances_mm = [math.dist(centroid_mm, item.centre_mm) for item in truth.lesions]
    foreign = min((math.dist(centroid_mm, item.centre_mm) for item in truth.distractors), default=math.inf)
    best: tuple[float, int] | None = None
    for index, (item, apart) in enumerate(zip(truth.lesions, distances_mm, strict=True)):
        reach = max(item.length_mm, item.diameter_mm) / 2 + SLACK_MM + thickness_mm / 2
        if apart <= reach and not foreign < min(FOREIGN_MM, apart):
            best = min(best or (math.inf, -1), (apart / reach, index))
    return None if best is None else best[1]


def match(lesions: Sequence[Lesion], nearest: Sequence[Sequence[float]], truth: Truth, thickness_mm: float) -> Match:
    """Match counted lesions; one that contains the centres of several calcifications has found them all."""
    owners = [
        owner(lesion.centroid_mm, truth, thickness_mm, distances)
        for lesion, distances in zip(lesions, nearest, strict=True)
    ]
    matched = {index for index in owners if index is not None}
    for index, item in enumerate(truth.lesions):
        cover = item.diameter_mm / 2 + COVER_MM + thickness_mm / 2
        if any(distances[index] <= cover for distances in nearest):
            matched.add(index)
    return Match(tuple(owners), frozenset(matched))


def artery(index: int | None, truth: Truth) -> Artery | None:
    """Return the artery of a calcification."""
    return None if index is None else truth.lesions[index].artery


def kind(centroid_mm: Point, truth: Truth) -> str | None:
    """Return the kind of the nearest distractor whose centre is within 20 mm."""
    distances = [(math.dist(centroid_mm, item.centre_mm), item.kind) for item in truth.distractors]
    return min((item for item in distances if item[0] <= KIND_MM), default=(0.0, None))[1]

"""A lesion cut in two at a click.

The cut is the plane through the click across the lesion's course there, but only where the click is: a plane has no
end, and where a lesion bends back or forks, as at the division of the left main, it would also cut the branch that runs
beside the one that was clicked. So the course is measured near the click, and only voxels that touch across the plane
within the cross-section that holds the click are parted. If the lesion holds together around the cut (a ring, a
sheet), the whole plane parts it.

At a fork a cut can leave three pieces, trunk and two branches. The two of the highest score become the two lesions, and
any other stays with the one of the two that it touched: a second click there parts it too.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from scoring.review.adding import find_near
from scoring.review.edits import EditRefused, Place
from scoring.review.region import Region
from scoring.review.scan import Scan

COURSE_MM: Final = 4.0
"""How near, as the spread of a normal distribution, the course at a click is measured: the width of an artery."""
_STEPS: Final = np.array([step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0)], dtype=np.int32)

Mask = NDArray[np.bool_]


def find_parts(scan: Scan, region: Region, at: Place) -> NDArray[np.intp]:
    """The part, 0 or 1, of each voxel of a region that is cut at a click; 0 holds the first voxel.

    Raises EditRefused: `outside` the images, `not_in_lesion`, and `nothing_beyond` where the click is at an end.
    """
    voxel = find_near(scan, region.voxels, scan.find_voxel(at))
    if voxel is None:
        raise EditRefused("not_in_lesion", lesion=region.id)
    spacing = np.asarray(scan.volume.spacing_mm)
    places = (region.voxels - voxel) * spacing
    pairs = _find_pairs(region.voxels)
    course = _find_course(places)
    along = places @ course
    # at an end of the lesion the clicked voxels themselves are one side
    for beyond in (along >= -_ROUNDING_MM, along > _ROUNDING_MM):
        if beyond.any() and not beyond.all():
            break
    else:
        raise EditRefused("nothing_beyond", lesion=region.id)
    crossing = beyond[pairs[:, 0]] != beyond[pairs[:, 1]]
    number = _label(len(places), pairs[~crossing | ~_find_section(places, course, spacing, pairs, along)])
    if _count_touched(number, pairs, crossing) < 2:
        number = beyond.astype(np.intp)
    return _merge(number, pairs, region.shares)


_ROUNDING_MM: Final = 1e-6


def _find_pairs(voxels: NDArray[np.int32]) -> NDArray[np.intp]:
    """The pairs (m, 2) of voxels that touch (26-connected)."""
    local = voxels - voxels.min(axis=0) + 1
    grid = np.full(local.max(axis=0) + 2, -1, dtype=np.intp)
    grid[tuple(local.T)] = np.arange(len(voxels))
    pairs = []
    for step in _STEPS:
        other = grid[tuple((local + step).T)]
        first = np.flatnonzero(other >= 0)
        pairs.append(np.stack((first, other[first]), axis=1))
    return np.concatenate(pairs)


def _find_course(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit vector along a lesion near the origin: the longest axis of its voxels (n, 3) in mm, the near ones most.

    The weights fall off without an edge, which would turn the axis of a bar that is clicked beside its middle.
    """
    weight = np.exp(-0.5 * np.square(places / COURSE_MM).sum(axis=1))
    away = places - np.average(places, axis=0, weights=weight)
    axis = np.linalg.eigh((away * weight[:, None]).T @ away)[1][:, -1]
    return np.asarray(axis * np.sign(axis[np.abs(axis).argmax()]))


def _find_section(
    places: NDArray[np.float64],
    course: NDArray[np.float64],
    spacing: NDArray[np.float64],
    pairs: NDArray[np.intp],
    along: NDArray[np.float64],
) -> Mask:
    """Which pairs lie in the cross-section that holds the click: as thick as one step, connected with the click."""
    thick = np.abs(along) <= float(np.abs(course) @ spacing) + _ROUNDING_MM
    inside = thick[pairs[:, 0]] & thick[pairs[:, 1]]
    number = _label(len(places), pairs[inside])
    clicked = int(np.linalg.norm(places, axis=1).argmin())
    return np.asarray(inside & (number[pairs[:, 0]] == number[clicked]))


def _label(count: int, pairs: NDArray[np.intp]) -> NDArray[np.intp]:
    """The group, from 0, of each of `count` voxels that `pairs` join."""
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def _count_touched(number: NDArray[np.intp], pairs: NDArray[np.intp], crossing: Mask) -> int:
    """How many groups meet at the plane; one means that it parted nothing."""
    return len(np.unique(number[pairs[crossing]]))


def _merge(number: NDArray[np.intp], pairs: NDArray[np.intp], shares: NDArray[np.float64]) -> NDArray[np.intp]:
    """The two groups of the highest score; every other goes with the one of them that it touches, else the first."""
    score = np.bincount(number, weights=shares)
    first, second = np.argsort(-score, kind="stable")[:2].tolist()
    owner = np.full(len(score), -1, dtype=np.intp)
    owner[first], owner[second] = 0, 1
    for _ in range(len(score)):
        left, right = owner[number[pairs[:, 0]]], owner[number[pairs[:, 1]]]
        open_left, open_right = (left < 0) & (right >= 0), (right < 0) & (left >= 0)
        if not (open_left | open_right).any():
            break
        groups = np.concatenate((number[pairs[open_left, 0]], number[pairs[open_right, 1]]))
        sides = np.concatenate((right[open_left], left[open_right]))
        contact = np.stack([np.bincount(groups[sides == side], minlength=len(score)) for side in (0, 1)])
        reached = contact.sum(axis=0) > 0
        owner[reached] = contact[:, reached].argmax(axis=0)
    part = np.maximum(owner, 0)[number]
    return np.asarray(part if part[0] == 0 else 1 - part, dtype=np.intp)

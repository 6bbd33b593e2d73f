"""How likely two lesions lie in one vessel: near and in line with each other, or side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

REACH_MM: Final = 25.0
FALL_MM: Final = 10.0
# A lesion has a direction where it is longer than a vessel is wide (left main 4.5 mm) with the blur of the image.
LONG_MM, SLENDER = 8.0, 2.0
UNDIRECTED: Final = 0.5


def link(
    centres: NDArray[np.float64],
    candidate: NDArray[np.intp],
    weight: NDArray[np.float64],
    shapes: Sequence[NDArray[np.float64]],
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Pairs (m, 2) of pieces that link two lesions, and for each a value above 0 (one vessel) or below (two vessels).

    `centres` (n, 3) of the pieces in mm, `candidate` (n,) the lesion of each and `weight` (n,) what it counts; `shapes`
    are the lesions' voxels (k, 3) in mm. Lesions are linked that have no third one between them: those in line by their
    nearest pieces, up to 1; those side by side piece by piece, as the longer they run so, the more it says.
    """
    apart = cdist(centres, centres)
    nearest = np.full((len(shapes), len(shapes)), np.inf)
    np.minimum.at(nearest, (candidate[:, None], candidate), apart)
    np.fill_diagonal(nearest, 0.0)
    directions = [find_direction(points) for points in shapes]
    pairs, values = [np.zeros((0, 2), dtype=np.intp)], [np.zeros(0)]
    for a, b in np.argwhere(np.triu(nearest <= REACH_MM, 1)):
        between = np.maximum(nearest[a], nearest[b])
        between[[a, b]] = np.inf
        if between.min() < nearest[a, b]:
            continue
        first, second = np.flatnonzero(candidate == a), np.flatnonzero(candidate == b)
        if weight[first].sum() > weight[second].sum():
            first, second = second, first
        other = second[apart[np.ix_(first, second)].argmin(axis=1)]
        near = np.exp(-apart[first, other] / FALL_MM)
        best = int(near.argmax())
        step = centres[other[best]] - centres[first[best]]
        aligned = (measure_alignment(directions[a], step) + measure_alignment(directions[b], step)) / 2
        chosen = slice(best, best + 1) if aligned > 0 else slice(None)
        counts = 1.0 if aligned > 0 else weight[first]
        pairs.append(np.stack((first, other), axis=1)[chosen])
        values.append((aligned * counts * near)[chosen])
    return np.concatenate(pairs), np.concatenate(values)


def find_direction(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The direction (3,) of a lesion's voxels (n, 3) in mm; its length, 0 to 1, is how clear it is."""
    middle = points - points.mean(axis=0)
    axes = np.linalg.eigh(middle.T @ middle)[1][:, ::-1]
    length, width = np.ptp(middle @ axes[:, :2], axis=0) + 1e-9
    clear = np.clip(length / LONG_MM - 0.5, 0, 1) * np.clip(length / width - SLENDER / 2, 0, 1)
    return np.asarray(axes[:, 0] * clear)


def find_directions(
    centres: NDArray[np.float64], candidate: NDArray[np.intp], shapes: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The direction (n, 3) of the calcium round each piece; see `find_direction`."""
    return np.array(
        [
            find_direction(shapes[owner][np.linalg.norm(shapes[owner] - centre, axis=1) <= LONG_MM])
            for centre, owner in zip(centres, candidate, strict=True)
        ]
    )


def measure_alignment(direction: NDArray[np.float64], step: NDArray[np.float64]) -> float:
    """From 1 where the step to another lesion leads along a direction, to -1 across it; 1/2 where there is none."""
    clear, length = float(np.linalg.norm(direction)), float(np.linalg.norm(step))
    if not clear or not length:
        return UNDIRECTED
    cosine = float(direction @ step) / (clear * length)
    return (1 - clear) * UNDIRECTED + clear * (2 * cosine**2 - 1)

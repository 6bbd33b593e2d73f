"""Candidate calcifications in a volume: Agatston score, volume and attenuation of each.

Agatston et al., J Am Coll Cardiol 1990;15:827: in every slice the connected pixels from 130 HU are weighted
by their own maximum; here times slice spacing / 3 mm, because the spacing of the positions, not the thickness of
the slices, determines how often a calcification is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scoring.candidates.components import Runs, find_runs, label_runs
from scoring.images.slabbing import REFERENCE_MM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoring.candidates.conventions import Convention
    from scoring.images.volume import Volume

# steps to the neighbouring rows, (z, y): within a slice, and among the 26 neighbours
_IN_PLANE = ((0, 1),)
_IN_SPACE = ((0, 1), (1, -1), (1, 0), (1, 1))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A three-dimensional group (26-connected) of components that count.

    `voxels` are array indices (z, y, x), int32, shape (n, 3), sorted. `centroid_mm` is the mean position of the
    voxels' centres, (x, y, z) in patient coordinates. `agatston` has no unit. `id` counts from 1.
    """

    id: int
    voxels: NDArray[np.int32]
    agatston: float
    volume_mm3: float
    max_hu: float
    mean_hu: float
    centroid_mm: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Voxels:
    """Voxels that count: flat index, HU, and the runs they form."""

    flat: NDArray[np.int64]
    hu: NDArray[np.int16]
    runs: Runs


def candidates(volume: Volume, convention: Convention, mask: NDArray[np.bool_] | None = None) -> list[Candidate]:
    """Every candidate of the volume, in the order of its first voxel.

    `mask`, of the volume's shape, keeps only voxels inside it before components are formed. Components across
    a gap of missing slices are not joined.
    """
    bright = _select_above(volume, convention.threshold_hu, mask)
    number, component = label_runs(bright.runs, _IN_PLANE, reach=int(convention.connectivity == 8))
    if not number:
        return []
    pixel_mm2 = volume.spacing_mm[1] * volume.spacing_mm[2]
    pixels = _sum_by_component(component, bright.runs.length, number)
    peak = np.full(number, np.iinfo(np.int16).min, dtype=np.int16)
    np.maximum.at(peak, component, np.maximum.reduceat(bright.hu, bright.runs.first))
    weight = np.searchsorted(np.asarray(convention.thresholds), peak, side="right")
    scores = pixels * pixel_mm2 * weight * volume.spacing_mm[0] / REFERENCE_MM
    kept = _select_large(pixels, pixel_mm2, convention)[component]

    # share of each run in its component's score, so that one sum over the runs is the lesion's score
    share = (bright.runs.length / pixels[component] * scores[component])[kept]
    counted = bright.runs.take(kept)
    number, lesion = label_runs(_separate_at_gaps(counted, volume), _IN_SPACE, reach=1)
    agatston = _sum_by_component(lesion, share, number)
    chosen = np.repeat(kept, bright.runs.length)
    return _group(
        volume,
        convention,
        bright.flat[chosen],
        bright.hu[chosen],
        lesion=np.repeat(lesion.astype(np.int32), counted.length),
        agatston=agatston,
    )


def _sum_by_component(group: NDArray[np.int64], values: NDArray[Any], number: int) -> NDArray[np.float64]:
    return np.bincount(group, weights=values, minlength=number).astype(np.float64)


def _select_above(volume: Volume, threshold: float, mask: NDArray[np.bool_] | None) -> _Voxels:
    # slice by slice: comparing a whole chest at once would take as much memory again
    size = volume.hu[0].size
    level = int(np.ceil(threshold))
    places, values = [], []
    for index, image in enumerate(volume.hu):
        if mask is not None and not mask[index].any():
            continue
        above = image >= level
        if mask is not None:
            above &= mask[index]
        places.append(np.flatnonzero(above) + index * size)
        values.append(image[above])
    flat = np.concatenate(places) if places else np.zeros(0, dtype=np.int64)
    hu = np.concatenate(values) if values else np.zeros(0, dtype=np.int16)
    depth, height, width = volume.hu.shape
    return _Voxels(flat, hu, find_runs(flat, (depth, height, width)))


def _select_large(pixels: NDArray[np.float64], pixel_mm2: float, convention: Convention) -> NDArray[np.bool_]:
    # a component whose area equals the minimum within rounding error counts as having it
    area = np.round(pixels * pixel_mm2, 9)
    if convention.strict_area:
        return (area > convention.minimum_area_mm2) & (pixels > convention.minimum_pixels)
    return (area >= convention.minimum_area_mm2) & (pixels >= convention.minimum_pixels)


def _separate_at_gaps(counted: Runs, volume: Volume) -> Runs:
    """The runs with a slice number left out at every gap, so that nothing touches across it."""
    after = np.asarray([gap.after for gap in volume.gaps], dtype=np.int64)
    z = counted.z + np.searchsorted(np.sort(after), counted.z, side="left")
    return Runs(z, counted.y, counted.start, counted.length, counted.first)


def _group(
    volume: Volume,
    convention: Convention,
    flat: NDArray[np.int64],
    hu: NDArray[np.int16],
    *,
    lesion: NDArray[np.int32],
    agatston: NDArray[np.float64],
) -> list[Candidate]:
    number = len(agatston)
    if not number:
        return []
    order = np.argsort(lesion, kind="stable")
    count = np.bincount(lesion, minlength=number)
    first = np.cumsum(count) - count
    voxels = np.empty((len(flat), 3), dtype=np.int32)
    for axis, index in enumerate(np.unravel_index(flat[order], volume.hu.shape)):
        voxels[:, axis] = index
    values = hu[order]
    peak = np.maximum.reduceat(values, first)
    mean = np.add.reduceat(values, first, dtype=np.int64) / count
    middle = volume.to_patient(np.add.reduceat(voxels, first, axis=0, dtype=np.int64) / count[:, np.newaxis])
    if volume.offsets_mm is not None:
        # the mean of unevenly spaced positions is not the position of the mean index
        middle = np.add.reduceat(volume.to_patient(voxels.astype(np.float64)), first, axis=0) / count[:, np.newaxis]
    size = count * volume.voxel_mm3
    if convention.volume == "isotropic":
        size = _interpolate_volumes(
            volume, convention.threshold_hu, voxels, np.repeat(np.arange(number), count), number
        )
    pieces = np.split(voxels, first[1:])
    return [
        Candidate(
            id=index + 1,
            voxels=pieces[index],
            agatston=float(agatston[index]),
            volume_mm3=float(size[index]),
            max_hu=float(peak[index]),
            mean_hu=float(mean[index]),
            centroid_mm=(float(middle[index, 0]), float(middle[index, 1]), float(middle[index, 2])),
        )
        for index in range(number)
    ]


def _interpolate_volumes(
    volume: Volume, threshold: float, voxels: NDArray[np.int32], lesion: NDArray[np.int64], number: int
) -> NDArray[np.float64]:
    """Volume (mm3) of each lesion among voxels as high as wide, interpolated linearly between the slices.

    An interpolated voxel counts when it is at or above the threshold and one of the two voxels that it lies
    between belongs to the lesion. The grid of planes begins at the first slice.
    """
    depth, height, width = volume.hu.shape
    edge = float(np.sqrt(volume.spacing_mm[1] * volume.spacing_mm[2]))
    step = edge / volume.spacing_mm[0]
    column = voxels[:, 1].astype(np.int64) * width + voxels[:, 2]
    order = np.argsort(voxels[:, 0], kind="stable")
    bounds = np.searchsorted(voxels[order, 0], np.arange(depth + 1))
    hits = np.zeros(number)
    for z in range(-1, depth):
        here = order[bounds[max(z, 0)] : bounds[z + 1]] if z >= 0 else order[:0]
        above = order[bounds[z + 1] : bounds[z + 2]] if z + 1 < depth else order[:0]
        if not len(here) and not len(above):
            continue
        where, index = np.unique(np.concatenate((column[here], column[above])), return_index=True)
        owner = np.concatenate((lesion[here], lesion[above]))[index]
        # beyond the first and the last slice, half a spacing continues with their values
        low = volume.hu[max(z, 0)].reshape(height * width)[where].astype(np.float64)
        high = volume.hu[min(z + 1, depth - 1)].reshape(height * width)[where].astype(np.float64)
        first = np.ceil((z if z >= 0 else -0.5) / step - 1e-9)
        last = z + 1 if z + 1 < depth else depth - 0.5
        for plane in np.arange(first, np.ceil(last / step - 1e-9)):
            part = plane * step - z
            inside = low + part * (high - low) >= threshold
            hits += np.bincount(owner[inside], minlength=number)
    return hits * edge**3

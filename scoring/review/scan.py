"""A scan opened again for review: the volume that was scored, and the rules by which it was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.errors import Permanent
from dicom import elements
from scoring.candidates import agatston, conventions
from scoring.candidates.agatston import Candidate
from scoring.candidates.conventions import Convention
from scoring.images import geometry, slabbing, slices
from scoring.images.selection import select_images
from scoring.images.volume import StoredOrder, Volume
from scoring.judgement.mass import MassFactor
from scoring.result import Score, Statement
from scoring.review.edits import EditRefused, Place

_CHANGED: Final = "the images are not those that were scored: score the series again, then review the new result"


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a review measures in.

    `candidates` are all of the volume; `flat` are their voxels' flat indices, sorted, and `owner` the index of the
    candidate of each.
    """

    volume: Volume
    convention: Convention
    factor: MassFactor | None
    candidates: tuple[Candidate, ...]
    flat: NDArray[np.int64]
    owner: NDArray[np.int32]

    @property
    def bytes(self) -> int:
        """Memory that the scan takes."""
        voxels = sum(item.voxels.nbytes for item in self.candidates)
        return self.volume.hu.nbytes + voxels + self.flat.nbytes + self.owner.nbytes

    @property
    def order(self) -> StoredOrder:
        """The stored order of the images' pixels."""
        _, height, width = self.volume.hu.shape
        return self.volume.stored or StoredOrder(height, width)

    def find_slice(self, image: int) -> int:
        """The slice of the volume that an image is part of. Raises EditRefused (`outside`)."""
        number = len(self.volume.source.images)
        for z in range(len(self.volume.hu)) if self.volume.slabs else (image,):
            if 0 <= image < number and image in self.volume.sources(z):
                return z
        raise EditRefused("outside", image=image + 1)

    def find_voxel(self, at: Place) -> NDArray[np.int32]:
        """The voxel (z, y, x) of a stored pixel. Raises EditRefused (`outside`)."""
        image, row, column = at
        z = self.find_slice(image)
        if not (0 <= row < self.order.rows and 0 <= column < self.order.columns):
            raise EditRefused("outside", image=image + 1)
        return np.asarray(self.order.from_stored(np.array([[z, row, column]], dtype=np.int32))[0], dtype=np.int32)

    def find_owner(self, voxels: NDArray[np.int32]) -> NDArray[np.int32]:
        """The candidate of each voxel (n, 3), an index, -1 where it is in none."""
        if not len(self.flat):
            return np.full(len(voxels), -1, dtype=np.int32)
        wanted = np.ravel_multi_index(tuple(voxels.T.astype(np.int64)), self.volume.hu.shape)
        place = np.minimum(np.searchsorted(self.flat, wanted), len(self.flat) - 1)
        return np.where(self.flat[place] == wanted, self.owner[place], np.int32(-1))

    def expand(self, runs: Sequence[tuple[int, int, int, int]]) -> NDArray[np.int32]:
        """The voxels (n, 3), (z, y, x), sorted, of runs of stored pixels in images.

        Raises Permanent when an image was not scored.
        """
        if not runs:
            return np.zeros((0, 3), dtype=np.int32)
        listed = np.asarray(runs, dtype=np.int64)
        slice_of = {image: z for z in range(len(self.volume.hu)) for image in self.volume.sources(z)}
        z = np.array([slice_of.get(image, -1) for image in listed[:, 0].tolist()], dtype=np.int64)
        if z.min() < 0:
            raise Permanent(_CHANGED)
        length = listed[:, 3]
        within = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
        stored = np.stack(
            (np.repeat(z, length), np.repeat(listed[:, 1], length), np.repeat(listed[:, 2], length) + within), axis=1
        )
        return np.unique(self.order.from_stored(stored.astype(np.int32)), axis=0)


def open_scan(files: Sequence[Path], score: Score) -> Scan:
    """Read the images of a scored series as they were read for scoring.

    Raises NotScorable when they cannot be read, Permanent when they are not what the score says: other images have come
    since, or it was made by a convention that this version does not know.
    """
    images = [item for path in elements.find(files) for item in slices.read(path)]
    stack = geometry.stack_slices(select_images(images).slices)
    slices.check_conversion(stack.slices)
    volume = slabbing.average_slices(geometry.decode(stack), score.provenance.slab_slices)
    scan = build_scan(volume, _find_convention(score), _find_factor(score))
    _check_same(scan, score)
    return scan


def build_scan(volume: Volume, convention: Convention, factor: MassFactor | None) -> Scan:
    """A scan of a volume, its candidates found."""
    found = tuple(agatston.candidates(volume, convention))
    if not found:
        return Scan(volume, convention, factor, (), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32))
    flat = np.concatenate([np.ravel_multi_index(tuple(item.voxels.T), volume.hu.shape) for item in found])
    owner = np.repeat(np.arange(len(found), dtype=np.int32), [len(item.voxels) for item in found])
    order = np.argsort(flat, kind="stable")
    return Scan(volume, convention, factor, found, flat[order].astype(np.int64), owner[order])


def _find_convention(score: Score) -> Convention:
    origin, series = score.provenance, score.series
    name = next((name for name in conventions.PRESETS if name == origin.convention), None)
    convention = None if name is None else conventions.named(name, series.kvp, series.kernel or "")
    if convention is None or not math.isclose(convention.threshold_hu, origin.threshold_hu):
        raise Permanent(
            f"the result was made by convention {origin.convention!r} from {origin.threshold_hu:g} HU, which this "
            "version does not have: score the series again, then review the new result"
        )
    return convention


def _find_factor(score: Score) -> MassFactor | None:
    origin = score.provenance
    if origin.mass_factor is None:
        return None
    return MassFactor(origin.mass_factor, origin.mass_factor_origin or Statement())


def _check_same(scan: Scan, score: Score) -> None:
    """Compare the size of the scan, and the images and pixels of what was counted."""
    source, series = scan.volume.source, score.series
    if (len(source.images), scan.order.rows, scan.order.columns) != (series.slices, series.rows, series.columns):
        raise Permanent(_CHANGED)
    level = math.ceil(scan.convention.threshold_hu)
    for lesion in score.lesions:
        inside = all(
            0 <= image < len(source.images)
            and 0 <= row < scan.order.rows
            and first >= 0
            and 0 < length <= scan.order.columns - first
            for image, row, first, length in lesion.runs
        )
        known = inside and all(source.images[item.slice] == item for item in lesion.images)
        if not known or not lesion.runs or scan.volume.hu[tuple(scan.expand(lesion.runs).T)].min() < level:
            raise Permanent(_CHANGED)

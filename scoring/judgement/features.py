"""Measurements of a candidate calcification: its position relative to the heart, and the tissue around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.blood import smoothed, spread
from scoring.anatomy.frame import Anatomy
from scoring.candidates.agatston import Candidate
from scoring.images.volume import Volume

SAMPLE: Final = 200
RING_MM, NEAR_MM = (2.0, 6.5), (1.0, 3.5)
EDGE_MM: Final = 2.0
LUNG_HU, NOT_FAT_HU = -350, -180
UNKNOWN_HU: Final = 40.0


@dataclass(frozen=True, slots=True)
class Features:
    """Positions of candidates: arrays (n,), distances in mm as medians over a candidate's voxels.

    Distances count outwards from a surface, negative inside: `heart_mm` from heart, ascending aorta and pulmonary
    trunk together, `chamber_mm` from the four chambers with their walls, `ascending_mm` and `descending_mm` from the
    wall of either aorta as a circle, `root_mm` from the ascending aorta with its root as the heart's net sees it,
    `bone_mm`, `airway_mm`, `abdomen_mm`, `oesophagus_mm`. `course_mm` (4, n) are the distances to the likely courses of
    LM, LAD, LCX and RCA. `above_mm` is the height over the left main, `length_mm` the diagonal of a candidate's box,
    `contrast_hu` the peak `max_hu` over the blood's `blood_hu`, `noise_hu` the slice's noise.
    """

    above_mm: NDArray[np.float64]
    heart_mm: NDArray[np.float64]
    chamber_mm: NDArray[np.float64]
    course_mm: NDArray[np.float64]
    ascending_mm: NDArray[np.float64]
    root_mm: NDArray[np.float64]
    descending_mm: NDArray[np.float64]
    bone_mm: NDArray[np.float64]
    airway_mm: NDArray[np.float64]
    abdomen_mm: NDArray[np.float64]
    oesophagus_mm: NDArray[np.float64]
    volume_mm3: NDArray[np.float64]
    length_mm: NDArray[np.float64]
    max_hu: NDArray[np.float64]
    contrast_hu: NDArray[np.float64]
    noise_hu: NDArray[np.float64]
    blood_hu: float

    @property
    def nearest_mm(self) -> NDArray[np.float64]:
        """Distance to the nearest of the four arteries."""
        return np.asarray(self.course_mm.min(axis=0))


def measure(volume: Volume, anatomy: Anatomy, candidates: Sequence[Candidate]) -> Features:
    """Features of candidates by their place, from at most 200 voxels of each."""
    spacing = np.asarray(volume.spacing_mm)
    picks = [item.voxels[:: max(1, len(item.voxels) // SAMPLE)] for item in candidates]
    owner = np.repeat(np.arange(len(picks)), [len(pick) for pick in picks])
    points = np.concatenate(picks) * spacing
    chest, heart = anatomy.chest, anatomy.heart
    rows = [
        points[:, 0],
        chest.body.at(points),
        heart.chambers.at(points),
        anatomy.ascending.outside(points),
        heart.aorta.at(points),
        anatomy.descending.outside(points),
        chest.bone.at(points),
        chest.airway.at(points),
        chest.abdomen.at(points),
        chest.oesophagus.at(points),
        *heart.course_mm(points),
    ]
    up, body, chambers, ascending, root, descending, bone, airway, abdomen, oesophagus, *courses = _compute_medians(
        rows, owner
    )
    peak = np.array([item.max_hu for item in candidates])
    middle = np.clip(np.rint(up / spacing[0]).astype(np.intp), 0, len(volume.hu) - 1)
    return Features(
        above_mm=up - anatomy.left_main.z_mm,
        heart_mm=body,
        chamber_mm=chambers,
        course_mm=np.array(courses),
        ascending_mm=ascending,
        root_mm=root,
        descending_mm=descending,
        bone_mm=bone,
        airway_mm=airway,
        abdomen_mm=abdomen,
        oesophagus_mm=oesophagus,
        volume_mm3=np.array([item.volume_mm3 for item in candidates]),
        length_mm=np.array([np.linalg.norm(np.ptp(pick, axis=0) * spacing) for pick in picks]),
        max_hu=peak,
        contrast_hu=peak - anatomy.blood.hu,
        noise_hu=np.maximum(anatomy.blood.noise_by_slice[middle], 1.0),
        blood_hu=anatomy.blood.hu,
    )


def _compute_medians(rows: Sequence[NDArray[np.float64]], owner: NDArray[np.intp]) -> list[NDArray[np.float64]]:
    """Median over each candidate's points of every row."""
    names = np.arange(int(owner[-1]) + 1)
    return [np.asarray(ndimage.median(row, owner, names), dtype=np.float64) for row in rows]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The tissue around one candidate, in the slightly smoothed image.

    `darkest_hu` (5th percentile) and `median_hu` of the tissue 2-6.5 mm away, the share of `lung` there and, as
    `touching_lung`, 1-3.5 mm away, and the noise in HU estimated from the fine structure around.
    """

    darkest_hu: float
    median_hu: float
    lung: float
    touching_lung: float
    noise_hu: float


def measure_surroundings(volume: Volume, anatomy: Anatomy, candidate: Candidate) -> Surroundings:
    """Measure the shells around a candidate at full resolution."""
    spacing = np.asarray(volume.spacing_mm)
    reach = np.ceil(RING_MM[1] / spacing).astype(int)
    low = np.maximum(candidate.voxels.min(axis=0) - reach, 0)
    high = np.minimum(candidate.voxels.max(axis=0) + reach + 1, volume.hu.shape)
    part = volume.hu[tuple(slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True))]
    other = np.ones(part.shape, bool)
    other[tuple((candidate.voxels - low).T)] = False
    distance = ndimage.distance_transform_edt(other, sampling=spacing)
    smooth = smoothed(part, volume.spacing_mm)
    ring = (distance >= RING_MM[0]) & (distance <= RING_MM[1])
    near = (distance >= NEAR_MM[0]) & (distance <= NEAR_MM[1])
    lung, dark = smooth < LUNG_HU, smooth < NOT_FAT_HU
    tissue = ring & ~lung
    # The edge of the lung is as dark as fat: only dark tissue away from it is evidence of fat.
    apart = tissue & (ndimage.distance_transform_edt(~dark, sampling=spacing) > EDGE_MM) if dark.any() else tissue
    fine = (part[tissue] - smooth[tissue]) if tissue.any() else np.zeros(1, np.float32)
    return Surroundings(
        darkest_hu=float(np.percentile(smooth[apart], 5)) if apart.any() else UNKNOWN_HU,
        median_hu=float(np.median(smooth[tissue])) if tissue.any() else UNKNOWN_HU,
        lung=float(np.mean(lung[ring])) if ring.any() else 0.0,
        touching_lung=float(np.mean(lung[near])) if near.any() else 0.0,
        noise_hu=spread(fine) * anatomy.blood.noise_per_fine,
    )

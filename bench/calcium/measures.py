"""What is measured of a calcification: its size and look, the tissue around it, and where a heart's nets see it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calcium.lesion import Case, Lesion
from scoring.anatomy.heart import Heart
from scoring.images.volume import Volume
from scoring.judgement.surroundings import Surroundings

SMALLEST_MM2: Final = 1.0
FAT_HU: Final = (-180, -50)
MUSCLE_HU: Final = (10, 110)

NAMES: Final = (
    "own artery's likelihood",
    "any artery's likelihood",
    "nets' disagreement",
    "outside the chambers, mm",
    "darkest tissue near, HU",
    "median tissue near, HU",
    "fat near, share",
    "muscle and blood near, share",
    "fat touching, share",
    "lung near, share",
    "length, mm",
    "volume, mm3",
    "peak, HU",
    "mean, HU",
    "slices",
)
"""Likelihoods, disagreement and distance are medians over a lesion's voxels. Near is 2-6.5 mm away, touching 1-3.5."""


def measure(case: Case, heart: Heart | None) -> Iterator[dict[str, float]]:
    """Yield the measures of each lesion of at least 1 mm2; those that need the heart are NaN without one."""
    spacing = np.asarray(case.volume.spacing_mm)
    for lesion in case.lesions:
        if len(lesion.voxels) * spacing[1] * spacing[2] < SMALLEST_MM2:
            continue
        hu = case.volume.hu[tuple(lesion.voxels.T)]
        values = (
            *_in_the_heart(lesion, spacing, heart),
            *_surroundings(case.volume, lesion),
            float(np.linalg.norm((np.ptp(lesion.voxels, axis=0) + 1) * spacing)),
            float(len(hu) * np.prod(spacing)),
            float(hu.max()),
            float(hu.mean()),
            float(np.ptp(lesion.voxels[:, 0]) + 1),
        )
        yield dict(zip(NAMES, values, strict=True))


def _in_the_heart(
    lesion: Lesion, spacing: NDArray[np.float64], heart: Heart | None
) -> tuple[float, float, float, float]:
    if heart is None:
        return math.nan, math.nan, math.nan, math.nan
    points = lesion.voxels * spacing
    likely = heart.likelihood(points)
    arteries = [heart.places.index(name) for name in ("LM", "LAD", "LCX", "RCA")]
    return (
        float(np.median(likely[heart.places.index(lesion.artery)])),
        float(np.median(likely[arteries].sum(axis=0))),
        float(np.median(heart.disagreement(points))),
        float(np.median(heart.chambers.at(points))),
    )


def _surroundings(volume: Volume, lesion: Lesion) -> tuple[float, ...]:
    """Return darkest and median HU of the tissue near, shares of fat and muscle in it, fat that touches, lung near."""
    around = Surroundings.of(volume, lesion.voxels)
    fat, muscle = (_between(around.smooth, limits) for limits in (FAT_HU, MUSCLE_HU))
    return (
        around.darkest_hu(math.nan),
        around.median_hu(math.nan),
        _share(fat, around.ring),
        _share(muscle, around.ring),
        _share(fat, around.near),
        _share(around.lung, around.ring),
    )


def _between(values: NDArray[np.floating], limits: tuple[float, float]) -> NDArray[np.bool_]:
    return np.asarray((values >= limits[0]) & (values <= limits[1]))


def _share(found: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float(found[among].mean()) if among.any() else math.nan

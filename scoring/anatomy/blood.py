"""The blood pool: its attenuation, contrast medium in it, and the image noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import NotScorable
from scoring.anatomy.aorta import Track
from scoring.anatomy.chest import Chest
from scoring.images.volume import Volume

SOFT_HU = (-20, 600)
CORE_CUBES = 3
INNER_SHARE = 0.6
CERTAIN = 0.5
MOST_PER_FINE = 2.0
NORMAL_SD = 1.4826
BLUR_MM = 0.8


@dataclass(frozen=True, slots=True)
class Blood:
    """Median HU of the blood in the descending aorta, and the standard deviation of the noise in HU.

    `noise_hu` applies to the whole series, `noise_by_slice` (n,) to each slice of the volume. `smooth_noise_hu` is
    the noise that remains after slight smoothing, `noise_per_fine` the ratio of the noise to the part that smoothing
    removes.
    """

    hu: float
    noise_hu: float
    noise_by_slice: NDArray[np.float64]
    smooth_noise_hu: float
    noise_per_fine: float


def core_hu(around: Chest) -> float:
    """Return the median HU of the soft tissue deep in the heart; NaN if there is none."""
    depth, height, width = around.cubes.size
    values = around.cubes.hu[:depth, :height, :width][ndimage.binary_erosion(around.heart_mask, iterations=CORE_CUBES)]
    soft = values[(values > SOFT_HU[0]) & (values < SOFT_HU[1])]
    return float(np.median(soft)) if soft.size else float("nan")


def smoothed(part: NDArray[np.int16], spacing_mm: tuple[float, float, float]) -> NDArray[np.float32]:
    """Return slices (z, y, x) smoothed in plane by a Gaussian of 0.8 mm, float32 HU."""
    sigma = (0.0, BLUR_MM / spacing_mm[1], BLUR_MM / spacing_mm[2])
    return np.asarray(ndimage.gaussian_filter(part, sigma, output=np.float32))


def blood(volume: Volume, descending: Track) -> Blood:
    """Measure blood and noise in the inner 60 % of the descending aorta at full resolution, robust to its wall.

    Raises NotScorable: `aorta_not_found` if no slice shows enough of it.
    """
    circles = descending.at(np.arange(len(volume.hu), dtype=np.float64) * volume.spacing_mm[0])
    measured = np.full((len(volume.hu), 4), np.nan)
    for z, (y, x, radius, certainty) in enumerate(circles):
        rows = _around(y, radius, volume.spacing_mm[1], volume.hu.shape[1])
        columns = _around(x, radius, volume.spacing_mm[2], volume.hu.shape[2])
        if certainty < CERTAIN or min(len(rows), len(columns)) < 5:
            continue
        away = np.hypot((rows * volume.spacing_mm[1] - y)[:, None], columns * volume.spacing_mm[2] - x)
        part = volume.hu[z : z + 1, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        smooth = smoothed(part, volume.spacing_mm)[0]
        inside = away < INNER_SHARE * radius
        if inside.sum() >= 20:
            values = part[0][inside]
            measured[z] = np.median(values), spread(values), spread(smooth[inside]), spread(values - smooth[inside])
    known = np.flatnonzero(np.isfinite(measured[:, 0]))
    if not known.size:
        raise NotScorable("aorta_not_found", variant="blood")
    level, noise, smooth_noise, fine = np.median(measured[known], axis=0)
    return Blood(
        hu=float(level),
        noise_hu=float(noise),
        noise_by_slice=np.interp(np.arange(len(measured)), known, measured[known, 1]),
        smooth_noise_hu=float(smooth_noise),
        # If the noise is blotchy, fine structure belongs to the tissue and says nothing about the noise.
        noise_per_fine=min(float(noise / fine), MOST_PER_FINE) if fine > 0 else 1.0,
    )


def spread(values: NDArray[np.int16] | NDArray[np.float32]) -> float:
    """Return the standard deviation from the median absolute deviation: robust to a few outlying voxels."""
    return NORMAL_SD * float(np.median(np.abs(values - np.median(values))))


def _around(centre: float, reach: float, step: float, size: int) -> NDArray[np.intp]:
    low, high = int(np.ceil((centre - reach) / step)), int((centre + reach) / step)
    return np.arange(max(low, 0), min(high, size - 1) + 1)

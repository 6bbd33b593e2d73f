"""What the blood looks like: its attenuation, contrast medium in it, and the noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.anatomy.aorta import Track
from scoring.anatomy.hull import Inside
from scoring.volume import Volume

SOFT_HU = (-20, 600)
CORE_DEPTH_MM = 30.0
INNER_SHARE = 0.6
CERTAIN = 0.6
NORMAL_SD = 1.4826
FALLBACK_NOISE_HU = 30.0


@dataclass(frozen=True, slots=True)
class Blood:
    """Median HU of the blood in the descending aorta, and the noise's standard deviation in HU.

    `noise_hu` is for the whole series; `noise_by_slice` (n,) for each slice of the volume.
    """

    hu: float
    noise_hu: float
    noise_by_slice: NDArray[np.float64]


def core_hu(inside: Inside) -> float:
    """Median HU of the soft tissue deep between the lungs, without the ends of the scan; NaN where there is none."""
    end = len(inside.hu) // 10
    middle = slice(end, len(inside.hu) - end)
    values = inside.hu[middle][inside.depth_mm[middle] > CORE_DEPTH_MM]
    soft = values[(values > SOFT_HU[0]) & (values < SOFT_HU[1])]
    return float(np.median(soft)) if soft.size else float("nan")


def blood(volume: Volume, descending: Track) -> Blood:
    """Blood and noise in the inner 60 % of the descending aorta at full resolution, robust against its wall."""
    depth_mm, height_mm, width_mm = volume.spacing_mm
    circles = descending.at(np.arange(len(volume.hu)) * depth_mm)
    noise = np.full(len(volume.hu), np.nan)
    level = np.full(len(volume.hu), np.nan)
    for z, (y, x, radius, certainty) in enumerate(circles):
        reach = INNER_SHARE * radius
        rows = _around(y, reach, height_mm, volume.hu.shape[1])
        columns = _around(x, reach, width_mm, volume.hu.shape[2])
        inside = np.hypot((rows * height_mm - y)[:, None], columns * width_mm - x) < reach
        values = volume.hu[z, rows[:, None], columns][inside]
        if certainty < CERTAIN or values.size < 20:
            continue
        level[z] = np.median(values)
        noise[z] = NORMAL_SD * np.median(np.abs(values - level[z]))
    known = np.flatnonzero(np.isfinite(noise))
    if not known.size:
        return Blood(float("nan"), FALLBACK_NOISE_HU, np.full(len(volume.hu), FALLBACK_NOISE_HU))
    typical = float(np.median(noise[known]))
    return Blood(float(np.median(level[known])), typical, np.interp(np.arange(len(noise)), known, noise[known]))


def _around(centre: float, reach: float, step: float, size: int) -> NDArray[np.intp]:
    low, high = int(np.ceil((centre - reach) / step)), int((centre + reach) / step)
    return np.arange(max(low, 0), min(high, size - 1) + 1)

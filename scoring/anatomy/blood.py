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
# Means of more slices are not measured: their noise is taken to fall no further.
MOST_SLICES = 6
# Whether calcium can hide in noise is judged at about 3 mm: in slices of 2 to 2.5 mm on the means of two.
PAIRS_MM = (1.95, 2.55)


@dataclass(frozen=True, slots=True)
class Blood:
    """Median HU of the blood in the descending aorta, and the standard deviation of the noise in HU.

    `noise_hu` applies to the whole series, `noise_by_slice` (n,) to each slice of the volume. `smooth_noise_hu` is
    the noise that remains after slight smoothing, `noise_per_fine` the ratio of the noise to the part that smoothing
    removes. `noise_of_means` is the noise of the means of 1, 2, ... neighbouring slices: measured, because neighbours
    share noise, so that it falls less than with the root of their number. Whether a score of 0 can be trusted is judged
    on the means of `zero_slices`.
    """

    hu: float
    noise_hu: float
    noise_by_slice: NDArray[np.float64]
    smooth_noise_hu: float
    noise_per_fine: float
    noise_of_means: tuple[float, ...] = ()
    zero_slices: int = 1

    def noise_of(self, slices: int) -> float:
        """Noise (HU) of the mean of so many neighbouring slices, of `MOST_SLICES` for more."""
        known = self.noise_of_means or (self.noise_hu,)
        return known[min(max(slices, 1), len(known)) - 1]

    @property
    def zero_noise_hu(self) -> float:
        """The noise by which it is judged whether a score of 0 can be trusted."""
        return self.noise_of(self.zero_slices)


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
    cores = _find_cores(volume, descending)
    if not cores:
        raise NotScorable("aorta_not_found", variant="blood")
    measured = np.array([_measure(volume, z, core) for z, core in cores.items()])
    level, noise, smooth_noise, fine = np.median(measured, axis=0)
    return Blood(
        hu=float(level),
        noise_hu=float(noise),
        noise_by_slice=np.interp(np.arange(len(volume.hu)), list(cores), measured[:, 1]),
        smooth_noise_hu=float(smooth_noise),
        # If the noise is blotchy, fine structure belongs to the tissue and says nothing about the noise.
        noise_per_fine=min(float(noise / fine), MOST_PER_FINE) if fine > 0 else 1.0,
        noise_of_means=_measure_means(volume, cores, float(noise)),
        zero_slices=_count_zero_slices(volume),
    )


def _count_zero_slices(volume: Volume) -> int:
    """Two for slices of 2 to 2.5 mm, else one: thinner ones are scored as slabs, overlapping ones may be thicker."""
    low, high = PAIRS_MM
    spacing = volume.spacing_mm[0]
    return 2 if volume.slabs is None and low <= spacing <= high and (volume.thickness_mm or spacing) <= high else 1


@dataclass(frozen=True, slots=True)
class _Core:
    """The box around the descending aorta in one slice, and its pixels that lie well inside, (y, x)."""

    rows: slice
    columns: slice
    inside: NDArray[np.bool_]


def _find_cores(volume: Volume, descending: Track) -> dict[int, _Core]:
    """The cores of the slices that show enough of the vessel, from the lowest up."""
    step_z, step_y, step_x = volume.spacing_mm
    cores = {}
    heights = np.arange(len(volume.hu), dtype=np.float64) * step_z
    for z, (y, x, radius, certainty) in enumerate(descending.at(heights)):
        rows, columns = _around(y, radius, step_y, volume.hu.shape[1]), _around(x, radius, step_x, volume.hu.shape[2])
        if certainty < CERTAIN or min(len(rows), len(columns)) < 5:
            continue
        inside = np.hypot((rows * step_y - y)[:, None], columns * step_x - x) < INNER_SHARE * radius
        if inside.sum() >= 20:
            cores[z] = _Core(_as_slice(rows), _as_slice(columns), inside)
    return cores


def _as_slice(indices: NDArray[np.intp]) -> slice:
    return slice(int(indices[0]), int(indices[-1]) + 1)


def _measure(volume: Volume, z: int, core: _Core) -> tuple[float, float, float, float]:
    """Median, noise, noise after smoothing and noise that smoothing removes of one slice, HU."""
    part = volume.hu[z : z + 1, core.rows, core.columns]
    smooth = smoothed(part, volume.spacing_mm)[0][core.inside]
    values = part[0][core.inside]
    return float(np.median(values)), spread(values), spread(smooth), spread(values - smooth)


def _measure_means(volume: Volume, cores: dict[int, _Core], noise_hu: float) -> tuple[float, ...]:
    """Noise of the means of 1, 2, ... slices side by side: medians over the places without a gap, never rising."""
    ends = sorted(gap.after for gap in volume.gaps)
    means = [noise_hu]
    for count in range(2, MOST_SLICES + 1):
        found = []
        for z, core in cores.items():
            first = z - (count - 1) // 2
            last = first + count - 1
            if first >= 0 and last < len(volume.hu) and not any(first <= end < last for end in ends):
                mean = volume.hu[first : first + count, core.rows, core.columns].mean(axis=0, dtype=np.float32)
                found.append(spread(mean[core.inside]))
        means.append(min(float(np.median(found)), means[-1]) if found else means[-1])
    return tuple(means)


def spread(values: NDArray[np.int16] | NDArray[np.float32]) -> float:
    """Return the standard deviation from the median absolute deviation: robust to a few outlying voxels."""
    return NORMAL_SD * float(np.median(np.abs(values - np.median(values))))


def _around(centre: float, reach: float, step: float, size: int) -> NDArray[np.intp]:
    low, high = int(np.ceil((centre - reach) / step)), int((centre + reach) / step)
    return np.arange(max(low, 0), min(high, size - 1) + 1)

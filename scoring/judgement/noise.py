"""Whether a candidate can be noise: how many groups of voxels as bright noise alone would make in a heart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from config.errors import NotScorable
from scoring.anatomy.blood import BLUR_MM, Blood
from scoring.anatomy.frame import NOISE_ZERO_HU
from scoring.candidates.agatston import Candidate
from scoring.images.volume import Volume

HEART_MM3: Final = 700_000.0
"""A heart and its fat: four cavities of about 450 mL (Hudsmith, J Cardiovasc Magn Reson 2005;7:775), muscle, fat."""
UNSURE: Final = 1.1
"""The noise varies within a slice: a tenth more than what was measured in the aorta is usual."""
TISSUE_HU: Final = 15.0
"""What tissue adds, in quadrature, to the fine structure around a candidate: 90th percentile on phantoms."""
TEMPER: Final = 0.4
"""Noise has more outliers than a Gaussian: odds against it are taken to this power."""
EXPECTED: Final = 0.3
"""Lesions as faint as noise in a heart, on average: half of all people have calcium, and most of it is brighter."""
NEIGHBOURS: Final = 8
LEAST_MM2: Final = 0.5
JOINED: Final = 2.0
"""Grains side by side are not independent: a group of two is as likely as one (simulated noise, four textures)."""
_FEWEST_DECADES: Final = -40.0
_LN10: Final = float(np.log(10.0))


def count_alike(
    volume: Volume,
    blood: Blood,
    candidates: Sequence[Candidate],
    noise_hu: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """The decimal logarithm of how many groups like each candidate noise would make in one heart, (n,).

    In each slice a group's peak has the probability of a smooth Gaussian field to have a maximum of that height over
    the blood (Worsley, J Cereb Blood Flow Metab 1992;12:900); a further slice, or a further grain of noise within the
    slice, multiplies it by that of the neighbours: a connected calcification is weighed as a whole. Slices that share
    noise count for as much as they do not share. The area of a grain follows from what smoothing by 0.8 mm leaves of
    the noise. `noise_hu` is a local noise for each candidate, which counts where it is higher than the slice's.
    """
    voxels = np.concatenate([item.voxels for item in candidates])
    owner = np.repeat(np.arange(len(candidates)), [len(item.voxels) for item in candidates])
    hu = volume.hu[tuple(voxels.T)].astype(np.float64)
    # Voxels of a candidate are sorted: those of one slice follow each other.
    first = np.flatnonzero(np.r_[True, (np.diff(owner) != 0) | (np.diff(voxels[:, 0]) != 0)])
    count = np.diff(np.r_[first, len(hu)])
    peak, mean = np.maximum.reduceat(hu, first), np.add.reduceat(hu, first) / count
    who = owner[first]
    sd = np.maximum(blood.noise_by_slice[voxels[first, 0]], 1.0)
    if noise_hu is not None:
        local = np.sqrt(np.maximum(np.square(np.asarray(noise_hu)) - TISSUE_HU**2, 0.0))
        sd = np.maximum(sd, local[who])
    sd *= UNSURE
    grain_mm2 = max(4 * np.pi * (BLUR_MM * blood.smooth_noise_hu / max(blood.noise_hu, 1.0)) ** 2, LEAST_MM2)
    grains = np.maximum(count * volume.spacing_mm[1] * volume.spacing_mm[2] / (JOINED * grain_mm2), 1.0)
    over = (peak - blood.hu) / sd
    at_peak = log_ndtr(-over) / _LN10 + 2 * np.log10(np.maximum(over, 1.0))
    beside = np.minimum(log_ndtr(-(mean - blood.hu) / sd) / _LN10 + np.log10(NEIGHBOURS), 0.0)
    slice_decades = at_peak + (grains - 1) * beside
    linked = _find_share_alone(blood) * np.minimum(slice_decades + np.log10(NEIGHBOURS + grains), 0.0)
    everywhere = np.log10(HEART_MM3 / (grain_mm2 * volume.spacing_mm[0]))
    # The least likely slice is the first, found anywhere; the others are found beside it.
    least, total = np.full(len(candidates), 0.0), np.zeros(len(candidates))
    np.minimum.at(least, who, slice_decades)
    np.add.at(total, who, linked)
    own = np.zeros(len(candidates))
    np.minimum.at(own, who, linked)
    return np.asarray(np.maximum(everywhere + least + (total - own), _FEWEST_DECADES))


def _find_share_alone(blood: Blood) -> float:
    """The share of the noise that neighbouring slices do not have in common, from the noise of their mean; 0 to 1."""
    if len(blood.noise_of_means) < 2:
        return 1.0
    return float(np.clip(2 - 2 * (blood.noise_of(2) / max(blood.noise_of(1), 1e-6)) ** 2, 0.0, 1.0))


def odds_of_noise(alike: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds that a candidate is noise rather than calcium, from `count_alike`: 0 where noise makes as many."""
    return np.asarray(TEMPER * (_LN10 * alike - np.log(EXPECTED)))


def refuse_noise(noise_hu: float, *, is_any_sure: bool) -> None:
    """Refuse (noise) a score of 0, or of uncertain lesions alone, at a noise of more than 25 HU.

    A calcification of 2 mm is then found in less than half of the scans; a certain lesion still shows that there is
    calcium.
    """
    if noise_hu > NOISE_ZERO_HU and not is_any_sure:
        raise NotScorable("noise", noise_hu=round(noise_hu, 1), limit_hu=NOISE_ZERO_HU)

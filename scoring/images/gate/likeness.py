"""How one slice relates to another: by the level of what both show, and by what they show.

Levels are medians of pixelwise differences, by class: the anatomy changes from slice to slice in a part of the pixels,
a wrong conversion changes all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.images.gate.samples import Samples

# classes by the darker and the brighter of the two values, so that either slice may be the one that lies off
_SOFT_HU: Final = -200
_LUNG_HU: Final = (-500, -960)
_AIR_HU: Final = (-900, -1100)
_LEAST: Final = 0.01
# a little lung is mostly edge, which moves
_LEAST_LUNG: Final = 0.03
# contrast of air, lung, fat and muscle; metal and padding do not dominate
_WINDOW_HU: Final = (-1000.0, 400.0)

# real scans stay within 25 HU, a phantom that ends in air does not; a scale shifted by less may pass
LEVEL_HU: Final = 60.0
_AIR_STAYS_HU: Final = 40.0
# 0.59 was the least of real scans, where a table moved between two heartbeats
_UNLIKE: Final = 0.4
_ALIKE: Final = 0.6
# anatomy is never better explained by its mirror image
_TURNED: Final = 0.8
_TURNED_GAIN: Final = 0.1


@dataclass(frozen=True, slots=True)
class Relation:
    """One slice relative to another; levels in HU, the second minus the first, NaN for a class that is not there.

    `likeness` is the correlation of the coarse images, `turned` says that mirroring or turning one of them explains the
    other much better.
    """

    soft_hu: float
    lung_hu: float
    air_hu: float
    likeness: float
    turned: bool

    @property
    def is_break(self) -> bool:
        """True if two neighbours of one scan are not like this."""
        return abs(self.soft_hu) > LEVEL_HU or self.likeness < _UNLIKE or self.turned

    @property
    def is_offset(self) -> bool:
        """True if the two show the same on different levels."""
        return abs(self.soft_hu) > LEVEL_HU and self.likeness >= _ALIKE

    @property
    def is_shifted(self) -> bool:
        """True if all that both show lies off by a constant, the air as well: a scale, not an anatomy."""
        if not abs(self.soft_hu) > LEVEL_HU or self.likeness < _UNLIKE:
            return False
        others = [(self.lung_hu, LEVEL_HU), (self.air_hu, _AIR_STAYS_HU)]
        return all(np.isnan(level) or level * np.sign(self.soft_hu) > limit for level, limit in others)

    @property
    def is_continued(self) -> bool:
        """True if the two could be neighbours, or a few slices apart."""
        return abs(self.soft_hu) <= LEVEL_HU and self.likeness >= _ALIKE and not self.turned


def relate(samples: Samples, first: int, second: int) -> Relation:
    """Compare two slices by index."""
    one, other = samples.hu[first], samples.hu[second]
    low, high, change = np.minimum(one, other), np.maximum(one, other), other - one
    soft = _median(change, high > _SOFT_HU)
    # what both show is compared at one level
    pictures = _limit(samples.coarse[first]), _limit(samples.coarse[second] - (soft if abs(soft) > LEVEL_HU else 0))
    likeness = _correlate(*pictures)
    return Relation(
        soft_hu=soft,
        lung_hu=_median(change, (low < _LUNG_HU[0]) & (high > _LUNG_HU[1]), _LEAST_LUNG),
        # equal values are padding, or limited by the number of bits
        air_hu=_median(change, (low < _AIR_HU[0]) & (high > _AIR_HU[1]) & (change != 0)),
        likeness=likeness,
        turned=_is_turned(*pictures, likeness),
    )


def _limit(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(image, *_WINDOW_HU)


def _correlate(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Pearson's correlation of two images; 0 where one of them is constant."""
    first, second = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / scale if scale > 0 else 0.0


def _is_turned(one: NDArray[np.float32], other: NDArray[np.float32], likeness: float) -> bool:
    if likeness > 1 - _TURNED_GAIN:
        return False
    ways = [other[::-1], other[:, ::-1], other[::-1, ::-1]]
    if other.shape[0] == other.shape[1]:
        ways += [np.rot90(other), np.rot90(other, 3), other.T]
    return max(_correlate(one, way) for way in ways) > max(_TURNED, likeness + _TURNED_GAIN)


def _median(change: NDArray[np.int32], where: NDArray[np.bool_], least: float = _LEAST) -> float:
    values = change[where]
    return float(np.median(values)) if values.size > least * change.size else float("nan")

"""Projections that no header mentions, by their pixels: neighbouring slabs of a sliding projection share voxels.

In slices as acquired the noise of neighbours differs, and so does their interpolation: where the image has texture, a
pixel equals its neighbour in the next slice by chance alone. In a sliding maximum (or minimum) over n slices the same
voxel is the maximum of two neighbouring slabs with probability (n - 1) / (n + 1): 1/3 for 2 slices, 1/2 for 3. Slabs
that lie side by side share no voxel and cannot be told from thick slices in this way, nor can averages.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.errors import NotScorable
from scoring.images.volume import Volume

# measured on 14 real scans and 30 synthetic ones: at most 3 % of a scan as acquired; slabs of 2 and more from 20 % on
_MOST_EQUAL: Final = 0.15
# a pixel lies in texture if it differs by this much from both its neighbours in the slice
_TEXTURE_HU: Final = 3
# equal pixels must be this much more common than any difference to one side, so that coarse steps do no harm
_PEAK: Final = 4.0
_FEWEST_PIXELS: Final = 1000
# spread over the scan: a projection is one throughout
_MOST_PAIRS: Final = 24
_AIR_HU: Final = -900
_BRIGHT_HU: Final = 3000


def check_slabs(volume: Volume) -> None:
    """Refuse (`projection`) a volume whose neighbouring slices share so many pixels that they are projections.

    Half of the pairs of slices must do so, of 24 at most, and a pair counts with 1,000 pixels of texture at least.
    """
    count = len(volume.hu) - 1
    lower = np.unique(np.linspace(0, count - 1, min(count, _MOST_PAIRS)).round().astype(int)) if count > 0 else ()
    pairs = [_compare(volume.hu[index], volume.hu[index + 1]) for index in lower]
    found = [pair for pair in pairs if pair is not None]
    if len(found) < max(2, len(pairs) // 4):
        return
    equal, near = np.median(np.asarray(found), axis=0)
    if equal > _MOST_EQUAL and equal > _PEAK * near:
        raise NotScorable("projection", variant="pixels", share_percent=round(100 * float(equal), 1))


def _compare(lower: NDArray[np.int16], upper: NDArray[np.int16]) -> tuple[float, float] | None:
    """Share of pixels in texture that are equal, and half of those with the commonest difference; None if too few."""
    centre = lower[1:, 1:].astype(np.int32)
    textured = (np.abs(centre - lower[1:, :-1]) >= _TEXTURE_HU) & (np.abs(centre - lower[:-1, 1:]) >= _TEXTURE_HU)
    textured &= (centre > _AIR_HU) & (centre < _BRIGHT_HU)
    steps = np.abs(upper[1:, 1:] - centre)[textured]
    if len(steps) < _FEWEST_PIXELS:
        return None
    counts = np.bincount(steps[steps <= _BRIGHT_HU])
    commonest = counts[1:].max(initial=0) / 2
    return counts[0] / len(steps), commonest / len(steps)

"""A sparse sample of every slice, from which neighbours are compared at little cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.images.volume import Volume

# about as many samples along a side: enough for shares of one per cent, few enough to cost next to nothing
_SIDE: Final = 128
_JUMP_HU: Final = 500
# above the air of any scanner, noise included, and above any padding
_DENSE_HU: Final = -900
# above lung, below fat
_TISSUE_HU: Final = -300
_LEAST: Final = 0.02
# no scan is without noise: 0.005 of its pixels equal their neighbours, of an image drawn for a test most do
_TEXTURED: Final = 0.2
# above this the values of calcium keep their weights; a scanner's own limit is 1,000 HU at least
_LIMIT_HU: Final = 700
# pixels that share the highest value of a slice, more than lie just below it; real slices have 1 or 2
_PLATEAU: Final = 25
_BELOW_HU: Final = 20


@dataclass(frozen=True, slots=True)
class Samples:
    """What is kept of each slice; arrays (slices, y, x) at every n-th pixel.

    `hu` are single pixels, `flat` says that a pixel equals the next two in its row and the one below it, `coarse` are
    means of 2 x 2 samples, limited to -1000 to 400 HU. By slice: `jumps` is the share of pixels that differ from the
    next by over 500 HU, `tissue_hu` the upper quartile of what is denser than lung in the middle of the image (NaN
    where that is under 2 %), `uniform` the share of what is denser than air that is flat, `clipped` says that values
    over a limit under 700 HU were cut to it.
    """

    hu: NDArray[np.int32]
    flat: NDArray[np.bool_]
    coarse: NDArray[np.float32]
    jumps: NDArray[np.float64]
    tissue_hu: NDArray[np.float64]
    uniform: NDArray[np.float64]
    clipped: NDArray[np.bool_]

    @property
    def textured(self) -> NDArray[np.bool_]:
        """Which slices have noise, as every scan has."""
        return self.uniform < _TEXTURED

    @property
    def is_scan(self) -> bool:
        """True unless every slice is drawn, without noise: neighbours cannot be compared then.

        One value throughout is no drawing either.
        """
        return bool(self.textured.any()) or self.hu.min() == self.hu.max()


def take(volume: Volume) -> Samples:
    """Sample a volume."""
    step = max(1, min(volume.hu.shape[1:]) // _SIDE)
    here, right, further, below = (
        volume.hu[:, y : -1 if y == 0 else None, x : x - 2 or None][:, ::step, ::step]
        for y, x in ((0, 0), (0, 1), (0, 2), (1, 0))
    )
    flat = (here == right) & (here == further) & (here == below)
    hu = here.astype(np.int32)
    dense = hu > _DENSE_HU
    return Samples(
        hu=hu,
        flat=flat,
        coarse=_shrink(hu),
        jumps=(np.abs(right - hu) > _JUMP_HU).mean(axis=(1, 2)),
        tissue_hu=np.asarray([_measure_tissue(image) for image in hu]),
        uniform=(flat & dense).sum(axis=(1, 2)) / np.maximum(dense.sum(axis=(1, 2)), _LEAST * dense[0].size),
        clipped=np.asarray([_is_clipped(image) for image in volume.hu]),
    )


def middle(images: NDArray[np.int32]) -> NDArray[np.int32]:
    """The middle half of images (..., y, x) along both sides: chest, whatever surrounds it."""
    height, width = images.shape[-2:]
    return images[..., height // 4 : height - height // 4, width // 4 : width - width // 4]


def select_tissue(images: NDArray[np.int32]) -> NDArray[np.int32] | None:
    """The values denser than lung in the middle of images, None where they are under 2 % of it."""
    inner = middle(images)
    tissue = inner[inner > _TISSUE_HU]
    return tissue if tissue.size > _LEAST * inner.size else None


def _is_clipped(image: NDArray[np.int16]) -> bool:
    """True if so many pixels share the highest value that it is a limit, and tissue reaches it."""
    top = int(image.max())
    if not _TISSUE_HU < top < _LIMIT_HU:
        return False
    plateau = int(np.count_nonzero(image == top))
    return plateau >= _PLATEAU and 2 * plateau > int(np.count_nonzero(image >= top - _BELOW_HU))


def _measure_tissue(image: NDArray[np.int32]) -> float:
    tissue = select_tissue(image)
    return float("nan") if tissue is None else float(np.percentile(tissue, 75))


def _shrink(hu: NDArray[np.int32]) -> NDArray[np.float32]:
    height, width = (size // 2 * 2 for size in hu.shape[1:])
    even = hu[:, :height, :width].astype(np.float32)
    small: NDArray[np.float32] = even.reshape(len(hu), height // 2, 2, width // 2, 2).mean(axis=(2, 4))
    return small

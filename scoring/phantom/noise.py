"""Image noise: its texture, and the streaks where the body is widest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from scoring.phantom.grid import Floats
from scoring.phantom.scan import Scan
from scoring.phantom.spec import NoiseTexture

_USUAL_HALF_WIDTH_MM: Final = 134.0
_SHOULDERS_Z: Final = 90.0
_AT_HEART: Final = 0.25
_STREAK_LONG_MM: Final = 60.0
_STREAK_HIGH_MM: Final = 2.0

_SPECTRA: Final[dict[NoiseTexture, Callable[[Floats], Floats]]] = {
    "standard": lambda f: np.sqrt(f) * np.exp(-((f / 0.45) ** 2)),
    # A sharp kernel passes most at frequencies where the standard one has begun to cut off.
    "sharp": lambda f: f * np.exp(-((f / 0.75) ** 4)),
    # Iterative reconstruction removes the fine grain: blotches remain.
    "smooth": lambda f: np.sqrt(f) * np.exp(-((f / 0.16) ** 2)),
}
"""Amplitude of the noise at a spatial frequency (1/mm) for a kernel 1 mm wide."""


def add_noise(image: Floats, scan: Scan, sd: float, rng: np.random.Generator, texture: NoiseTexture) -> None:
    """Add noise of standard deviation `sd` (HU) with the texture of a reconstruction to the slices.

    Its power rises with spatial frequency and falls again where the kernel cuts it off. Overlapping slices
    share the noise of their common part.
    """
    if sd == 0:
        return
    _, rows, columns = scan.shape
    f = _frequency(scan)
    shape = (_SPECTRA[texture](f * np.float32(scan.kernel_fwhm)) * scan.edge_response(f)).astype(np.float32)
    shared = max(1, round(scan.thickness / scan.spacing_mm[0]))
    scale = np.float32(sd / (_strength(shape, columns) * np.sqrt(shared)))
    # A slice is the sum of its shares; with every slice one share is added and the oldest is dropped.
    recent = [_draw(shape, (rows, columns), rng) for _ in range(shared - 1)]
    for k in range(len(image)):
        recent = [*recent[-shared + 1 :], _draw(shape, (rows, columns), rng)] if shared > 1 else []
        total = np.sum(recent, axis=0) if recent else _draw(shape, (rows, columns), rng)
        image[k] += total * scale


def add_streaks(image: Floats, scan: Scan, sd: float, half_width_mm: float, rng: np.random.Generator) -> None:
    """Add the horizontal streaks caused by rays that cross the body from side to side.

    They grow with the width of the body and are strongest between the shoulders, where `sd` (HU) applies to an average
    adult; at the heart a quarter of it remains.
    """
    if sd == 0:
        return
    _, rows, columns = scan.shape
    down, across = fft.fftfreq(rows, scan.spacing_mm[1]), fft.rfftfreq(columns, scan.spacing_mm[2])
    shape = np.exp(
        -2 * np.pi**2 * ((down[:, None] * _STREAK_HIGH_MM) ** 2 + (across[None, :] * _STREAK_LONG_MM / 2) ** 2)
    ).astype(np.float32)
    # A row as a whole gets no brighter: a streak stands out only from its neighbours.
    shape[np.abs(down) < 1 / 60] = 0
    width = (half_width_mm / _USUAL_HALF_WIDTH_MM) ** 2
    high = 1 / (1 + np.exp(-(scan.z - _SHOULDERS_Z) / 12))
    middle = np.exp(-(((scan.y - 10) / 75) ** 4)).astype(np.float32)[:, None]
    strength = sd * width * (_AT_HEART + (1 - _AT_HEART) * high) / _strength(shape, columns)
    for k, hu in enumerate(strength):
        image[k] += np.float32(hu) * middle * _draw(shape, (rows, columns), rng)


def _frequency(scan: Scan) -> Floats:
    _, rows, columns = scan.shape
    down, across = fft.fftfreq(rows, scan.spacing_mm[1]), fft.rfftfreq(columns, scan.spacing_mm[2])
    return np.hypot(down[:, None], across[None, :]).astype(np.float32)


def _draw(shape: Floats, size: tuple[int, int], rng: np.random.Generator) -> Floats:
    parts = rng.standard_normal((2, *shape.shape), dtype=np.float32)
    return np.asarray(fft.irfft2((parts[0] + 1j * parts[1]) * shape, s=size), dtype=np.float32)


def _strength(shape: Floats, columns: int) -> float:
    """Return the standard deviation of the noise that `_draw` returns."""
    power: NDArray[np.float64] = shape.astype(np.float64) ** 2
    # The half of the spectrum that is not stored counts too, except for the columns that mirror themselves.
    own = [0, *([-1] if columns % 2 == 0 else [])]
    total = 4 * power.sum() - 3 * power[:, own].sum()
    return float(np.sqrt(total) / (shape.shape[0] * columns))

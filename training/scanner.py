"""Blur, noise and artefacts of scanners of all vendors, at the coarse resolution of a net."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.phantom.tissue import Tissue

Floats = NDArray[np.float32]

_LOW_HU, _HIGH_HU = -1024.0, 2500.0
_BONE: Final = (
    Tissue.RIB_CORTEX,
    Tissue.RIB_MARROW,
    Tissue.STERNUM_CORTEX,
    Tissue.STERNUM_MARROW,
    Tissue.VERTEBRA_CORTEX,
    Tissue.VERTEBRA_MARROW,
)
_FAT: Final = (Tissue.MEDIASTINAL_FAT, Tissue.ABDOMINAL_FAT, Tissue.EPICARDIAL_FAT)


def simulate_scan(hu: Floats, tissue: NDArray[np.uint8], rng: np.random.Generator) -> Floats:
    """Simulate the scan (HU) of a painted crop: tissue texture, slice thickness, kernel, noise, cupping, streaks."""
    shape = hu.shape
    image = hu + _texture(tissue, rng)
    plane = rng.uniform(0.25, 0.6)
    image = ndimage.gaussian_filter(image, (plane if rng.random() < 0.5 else rng.uniform(0.3, 0.9), plane, plane))
    if rng.random() < 0.2:
        # Sharp kernels overshoot at edges.
        image += rng.uniform(0.1, 0.8) * (image - ndimage.gaussian_filter(image, (0, 0.8, 0.8)))
    image += _noise(shape, rng)
    image += np.float32(rng.normal(0, 4))
    if rng.random() < 0.3:
        wave = np.sin(np.linspace(0, rng.uniform(1, 6), shape[1]) + rng.uniform(0, 6))
        image += (rng.uniform(-20, 20) * wave).astype(np.float32)[None, :, None]
    if rng.random() < 0.15:
        image += rng.normal(0, rng.uniform(2, 12), (shape[0], 1, 1)).astype(np.float32)
    return np.asarray(np.clip(image, _LOW_HU, _HIGH_HU), np.float32)


def _texture(tissue: NDArray[np.uint8], rng: np.random.Generator) -> Floats:
    """Draw the texture that painted tissues lack: lung, bone and strands in fat differ from patient to patient."""
    shape = tissue.shape
    added = np.zeros(shape, np.float32)
    lung = tissue == Tissue.LUNG
    if lung.any():
        rough = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), float(rng.uniform(0.5, 2)))
        rough *= np.float32(rng.uniform(0, 160) / max(float(rough.std()), 1e-3) * 0.4)
        slope = np.linspace(0, rng.uniform(0, 110), shape[1], dtype=np.float32)[None, :, None]
        added += np.where(lung, np.clip(rough, -90, 350) + slope, 0)
    bone = np.isin(tissue, _BONE)
    added += np.where(bone, rng.standard_normal(shape, np.float32) * np.float32(rng.uniform(10, 120)), 0)
    fat = np.isin(tissue, _FAT)
    strands = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), 0.8) * np.float32(rng.uniform(0, 140))
    added += np.where(fat, np.clip(strands, -20, 140), 0)
    return added


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Draw correlated noise: fine or blotchy, in some scans along rows (streaks between the shoulders)."""
    grain = rng.uniform(0, 0.9)
    along = grain * rng.uniform(2, 6) if rng.random() < 0.12 else grain
    size = (grain * rng.uniform(0.2, 1.2), grain, along)
    noise = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), size)
    noise *= np.float32(20 * (rng.random() ** 1.3 + 0.05) / max(float(noise.std()), 1e-3))
    return np.asarray(noise, np.float32)

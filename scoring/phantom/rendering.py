"""From tissues to Hounsfield units as a scanner would show them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy import ndimage as ndi

from scoring.phantom.grid import Box, Floats, Grid
from scoring.phantom.scan import Scan, interpolation, turned_interpolation
from scoring.phantom.shapes import smooth_field
from scoring.phantom.tissue import Regions, Tissue

Labels = NDArray[np.uint8]

BLOOD: Final = frozenset(
    {
        Tissue.LEFT_VENTRICLE,
        Tissue.RIGHT_VENTRICLE,
        Tissue.LEFT_ATRIUM,
        Tissue.RIGHT_ATRIUM,
        Tissue.ASCENDING_AORTA,
        Tissue.DESCENDING_AORTA,
        Tissue.PULMONARY_TRUNK,
        Tissue.LUNG_VESSEL,
        Tissue.VEIN,
        Tissue.CORONARY,
    }
)
CONTRAST_HU: Final = 300.0

ATTENUATION_HU: Final[dict[Tissue, float]] = {
    Tissue.AIR: -1000,
    Tissue.TABLE: -120,
    Tissue.SKIN: 10,
    Tissue.FAT: -104,
    Tissue.MUSCLE: 52,
    Tissue.RIB_CORTEX: 560,
    Tissue.RIB_MARROW: 110,
    Tissue.CARTILAGE: 108,
    Tissue.STERNUM_CORTEX: 480,
    Tissue.STERNUM_MARROW: 110,
    Tissue.VERTEBRA_CORTEX: 430,
    Tissue.VERTEBRA_MARROW: 170,
    Tissue.DISC: 88,
    Tissue.SPINAL_CANAL: 28,
    Tissue.LUNG: -868,
    Tissue.LUNG_VESSEL: 36,
    Tissue.AIRWAY: -985,
    Tissue.AIRWAY_WALL: 15,
    Tissue.MEDIASTINAL_FAT: -98,
    Tissue.PERICARDIUM: 10,
    Tissue.EPICARDIAL_FAT: -96,
    Tissue.MYOCARDIUM: 46,
    Tissue.OESOPHAGUS: 36,
    Tissue.DIAPHRAGM: 46,
    Tissue.LIVER: 58,
    Tissue.SPLEEN: 48,
    Tissue.STOMACH: 32,
    Tissue.GAS: -960,
    Tissue.ABDOMINAL_FAT: -104,
    **dict.fromkeys(BLOOD, 40.0),
}

_MARROW: Final = frozenset({Tissue.RIB_MARROW, Tissue.VERTEBRA_MARROW, Tissue.STERNUM_MARROW})
_SOFT_FAT: Final = frozenset({Tissue.MEDIASTINAL_FAT, Tissue.ABDOMINAL_FAT})
_STANDARD_FWHM_MM: Final = 1.0
_EDGE_STEPS: Final = np.float32(1.3)
"""Width of an edge in steps of the grid: what the grid can hold without ringing."""


def paint(regions: Regions, grid: Grid, *, seed: int, contrast: bool) -> tuple[Floats, Labels]:
    """HU and labels on the grid: each region covers the earlier ones by its share of a voxel (partial volume)."""
    hu = np.full(grid.shape, ATTENUATION_HU[Tissue.AIR], dtype=np.float32)
    labels = np.zeros(grid.shape, dtype=np.uint8)
    coarse, fine = (smooth_field(seed, f"texture {p}", p).on(grid).ravel() for p in (9.0, 3.6))
    edge = _EDGE_STEPS * (grid.x[1] - grid.x[0])
    depth = np.broadcast_to(grid.y[None, :, None], grid.shape).ravel()
    flat, flat_labels = hu.reshape(-1), labels.reshape(-1)
    for region in regions:
        distance = np.broadcast_to(region.distance, hu[region.box].shape)
        here = np.flatnonzero(distance < edge / 2)
        d = distance.ravel()[here]
        at = _in_grid(here, region.box, grid)
        tissue = region.tissue
        value: Floats | float = ATTENUATION_HU[tissue]
        if contrast and tissue in BLOOD:
            value = CONTRAST_HU
        elif tissue == Tissue.LUNG:
            # Blood sinks: the lung of a lying patient is denser at the back.
            value = np.asarray(value + 10 * coarse[at] + 12 * fine[at] + 0.22 * depth[at], dtype=np.float32)
        elif tissue in _MARROW:
            value = np.asarray(value + 45 * fine[at] + 15 * coarse[at], dtype=np.float32)
        elif tissue in _SOFT_FAT:
            value = np.asarray(value + np.clip(9 * fine[at] + 3, -8, 30), dtype=np.float32)
        flat[at] += np.clip(np.float32(0.5) - d / edge, 0, 1) * (value - flat[at])
        flat_labels[at[d < 0]] = tissue
    return hu, labels


def _in_grid(at: NDArray[np.intp], box: Box, grid: Grid) -> NDArray[np.intp]:
    """Flat indices in the grid for flat indices in a box of it."""
    if box == grid.whole:
        return at
    planes, rows, columns = box
    inner = (planes.stop - planes.start, rows.stop - rows.start, columns.stop - columns.start)
    z, y, x = np.unravel_index(at, inner)
    _, height, width = grid.shape
    return np.asarray(((z + planes.start) * height + y + rows.start) * width + x + columns.start, dtype=np.intp)


def sliced(hu: Floats, labels: Labels, grid: Grid, scan: Scan) -> tuple[Floats, Labels]:
    """The painted grid as the scan's slices: slice profile along z, cubic convolution in the plane."""
    planes = np.tensordot(scan.slices(grid), hu, 1)
    image = np.empty(scan.shape, dtype=np.float32)
    heights = _nearest(grid.z, scan.z)
    if scan.pose.is_straight:
        across, down = interpolation(grid.x, scan.x), interpolation(grid.y, scan.y)
        for k, plane in enumerate(planes):
            image[k] = down @ plane @ across.T
        seen = labels[np.ix_(heights, _nearest(grid.y, scan.y), _nearest(grid.x, scan.x))]
    else:
        weights = turned_interpolation(grid, scan)
        for k, plane in enumerate(planes):
            image[k] = (weights @ plane.ravel()).reshape(scan.shape[1:])
        x, y = scan.pose.to_body(scan.x[None, :], scan.y[:, None])
        seen = labels[heights][:, _nearest(grid.y, y), _nearest(grid.x, x)]
    if scan.kernel_fwhm > _STANDARD_FWHM_MM:
        # The painted edges already have the standard kernel's width: only the rest is added.
        sigma = np.sqrt(scan.kernel_fwhm**2 - _STANDARD_FWHM_MM**2) / 2.3548 / scan.spacing_mm[2]
        image = ndi.gaussian_filter(image, (0, sigma, sigma))
    return image, seen


def _nearest(line: Floats, wanted: NDArray[np.float64]) -> NDArray[np.intp]:
    step = np.rint((wanted - line[0]) / (line[1] - line[0])).astype(np.intp)
    return np.asarray(np.clip(step, 0, len(line) - 1), dtype=np.intp)


def noise(scan: Scan, sd: float, rng: np.random.Generator) -> Floats:
    """Noise of standard deviation `sd` (HU) with the grain of filtered backprojection.

    Its power rises with spatial frequency and falls again where the kernel cuts it off. Overlapping slices
    share the noise of what they share.
    """
    slices, rows, columns = scan.shape
    if sd == 0:
        return np.zeros(scan.shape, dtype=np.float32)
    f = np.hypot(fft.fftfreq(rows, scan.spacing_mm[1])[:, None], fft.rfftfreq(columns, scan.spacing_mm[2])[None, :])
    shape = (np.sqrt(f) * np.exp(-((f * scan.kernel_fwhm / 0.45) ** 2))).astype(np.float32)
    shared = max(1, round(scan.thickness / scan.spacing_mm[0]))
    image = np.empty(scan.shape, dtype=np.float32)
    recent: list[Floats] = []
    for k in range(-shared + 1, slices):
        parts = rng.standard_normal((2, *shape.shape), dtype=np.float32)
        spectrum = (parts[0] + 1j * parts[1]) * shape
        recent = (
            [*recent[-shared + 1 :], fft.irfft2(spectrum, s=(rows, columns))]
            if shared > 1
            else [fft.irfft2(spectrum, s=(rows, columns))]
        )
        if k >= 0:
            image[k] = np.sum(recent, axis=0)
    return np.asarray(image * np.float32(sd / image.std()), dtype=np.float32)

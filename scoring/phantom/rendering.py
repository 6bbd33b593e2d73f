"""Rendering of tissues in Hounsfield units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.phantom.grid import Box, Floats, Grid
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
        Tissue.AORTIC_ARCH,
        Tissue.ARTERY,
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
    Tissue.BREAST: 22,
    Tissue.BONE_CORTEX: 520,
    Tissue.BONE_MARROW: 130,
    Tissue.KIDNEY: 32,
    Tissue.BOWEL: 34,
    Tissue.EFFUSION: 8,
    Tissue.CONSOLIDATION: 30,
    Tissue.FOAM: -930,
    Tissue.NODE: 34,
    Tissue.HERNIA: 28,
    Tissue.HERNIA_GAS: -960,
    Tissue.OESOPHAGUS_GAS: -940,
    Tissue.THYROID: 95,
    Tissue.CLOTH: -650,
    **dict.fromkeys(BLOOD, 40.0),
}

_MARROW: Final = frozenset({Tissue.RIB_MARROW, Tissue.VERTEBRA_MARROW, Tissue.STERNUM_MARROW, Tissue.BONE_MARROW})
_SOFT_FAT: Final = frozenset({Tissue.MEDIASTINAL_FAT, Tissue.ABDOMINAL_FAT})
_EDGE_STEPS: Final = np.float32(1.3)
"""Width of an edge in grid steps: the sharpest that the grid can represent without ringing."""


def paint(
    regions: Regions, grid: Grid, *, seed: int, contrast: bool, attenuation: Mapping[Tissue, float] | None = None
) -> tuple[Floats, Labels]:
    """Paint HU and labels on the grid: a region covers earlier ones by its share of a voxel (partial volume).

    `attenuation` replaces the usual HU of the tissues.
    """
    usual = ATTENUATION_HU if attenuation is None else attenuation
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
        value: Floats | float = usual[tissue]
        if contrast and tissue in BLOOD:
            value = CONTRAST_HU
        elif tissue == Tissue.LUNG:
            # Blood pools: the lung of a supine patient is denser at the back.
            value = np.asarray(value + 10 * coarse[at] + 12 * fine[at] + 0.22 * depth[at], dtype=np.float32)
        elif tissue in _MARROW:
            value = np.asarray(value + 45 * fine[at] + 15 * coarse[at], dtype=np.float32)
        elif tissue in _SOFT_FAT:
            value = np.asarray(value + np.clip(9 * fine[at] + 3, -8, 30), dtype=np.float32)
        flat[at] += np.clip(np.float32(0.5) - d / edge, 0, 1) * (value - flat[at])
        flat_labels[at[d < 0]] = tissue
    return hu, labels


def _in_grid(at: NDArray[np.intp], box: Box, grid: Grid) -> NDArray[np.intp]:
    """Convert flat indices in a box of the grid to flat indices in the grid."""
    if box == grid.whole:
        return at
    planes, rows, columns = box
    inner = (planes.stop - planes.start, rows.stop - rows.start, columns.stop - columns.start)
    z, y, x = np.unravel_index(at, inner)
    _, height, width = grid.shape
    return np.asarray(((z + planes.start) * height + y + rows.start) * width + x + columns.start, dtype=np.intp)

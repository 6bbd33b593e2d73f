"""Contents of the pleural space other than aerated lung: effusion, consolidation, pericardial fat pads."""

from __future__ import annotations

import numpy as np

from scoring.phantom.grid import Floats, Grid, is_empty
from scoring.phantom.heart import Heart
from scoring.phantom.shapes import ellipsoid, smooth_field
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue


def regions(thorax: Thorax, grid: Grid, outward: Floats, heart: Heart, air: Floats) -> Regions:
    """Yield everything inside the outline of the lungs, `air`, that is not aerated lung."""
    body = thorax.habitus
    yield from _pads(thorax, grid, heart, air)
    at = grid.coordinates()
    if any(body.consolidation) or any(body.effusion):
        patch = smooth_field(thorax.seed, "airless", 24.0).on(grid)
    for side, fluid, airless in zip((-1, 1), body.effusion, body.consolidation, strict=True):
        here = np.float32(-side) * at.x
        depth = airless
        if fluid:
            # Lung beside fluid collapses.
            depth = max(airless, 0.35 * fluid)
        if depth:
            deep = np.maximum(-outward - np.float32(depth + fluid), np.float32(body.effusion_level - 12) - at.y)
            deep = np.maximum(deep, at.z - 35) + 7 * patch
            yield Region(Tissue.CONSOLIDATION, grid.whole, np.maximum(np.maximum(deep, air), here))
        if fluid:
            deep = np.maximum(-outward - np.float32(fluid), np.float32(body.effusion_level) - at.y)
            yield Region(Tissue.EFFUSION, grid.whole, np.maximum(np.maximum(deep, air), here))


def _pads(thorax: Thorax, grid: Grid, heart: Heart, air: Floats) -> Regions:
    for side, size in zip((-1, 1), thorax.habitus.pads, strict=True):
        if not size:
            continue
        centre = thorax.heart_point((25 + side * (46 if side < 0 else 58), -42, -76))
        box = grid.box(centre - 1.4 * size - 8, centre + 1.4 * size + 8)
        if not is_empty(box):
            pad = ellipsoid(grid.coordinates(box), centre, (1.1 * size, 0.95 * size, 0.9 * size))
            # A pad widens the fat of the heart and never floats in the lung.
            pad = np.maximum(pad, heart.sac[box] - np.float32(0.9 * size))
            yield Region(Tissue.MEDIASTINAL_FAT, box, np.maximum(pad, air[box]))

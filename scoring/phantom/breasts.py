"""The breasts: fat with glands in it, in front of the chest's muscles."""

from __future__ import annotations

import numpy as np

from scoring.phantom.grid import Coordinates, Floats, Grid, is_empty
from scoring.phantom.habitus import Habitus
from scoring.phantom.shapes import smooth_field
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Region, Regions, Tissue


def bulge(habitus: Habitus, at: Coordinates) -> Floats:
    """Return how far the breasts lift the skin, mm."""
    wide = np.float32(1.25 * habitus.breast_size)
    across = (np.abs(at.x) - np.float32(habitus.breast_x)) / wide
    along = (at.z - np.float32(habitus.breast_z)) / (np.float32(1.1) * wide)
    # Flatter than a Gaussian: steep at the rim and flat in the middle.
    shape = np.exp(-((across * across + along * along) ** np.float32(1.6)))
    ahead = np.clip((np.float32(20) - at.y) / np.float32(45), 0, 1)
    return np.asarray(np.float32(habitus.breast) * shape * ahead, dtype=np.float32)


def glands(thorax: Thorax, grid: Grid, flesh: Floats, skin: Floats) -> Regions:
    """Yield patches of glandular tissue between muscle and skin."""
    body = thorax.habitus
    reach = 1.9 * body.breast_size
    box = grid.box(
        (-body.breast_x - reach, grid.y[0], body.breast_z - reach),
        (body.breast_x + reach, 0.0, body.breast_z + reach),
    )
    if is_empty(box):
        return
    z, y, x = box
    patch = smooth_field(thorax.seed, "glands", 22.0).on(Grid(grid.z[z], grid.y[y], grid.x[x]))
    lifted = bulge(body, grid.coordinates(box))
    under = np.maximum(np.float32(3) - flesh[box], skin[box] + np.float32(6))
    inside = np.maximum(under, np.float32(0.3 * body.breast) - lifted)
    yield Region(Tissue.BREAST, box, np.maximum(inside, 5 * (np.float32(-body.gland) - patch)))

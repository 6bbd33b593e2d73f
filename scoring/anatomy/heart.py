"""The heart as the fine net sees it: chambers, courses of the coronary arteries, and landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.chest import Chest
from scoring.anatomy.coarse import Coarse
from scoring.anatomy.isotropic import Cubes, cubes
from scoring.anatomy.network import Found, network
from scoring.anatomy.region import Region, sampled

CHAMBERS: Final = ("left ventricle", "right ventricle", "left atrium", "right atrium")
BELOW_MM, ABOVE_MM, BESIDE_MM = 12.0, 34.0, 15.0
SMALLEST_MM: Final = (126.0, 150.0, 150.0)
LARGEST_MM: Final = (186.0, 192.0, 198.0)
PEAK_MM: Final = 15.0


@dataclass(frozen=True, slots=True)
class Landmark:
    """A position (z, y, x) in mm along the volume's axes.

    `certainty` 0..1 is the probability that the landmark lies round it, `spread_mm` the standard deviation of its
    position along an axis, over all places where it may lie in the image.
    """

    place_mm: NDArray[np.float64]
    certainty: float
    spread_mm: float


@dataclass(frozen=True, slots=True)
class Heart:
    """What the nets found, `chambers` (cavities with their walls) and `aorta` (ascending aorta with root).

    `landmarks` have the names used by the nets.
    """

    found: Found
    chambers: Region
    aorta: Region
    landmarks: dict[str, Landmark]

    @property
    def places(self) -> tuple[str, ...]:
        """The names of what a calcification may belong to."""
        return self.found.places

    def likelihood(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability (places, n) of each of `places` at points (n, 3), linear between cubes."""
        return np.array([sampled(place, self.found.cubes, points_mm) for place in self.found.place])

    def disagreement(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far the nets differ about the place at points (n, 3), 0..1."""
        return sampled(self.found.doubt, self.found.cubes, points_mm)

    def region(self, name: str) -> Region:
        """Return the region of one class."""
        return Region.of(self.found.mask(name), self.found.cubes)


def heart(grid: Coarse, chest: Chest) -> Heart:
    """Analyse the heart that was located in the chest at a finer resolution."""
    net = network("heart")
    image = cubes(grid, net.step_mm, *_extent(chest))
    classified = net.find(image)
    return Heart(
        found=classified,
        chambers=Region.of(classified.mask(*CHAMBERS), image),
        aorta=Region.of(classified.mask("ascending"), image),
        landmarks={name: _peak(spot, image) for name, spot in zip(classified.landmarks, classified.spot, strict=True)},
    )


def _extent(chest: Chest) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return corners (z, y, x) in mm: heart and great vessels, at least as large as the views used in training."""
    box = ndimage.find_objects(chest.heart_mask.astype(np.uint8))[0]
    below, above = np.array([BELOW_MM, BESIDE_MM, BESIDE_MM]), np.array([ABOVE_MM, BESIDE_MM, BESIDE_MM])
    low = chest.cubes.position(np.array([side.start for side in box])) - below
    high = chest.cubes.position(np.array([side.stop - 1 for side in box])) + above
    middle, size = (low + high) / 2, np.clip(high - low, SMALLEST_MM, LARGEST_MM)
    return middle - size / 2, middle + size / 2


def _peak(spot: NDArray[np.float32], image: Cubes) -> Landmark:
    """Return the most likely position of a landmark: the centroid around its peak, and the probability there."""
    likely = spot.astype(np.float64)
    top = np.array(np.unravel_index(int(likely.argmax()), likely.shape))
    reach = int(PEAK_MM / image.step_mm)
    low = np.maximum(top - reach, 0)
    part = likely[tuple(slice(a, b + reach + 1) for a, b in zip(low, top, strict=True))]
    index = low + np.array(ndimage.center_of_mass(part))
    lines = [(np.arange(side) - at) ** 2 for side, at in zip(likely.shape, index, strict=True)]
    square = sum(
        float(likely.sum(axis=tuple(other for other in range(3) if other != axis)) @ line)
        for axis, line in enumerate(lines)
    )
    spread = float(np.sqrt(square / (3 * likely.sum()))) * image.step_mm
    return Landmark(image.position(index), float(part.sum()), spread)

"""The heart as the fine net sees it: chambers, courses of the coronary arteries, and landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scoring.anatomy.chest import Chest
from scoring.anatomy.coarse import Coarse
from scoring.anatomy.isotropic import cubes
from scoring.anatomy.network import Found, network
from scoring.anatomy.region import Region, sampled
from scoring.result import ARTERIES, Artery

CHAMBERS: Final = ("left ventricle", "right ventricle", "left atrium", "right atrium")
BELOW_MM, ABOVE_MM, BESIDE_MM = 12.0, 34.0, 15.0
SMALLEST_MM: Final = (126.0, 150.0, 150.0)
LARGEST_MM: Final = (186.0, 192.0, 198.0)
PEAK_MM: Final = 15.0
ON_COURSE_MM: Final[dict[Artery, float]] = {"LM": 7.3, "LAD": 4.3, "LCX": 4.1, "RCA": 4.1}
"""Distance that the net sees on the course itself, median on phantoms: the left main is short and least certain."""


@dataclass(frozen=True, slots=True)
class Landmark:
    """A position (z, y, x) in mm along the volume's axes, and how certain the net is of it, 0..1."""

    place_mm: NDArray[np.float64]
    certainty: float


@dataclass(frozen=True, slots=True)
class Heart:
    """The net's classes and fields, `chambers` (cavities with their walls) and `aorta` (ascending aorta with root).

    `landmarks` have the names used by the net.
    """

    found: Found
    chambers: Region
    aorta: Region
    landmarks: dict[str, Landmark]
    reach_mm: float

    def course_mm(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance in mm from points (n, 3) to the likely courses of LM, LAD, LCX and RCA: (4, n).

        It is 0 where the net sees a course as near as it usually does on the course itself, and 20 where it sees none.
        """
        closeness = np.array([sampled(self.found.named(name), self.found.cubes, points_mm) for name in ARTERIES])
        usual = np.array([ON_COURSE_MM[name] for name in ARTERIES])
        away = self.reach_mm * (1 - np.clip(closeness, 0, 1)) - usual[:, None]
        return np.asarray(away * (self.reach_mm / (self.reach_mm - usual))[:, None])


def heart(grid: Coarse, chest: Chest) -> Heart:
    """Analyse the heart that was located in the chest at a finer resolution."""
    net = network("heart")
    image = cubes(grid, net.step_mm, *_extent(chest))
    classified = net.find(image)
    return Heart(
        found=classified,
        chambers=Region.of(classified.mask(*CHAMBERS), image),
        aorta=Region.of(classified.mask("ascending"), image),
        landmarks={name: _peak(classified, name) for name in classified.fields if name not in ARTERIES},
        reach_mm=net.reach_mm,
    )


def _extent(chest: Chest) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return corners (z, y, x) in mm: heart and great vessels, at least as large as the views used in training."""
    box = ndimage.find_objects(chest.heart_mask.astype(np.uint8))[0]
    below, above = np.array([BELOW_MM, BESIDE_MM, BESIDE_MM]), np.array([ABOVE_MM, BESIDE_MM, BESIDE_MM])
    low = chest.cubes.position(np.array([side.start for side in box])) - below
    high = chest.cubes.position(np.array([side.stop - 1 for side in box])) + above
    middle, size = (low + high) / 2, np.clip(high - low, SMALLEST_MM, LARGEST_MM)
    return middle - size / 2, middle + size / 2


def _peak(classified: Found, name: str) -> Landmark:
    """Return the most likely position of a landmark: the centroid around its peak, and its share of the whole."""
    logits = classified.named(name)
    likely = np.exp((logits - logits.max()).astype(np.float64))
    top = np.array(np.unravel_index(int(likely.argmax()), likely.shape))
    reach = int(PEAK_MM / classified.cubes.step_mm)
    low = np.maximum(top - reach, 0)
    part = likely[tuple(slice(a, b + reach + 1) for a, b in zip(low, top, strict=True))]
    index = low + np.array(ndimage.center_of_mass(part))
    return Landmark(classified.cubes.position(index), float(part.sum() / likely.sum()))

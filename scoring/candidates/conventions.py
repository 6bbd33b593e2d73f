"""Named scoring conventions: thresholds, smallest area, connectivity and how volume is defined.

Every result names its convention, because the choice affects the score: 4- instead of 8-connected components lower
it by 3 %, a minimum of 2 pixels instead of 4 raises it by 16 % (van Ooijen, Eur Radiol 2005;15:102).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.settings import ConventionName

VolumeDefinition = Literal["voxels", "isotropic"]
Thresholds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Convention:
    """Rules from pixels to a score.

    `thresholds` (HU) are where the weights 1, 2, 3 and 4 begin; the first one is the scoring threshold. A 2-D
    component (4- or 8-connected) counts from `minimum_area_mm2` and `minimum_pixels`, both of which must be
    met; with `strict_area` the area must be greater than the minimum, else equal is enough.
    """

    name: ConventionName
    thresholds: Thresholds
    minimum_area_mm2: float
    minimum_pixels: int
    strict_area: bool
    connectivity: Literal[4, 8]
    volume: VolumeDefinition

    @property
    def threshold_hu(self) -> float:
        """HU from which a pixel counts."""
        return self.thresholds[0]

    def minimum_mm2(self, pixel_mm2: float) -> float:
        """The minimum area for pixels of that size: conventions that count pixels have none of their own."""
        return max(self.minimum_area_mm2, self.minimum_pixels * pixel_mm2 if self.minimum_pixels > 1 else 0.0)


# Agatston et al., J Am Coll Cardiol 1990;15:827
AGATSTON: Final[Thresholds] = (130.0, 200.0, 300.0, 400.0)

# Weights by tube voltage: Grani, Eur Heart J Cardiovasc Imaging 2018;19:1362; 120 kVp: Agatston 1990
BY_KVP: Final[Mapping[int, Thresholds]] = MappingProxyType(
    {
        70: (207.0, 318.0, 477.0, 636.0),
        80: (177.0, 271.0, 408.0, 544.0),
        100: (145.0, 222.0, 334.0, 446.0),
        120: AGATSTON,
        135: (119.0, 183.0, 274.0, 364.0),
    }
)

# Siemens' kernel made so that calcium has the HU of 120 kVp at any voltage
_AS_AT_120_KVP: Final = "SA36"

_STANDARD: Final = Convention("standard", AGATSTON, 1.0, 1, strict_area=False, connectivity=8, volume="voxels")


def _as_coded_in_fqm(name: ConventionName, area: float, pixels: int, volume: VolumeDefinition) -> Convention:
    # van Praagh et al., Med Phys 2021, doi 10.1002/mp.14912: 4-connected, area strictly greater than the minimum
    return Convention(name, AGATSTON, area, pixels, strict_area=True, connectivity=4, volume=volume)


PRESETS: Final[Mapping[ConventionName, Convention]] = MappingProxyType(
    {
        "standard": _STANDARD,
        "kvp-adapted": dataclasses.replace(_STANDARD, name="kvp-adapted"),
        "literature": _as_coded_in_fqm("literature", 1.0, 0, "isotropic"),
        "siemens": _as_coded_in_fqm("siemens", 0.0, 0, "isotropic"),
        "philips": _as_coded_in_fqm("philips", 0.5, 0, "voxels"),
        "canon": _as_coded_in_fqm("canon", 0.0, 3, "voxels"),
        "ge": _as_coded_in_fqm("ge", 1.0, 0, "voxels"),
    }
)


def imitates_120_kvp(kernel: str) -> bool:
    """True if the reconstruction kernel gives calcium the HU of 120 kVp at any tube voltage."""
    return kernel.upper().startswith(_AS_AT_120_KVP)


def volume_definition(name: str) -> VolumeDefinition | None:
    """How the convention of that name defines volume; None for a name that is not one of ours."""
    return next((preset.volume for preset in PRESETS.values() if preset.name == name), None)


def named(name: ConventionName, kvp: float | None = None, kernel: str = "") -> Convention:
    """The convention of that name; "kvp-adapted" takes the thresholds of `kvp` where a table knows them.

    Tube voltages without a published row, and an unknown one (None), keep 130 HU; `quality` flags them. So does a
    kernel that imitates 120 kVp.
    """
    convention = PRESETS[name]
    if name != "kvp-adapted" or kvp is None or imitates_120_kvp(kernel):
        return convention
    return dataclasses.replace(convention, thresholds=BY_KVP.get(round(kvp), AGATSTON))

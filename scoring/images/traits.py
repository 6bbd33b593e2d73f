"""What an image has in common with the others of its series: size, place, reconstruction."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

Trait = Literal[
    "no_geometry",
    "orientation",
    "matrix_size",
    "pixel_spacing",
    "slice_thickness",
    "tube_voltage",
    "kernel",
    "frame_of_reference",
]

# headers give directions and pixel sizes to few decimals
_DIRECTION: Final = 2e-3
_PIXEL_MM: Final = 1e-4
# 3.00 and 2.99 mm are one thickness, 3 and 5 mm are not
_THICKNESS: Final = 0.1
_KVP: Final = 1.0
# directions must be this close to unit length and to a right angle
_SQUARE: Final = 0.01
# a plane at a larger angle to the transverse plane is a reformation, not an axial slice
_AXIAL_DEG: Final = 35.0


@dataclass(frozen=True, slots=True)
class Traits:
    """Facts of one image in mm and kV, "" or None where the header has none.

    `orientation` is the direction along a row, then down a column (PS3.3 C.7.6.2). `kernel` is compared without case
    and spaces. `role` names what the image is if not a slice.
    """

    rows: int
    columns: int
    pixel_spacing: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    position: tuple[float, ...] | None
    thickness_mm: float | None = None
    kvp: float | None = None
    kernel: str = ""
    frame_of_reference_uid: str = ""
    acquisition_number: int | None = None
    role: str = ""

    @property
    def has_geometry(self) -> bool:
        """True if size and place of the image are known and possible."""
        if not self.orientation or not self.position or not self.pixel_spacing or min(self.pixel_spacing) <= 0:
            return False
        right, down = self.orientation[:3], self.orientation[3:]
        square = abs(sum(one * other for one, other in zip(right, down, strict=True))) <= _SQUARE
        unit = all(abs(math.hypot(*way) - 1) <= _SQUARE for way in (right, down))
        return square and unit and min(self.rows, self.columns) > 0

    @property
    def normal(self) -> tuple[float, float, float]:
        """Unit vector (x, y, z) across the image, towards the head where it has such a part. Needs the geometry."""
        a, b, c, d, e, f = self.orientation or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
        across = (b * f - c * e, c * d - a * f, a * e - b * d)
        length = math.copysign(math.hypot(*across), across[2])
        return across[0] / length, across[1] / length, across[2] / length

    @property
    def is_axial(self) -> bool:
        """True unless the image is tilted more than a gantry can be. Needs the geometry."""
        return self.normal[2] >= math.cos(math.radians(_AXIAL_DEG))

    @property
    def is_complete(self) -> bool:
        """True if nothing that is compared is missing."""
        return bool(self.kernel and self.kvp and self.thickness_mm)


def find_difference(one: Traits, other: Traits) -> Trait | None:
    """Find the first trait in which two images with a geometry differ; what one of them lacks is no difference."""
    return next((trait for trait, is_alike in _COMPARED if not is_alike(one, other)), None)


def merge(one: Traits, other: Traits) -> Traits:
    """Fill what one image lacks from another that does not differ."""
    return replace(
        one,
        kvp=one.kvp or other.kvp,
        kernel=one.kernel or other.kernel,
        thickness_mm=one.thickness_mm or other.thickness_mm,
    )


def _is_near(one: tuple[float, ...] | None, other: tuple[float, ...] | None, tolerance: float) -> bool:
    return all(abs(first - second) <= tolerance for first, second in zip(one or (), other or (), strict=False))


def _is_as_thick(one: float, other: float) -> bool:
    return min(one, other) <= 0 or abs(one - other) <= _THICKNESS * max(one, other)


@functools.lru_cache(maxsize=256)
def _plain(kernel: str) -> str:
    return "\\".join("".join(value.split()) for value in kernel.upper().split("\\"))


_COMPARED: Final[tuple[tuple[Trait, Callable[[Traits, Traits], bool]], ...]] = (
    ("orientation", lambda one, other: _is_near(one.orientation, other.orientation, _DIRECTION)),
    ("matrix_size", lambda one, other: (one.rows, one.columns) == (other.rows, other.columns)),
    ("pixel_spacing", lambda one, other: _is_near(one.pixel_spacing, other.pixel_spacing, _PIXEL_MM)),
    ("tube_voltage", lambda one, other: not one.kvp or not other.kvp or abs(one.kvp - other.kvp) <= _KVP),
    ("kernel", lambda one, other: not one.kernel or not other.kernel or _plain(one.kernel) == _plain(other.kernel)),
    ("slice_thickness", lambda one, other: _is_as_thick(one.thickness_mm or 0.0, other.thickness_mm or 0.0)),
)

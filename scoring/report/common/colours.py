"""Colours of all documents: the colour-blind can tell those with a meaning apart, and a name is always beside them.

`PAPER` is for what is printed, `SCREEN` for pictures in a dark reading room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from scoring.result import Artery, Category

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

# Apart from each other and from grey also for protanopes and deuteranopes (Machado, Oliveira and Fernandes, IEEE Trans
# Vis Comput Graph 2009;15:1291): a test computes it.
ARTERY_COLOUR: Final[dict[Artery, Colour]] = {
    "LM": (178, 80, 250),
    "LAD": (240, 96, 48),
    "LCX": (60, 194, 246),
    "RCA": (240, 236, 48),
}
NO_ARTERY_COLOUR: Final[Colour] = (255, 255, 255)
# Shades of one hue would be read as brightness; these run from blue to red.
CATEGORY_COLOUR: Final[dict[Category, Colour]] = {
    "0": (86, 180, 233),
    "1-100": (120, 200, 170),
    "101-400": (250, 216, 96),
    ">400": (255, 118, 92),
}


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a page: ground, panels on it, rules, and words from the faintest to the strongest.

    `alarm` is for warnings, `curve` for lines of charts, `band` and `middle_band` for the areas between them,
    `variation` for that of a repeated scan, `on_colour` for words on the colour of a category.
    """

    ground: Colour
    panel: Colour
    rule: Colour
    faint: Colour
    plain: Colour
    strong: Colour
    alarm: Colour
    curve: Colour
    band: Colour
    middle_band: Colour
    variation: Colour
    on_colour: Colour


PAPER: Final = Palette(
    ground=(255, 255, 255),
    panel=(243, 245, 248),
    rule=(201, 208, 217),
    faint=(91, 102, 116),
    plain=(27, 34, 44),
    strong=(27, 34, 44),
    alarm=(138, 75, 0),
    curve=(47, 111, 163),
    band=(220, 231, 240),
    middle_band=(193, 212, 228),
    variation=(223, 227, 231),
    on_colour=(27, 34, 44),
)
SCREEN: Final = Palette(
    ground=(14, 17, 22),
    panel=(30, 36, 45),
    rule=(64, 74, 88),
    faint=(160, 170, 184),
    plain=(226, 231, 238),
    strong=(255, 255, 255),
    alarm=(255, 200, 87),
    curve=(120, 170, 210),
    band=(34, 58, 80),
    middle_band=(44, 78, 108),
    variation=(48, 54, 64),
    on_colour=(14, 17, 22),
)


def artery_colour(artery: Artery | None) -> Colour:
    """Colour of an artery, or of a lesion that no artery is named for."""
    return NO_ARTERY_COLOUR if artery is None else ARTERY_COLOUR[artery]


def hexadecimal(colour: Colour) -> str:
    """A colour as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)

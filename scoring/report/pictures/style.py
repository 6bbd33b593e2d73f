"""What every picture shares: size, colours that the colour-blind tell apart."""

from __future__ import annotations

from typing import Final

from scoring.result import Artery, Category

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of a page."""

# Three to four, as a monitor in portrait and a telephone; at half of this width the smallest words are still read.
WIDTH: Final = 720
HEIGHT: Final = 960
MARGIN: Final = 32
INNER: Final = WIDTH - 2 * MARGIN

BACKGROUND: Final[Colour] = (14, 17, 22)
PANEL: Final[Colour] = (30, 36, 45)
LINE: Final[Colour] = (64, 74, 88)
FAINT: Final[Colour] = (160, 170, 184)
PLAIN: Final[Colour] = (226, 231, 238)
STRONG: Final[Colour] = (255, 255, 255)
WARNING: Final[Colour] = (255, 200, 87)

# Apart from each other and from grey also for protanopes and deuteranopes (Machado, Oliveira and Fernandes, IEEE Trans
# Vis Comput Graph 2009;15:1291): a test computes it. Names stand beside every colour.
ARTERY_COLOUR: Final[dict[Artery, Colour]] = {
    "LM": (178, 80, 250),
    "LAD": (240, 96, 48),
    "LCX": (60, 194, 246),
    "RCA": (240, 236, 48),
}
NO_ARTERY_COLOUR: Final[Colour] = STRONG
# One hue from light to dark would be read as brightness; these run from blue to red.
CATEGORY_COLOUR: Final[dict[Category, Colour]] = {
    "0": (86, 180, 233),
    "1-100": (120, 200, 170),
    "101-400": (250, 216, 96),
    ">400": (255, 118, 92),
}


def artery_colour(artery: Artery | None) -> Colour:
    """Colour of an artery, or of a lesion without one."""
    return NO_ARTERY_COLOUR if artery is None else ARTERY_COLOUR[artery]

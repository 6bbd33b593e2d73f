"""What every picture shares: size, colours that the colour-blind tell apart, type."""

from __future__ import annotations

from functools import cache
from typing import Final

from PIL import ImageDraw, ImageFont

from scoring.result import Artery, Category

Colour = tuple[int, int, int]

WIDTH: Final = 720
HEADER: Final = 64
HEIGHT: Final = WIDTH + HEADER

BACKGROUND: Final[Colour] = (14, 17, 22)
PANEL: Final[Colour] = (30, 36, 45)
LINE: Final[Colour] = (64, 74, 88)
FAINT: Final[Colour] = (150, 160, 174)
PLAIN: Final[Colour] = (226, 231, 238)
STRONG: Final[Colour] = (255, 255, 255)
WARNING: Final[Colour] = (255, 200, 87)

# After Okabe and Ito's palette, lightened for a dark ground; names stand beside every colour.
ARTERY_COLOUR: Final[dict[Artery, Colour]] = {
    "LM": (222, 140, 190),
    "LAD": (240, 120, 50),
    "LCX": (86, 180, 233),
    "RCA": (240, 228, 66),
}
NO_ARTERY_COLOUR: Final[Colour] = STRONG
# One hue from light to dark would be read as brightness; these run from blue to orange.
CATEGORY_COLOUR: Final[dict[Category, Colour]] = {
    "0": (86, 180, 233),
    "1-100": (120, 200, 170),
    "101-400": (240, 200, 80),
    ">400": (240, 120, 50),
}


def artery_colour(artery: Artery | None) -> Colour:
    """Colour of an artery, or of a lesion without one."""
    return NO_ARTERY_COLOUR if artery is None else ARTERY_COLOUR[artery]


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The scalable type that comes with Pillow, in pixels."""
    loaded = ImageFont.load_default(size)
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise TypeError("pictures need a Pillow with FreeType, as its wheels have it")
    return loaded


def wrapped(draw: ImageDraw.ImageDraw, text: str, size: int, width: int) -> list[str]:
    """Lines of `text` that fit `width` pixels; a longer word stands alone and is cut."""
    lines: list[str] = []
    for word in text.split():
        candidate = f"{lines[-1]} {word}" if lines else word
        if lines and draw.textlength(candidate, font(size)) <= width:
            lines[-1] = candidate
        else:
            lines.append(shortened(draw, word, size, width))
    return lines


def shortened(draw: ImageDraw.ImageDraw, text: str, size: int, width: int) -> str:
    """`text` cut to `width` pixels, with dots where it was cut."""
    if draw.textlength(text, font(size)) <= width:
        return text
    while text and draw.textlength(f"{text}...", font(size)) > width:
        text = text[:-1]
    return f"{text}..."

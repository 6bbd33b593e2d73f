"""A canvas for charts: lines, marks and text, anti-aliased by supersampling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int, int]
Point = tuple[float, float]

_LARGER: Final = 3

INK: Final[Colour] = (33, 37, 41, 255)
GREY: Final[Colour] = (108, 117, 125, 255)
PALE: Final[Colour] = (225, 229, 233, 255)
WHITE: Final[Colour] = (255, 255, 255, 255)
BLUE: Final[Colour] = (31, 99, 173, 255)
RED: Final[Colour] = (200, 55, 45, 255)
GREEN: Final[Colour] = (20, 130, 105, 255)


def faded(colour: Colour, share: float) -> Colour:
    """Return the colour with opacity `share`."""
    return (*colour[:3], round(255 * share))


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values to pixels: from `low` at `start` to `high` at `end`, linear in `scale`."""

    low: float
    high: float
    start: float
    end: float
    scale: Callable[[float], float] = float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high = self.scale(self.low), self.scale(self.high)
        return self.start + (self.scale(value) - low) / (high - low) * (self.end - self.start)


@dataclass(frozen=True)
class Canvas:
    """A white picture of `width` x `height` pixels."""

    width: int
    height: int
    _image: Image.Image = field(init=False, repr=False)
    _draw: ImageDraw.ImageDraw = field(init=False, repr=False)

    def __post_init__(self) -> None:
        image = Image.new("RGB", (self.width * _LARGER, self.height * _LARGER), WHITE[:3])
        object.__setattr__(self, "_image", image)
        object.__setattr__(self, "_draw", ImageDraw.Draw(image, "RGBA"))

    def save(self, path: Path) -> None:
        """Write a PNG."""
        small = self._image.resize((self.width, self.height), Image.Resampling.LANCZOS)
        small.save(path, optimize=True)

    def line(self, points: Sequence[Point], colour: Colour = INK, width: float = 1.0) -> None:
        """Draw straight lines from point to point."""
        self._draw.line([self._at(p) for p in points], fill=colour, width=max(1, round(width * _LARGER)))

    def dashes(self, start: Point, end: Point, colour: Colour = INK, width: float = 1.0, dash: float = 6.0) -> None:
        """Draw a dashed line."""
        length = math.dist(start, end)
        way = [(b - a) / length for a, b in zip(start, end, strict=True)] if length else [0.0, 0.0]
        for k in range(math.ceil(length / (2 * dash))):
            ends = 2 * k * dash, min((2 * k + 1) * dash, length)
            self.line([(start[0] + way[0] * s, start[1] + way[1] * s) for s in ends], colour, width)

    def box(self, corner: Point, other: Point, fill: Colour | None = None, outline: Colour | None = None) -> None:
        """Draw an axis-aligned rectangle."""
        (x0, y0), (x1, y1) = self._at(corner), self._at(other)
        ends = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        self._draw.rectangle(ends, fill=fill, outline=outline, width=_LARGER if outline else 0)

    def dot(self, middle: Point, radius: float, fill: Colour, outline: Colour | None = None) -> None:
        """Draw a filled circle."""
        (x, y), r = self._at(middle), radius * _LARGER
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=fill, outline=outline, width=_LARGER if outline else 0)

    def diamond(self, middle: Point, radius: float, fill: Colour, outline: Colour) -> None:
        """Draw a filled diamond."""
        x, y = middle
        corners = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)]
        self._draw.polygon([self._at(p) for p in corners], fill=fill, outline=outline, width=_LARGER)

    def text(
        self,
        at: Point,
        words: str,
        size: float = 13,
        colour: Colour = INK,
        *,
        anchor: Literal["la", "lm", "ls", "ma", "mm", "ms", "ra", "rm", "rs"] = "mm",
        upright: bool = False,
        bold: bool = False,
    ) -> None:
        """Draw text at a point (Pillow's anchors); `upright` text reads upwards and is centred at the point."""
        font = ImageFont.load_default(size * _LARGER)
        stroke = round(0.025 * size * _LARGER) if bold else 0
        x, y = self._at(at)
        if not upright:
            self._draw.text((x, y), words, fill=colour, font=font, anchor=anchor, stroke_width=stroke)
            return
        left, top, right, bottom = (round(v) for v in font.getbbox(words, stroke_width=stroke))
        part = Image.new("L", (right - left, bottom - top), 0)
        ImageDraw.Draw(part).text((-left, -top), words, fill=255, font=font, stroke_width=stroke)
        turned = part.transpose(Image.Transpose.ROTATE_90)
        place = round(x - turned.width / 2), round(y - turned.height / 2)
        self._image.paste(colour[:3], place, turned)

    def _at(self, point: Point) -> Point:
        return point[0] * _LARGER, point[1] * _LARGER

"""A page that is drawn on: words by their anchor, boxes, and figures with smooth edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Final

from PIL import Image, ImageDraw

from scoring.report.pictures import style
from scoring.report.pictures.lettering import Face, font
from scoring.report.pictures.style import Box, Colour

Point = tuple[float, float]

_FINE: Final = 3


class Drawing:
    """An RGB picture of the size of every page; coordinates are its pixels."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (style.WIDTH, style.HEIGHT), style.BACKGROUND)
        self._draw = ImageDraw.Draw(self.image)

    def words(
        self,
        place: Point,
        words: str,
        size: int,
        *,
        colour: Colour = style.PLAIN,
        anchor: str = "ls",
        face: Face = "Regular",
        halo: int = 0,
    ) -> None:
        """One line; `anchor` as Pillow names it; `halo` is the width of a dark edge for words on a picture."""
        self._draw.text(
            place, words, colour, font(size, face), anchor=anchor, stroke_width=halo, stroke_fill=style.BACKGROUND
        )

    def box(self, box: Box, fill: Colour | None, *, outline: Colour | None = None, radius: float = 0) -> None:
        """A filled rectangle, with round corners where `radius` asks for them."""
        self._draw.rounded_rectangle(box, radius, fill=fill, outline=outline)

    def line(self, start: Point, end: Point, colour: Colour = style.LINE, line_width: int = 1) -> None:
        """A line without smooth edges: for those that run along the pixels."""
        self._draw.line((*start, *end), fill=colour, width=line_width)

    @contextmanager
    def smooth(self, box: Box) -> Iterator[Fine]:
        """A part of the page to draw figures on with smooth edges."""
        left, top, right, bottom = (round(edge) for edge in box)
        part = self.image.crop((left, top, right, bottom))
        part = part.resize((part.width * _FINE, part.height * _FINE), Image.Resampling.NEAREST)
        yield Fine(part, left, top)
        self.image.paste(part.reduce(_FINE), (left, top))


class Fine:
    """Figures on a part of a page, in coordinates of the page."""

    def __init__(self, part: Image.Image, left: int, top: int) -> None:
        self._draw = ImageDraw.Draw(part)
        self._left = left
        self._top = top

    def line(self, points: Sequence[Point], colour: Colour, line_width: float = 1.5) -> None:
        """A line through the points."""
        self._draw.line(self._all(points), fill=colour, width=round(line_width * _FINE), joint="curve")

    def dashes(self, start: Point, end: Point, colour: Colour, line_width: float = 1.5) -> None:
        """A dashed line along one axis."""
        length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
        steps = max(round(length / 4), 1)
        points = [
            (start[0] + (end[0] - start[0]) * step / steps, start[1] + (end[1] - start[1]) * step / steps)
            for step in range(steps + 1)
        ]
        for first, last in list(pairwise(points))[::2]:
            self.line((first, last), colour, line_width)

    def area(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self._draw.polygon(self._all(points), fill=colour)

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        """A filled circle."""
        x, y = self._all([centre])[0]
        r = radius * _FINE
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def _all(self, points: Sequence[Point]) -> list[Point]:
        return [((x - self._left) * _FINE, (y - self._top) * _FINE) for x, y in points]

"""A page that is drawn on: words by their anchor, boxes and lines."""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageDraw

from scoring.report.common.colours import SCREEN, Colour
from scoring.report.pictures.lettering import REGULAR, Lettering, Weight
from scoring.report.slices.outline import Box

Point = tuple[float, float]

# Three to four, as a monitor in portrait and a telephone; at half of this width the smallest words can still be read.
WIDTH: Final = 720
HEIGHT: Final = 960

_LEFT_OF: Final = {"l": 0.0, "m": 0.5, "r": 1.0}


class Drawing:
    """An RGB picture of the size of every page; coordinates are its pixels."""

    def __init__(self, lettering: Lettering) -> None:
        self.image = Image.new("RGB", (WIDTH, HEIGHT), SCREEN.ground)
        self.lettering = lettering
        self._draw = ImageDraw.Draw(self.image)

    def words(
        self,
        place: Point,
        words: str,
        size: int,
        *,
        colour: Colour = SCREEN.plain,
        anchor: str = "ls",
        weight: Weight = REGULAR,
        halo: int = 0,
    ) -> None:
        """One line; `anchor` as Pillow names it; `halo` is the width of a dark edge for words on a picture."""
        runs = list(self.lettering.runs(words, size, weight))
        x = place[0] - _LEFT_OF[anchor[0]] * sum(length for _, _, length in runs)
        for part, font, length in runs:
            self._draw.text(
                (x, place[1]), part, colour, font, anchor=f"l{anchor[1]}", stroke_width=halo, stroke_fill=SCREEN.ground
            )
            x += length

    def box(self, box: Box, fill: Colour | None, *, outline: Colour | None = None, radius: float = 0) -> None:
        """A filled rectangle, with round corners where `radius` asks for them."""
        self._draw.rounded_rectangle(box, radius, fill=fill, outline=outline)

    def line(self, start: Point, end: Point, colour: Colour, line_width: int = 1) -> None:
        """A line without smooth edges: for those that run along the pixels."""
        self._draw.line((*start, *end), fill=colour, width=line_width)

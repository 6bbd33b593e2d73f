"""A chart as SVG: markup of one size, with classes in place of colours so that the page around it sets them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

from scoring.report.common.colours import Palette, hexadecimal

WIDTH: Final = 480
HEIGHT: Final = 360
LEFT: Final = 58
RIGHT: Final = 14
TOP: Final = 14
BOTTOM: Final = 50

Point = tuple[float, float]

_STYLE: Final = """
svg {{ font-family: Roboto; font-size: 13px }}
.grid {{ stroke: {rule}; stroke-width: 1 }} .axis {{ stroke: {faint}; stroke-width: 1.2 }}
.equal {{ stroke: {faint}; stroke-width: 1.2; stroke-dasharray: 5 4 }}
.mean {{ stroke: {curve}; stroke-width: 2 }} .limit {{ stroke: {curve}; stroke-width: 1.5; stroke-dasharray: 7 4 }}
.band {{ fill: {band}; stroke: none }}
.points {{ stroke: {curve}; stroke-width: 6; stroke-linecap: round; stroke-opacity: 0.55; fill: none }}
.wrong {{ stroke: {alarm}; stroke-width: 2; fill: none }}
.course {{ stroke: {curve}; stroke-width: 2; fill: none }} .bar {{ stroke: {curve}; stroke-width: 1.5 }}
text {{ fill: {plain} }}
"""


@dataclass(slots=True)
class Canvas:
    """Markup that grows; coordinates are px from the upper left corner of the plot's frame of 480 by 360."""

    parts: list[str] = field(default_factory=list)

    def line(self, kind: str, start: Point, end: Point) -> None:
        """A straight line."""
        (x1, y1), (x2, y2) = start, end
        self.parts.append(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def box(self, kind: str, corner: Point, opposite: Point) -> None:
        """A filled rectangle."""
        x, y = min(corner[0], opposite[0]), min(corner[1], opposite[1])
        width, height = abs(corner[0] - opposite[0]), abs(corner[1] - opposite[1])
        self.parts.append(f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>')

    def points(self, kind: str, places: Iterable[Point]) -> None:
        """Dots, all in one path."""
        path = "".join(f"M{x:.1f} {y:.1f}h.01" for x, y in places)
        if path:
            self.parts.append(f'<path class="{kind}" d="{path}"/>')

    def crosses(self, kind: str, places: Iterable[Point], size: float = 4) -> None:
        """Crosses, which are told from dots without their colour."""
        path = "".join(
            f"M{x - size:.1f} {y - size:.1f}l{2 * size} {2 * size}M{x - size:.1f} {y + size:.1f}l{2 * size} {-2 * size}"
            for x, y in places
        )
        if path:
            self.parts.append(f'<path class="{kind}" d="{path}"/>')

    def course(self, kind: str, places: Sequence[Point]) -> None:
        """A line through points."""
        path = " ".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(places))
        if path:
            self.parts.append(f'<path class="{kind}" d="{path}"/>')

    def word(self, place: Point, text: str, anchor: str = "middle", turn: int = 0) -> None:
        """A word; `turn` in degrees."""
        x, y = place
        turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turned}>{escape(text)}</text>')

    def frame(self, x_title: str, y_title: str) -> None:
        """Both axes with their titles."""
        self.line("axis", (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM))
        self.line("axis", (LEFT, TOP), (LEFT, HEIGHT - BOTTOM))
        self.word(((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10), x_title)
        self.word((15, (TOP + HEIGHT - BOTTOM) / 2), y_title, turn=-90)

    def to_svg(self, alt: str, palette: Palette | None = None) -> str:
        """The whole; with a palette it brings its colours, without one the page has them."""
        style = ""
        if palette is not None:
            names = ("rule", "faint", "curve", "band", "alarm", "plain")
            colours = {name: hexadecimal(getattr(palette, name)) for name in names}
            style = f"<style>{_STYLE.format(**colours)}</style>"
        label = escape(alt, {'"': "&quot;"})
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{label}">{style}{"".join(self.parts)}</svg>'
        )


def across(part: float) -> float:
    """Place on the horizontal axis of a fraction of it."""
    return LEFT + part * (WIDTH - LEFT - RIGHT)


def upwards(part: float) -> float:
    """Place on the vertical axis of a fraction of it."""
    return HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP)

"""Words on a picture: glyphs from the fonts of the package and the site, lengths in pixels, and lines that fit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final, Literal

from PIL.ImageFont import FreeTypeFont

from scoring.report.typeset.faces import FAMILY, Faces, has_glyph

Weight = Literal[400, 500]
REGULAR: Final[Weight] = 400
MEDIUM: Final[Weight] = 500

_DOTS: Final = "..."


class Lettering:
    """Measures and breaks words as they are drawn: on one line, each glyph from the first font that has it.

    Not for threads: each picture has its own, or they are drawn one after the other.
    """

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._signs: dict[tuple[str, int, Weight], tuple[FreeTypeFont, float]] = {}
        self._sized: dict[tuple[int, int], FreeTypeFont] = {}

    def runs(self, text: str, size: int, weight: Weight = REGULAR) -> Iterator[tuple[str, FreeTypeFont, float]]:
        """Parts of a text with their font and their length; a character without a glyph becomes a question mark."""
        signs = [(char, *self._sign(char, size, weight)) for char in self._faces.printable(text)]
        for _, group in groupby(signs, key=lambda sign: id(sign[1])):
            run = list(group)
            yield "".join(char for char, _, _ in run), run[0][1], sum(advance for _, _, advance in run)

    def width(self, text: str, size: int, weight: Weight = REGULAR) -> float:
        """Length of a line of words in pixels."""
        return self._length(self._faces.printable(text), size, weight)

    def wrapped(self, text: str, size: int, room: float, weight: Weight = REGULAR) -> list[str]:
        """Lines of `text` that fit `room` pixels; a longer word is broken."""
        lines: list[str] = []
        for word in self._faces.printable(text).split():
            candidate = f"{lines[-1]} {word}" if lines else word
            if lines and self._length(candidate, size, weight) <= room:
                lines[-1] = candidate
            else:
                lines += self._broken(word, size, room, weight)
        return lines

    def fitted(
        self, text: str, room: float, most: int, sizes: tuple[int, ...], weight: Weight = REGULAR
    ) -> tuple[list[str], int]:
        """Lines and the largest of falling `sizes` at which `text` takes at most `most` lines; else cut, with dots."""
        for size in sizes:
            lines = self.wrapped(text, size, room, weight)
            if len(lines) <= most:
                return lines, size
        return [*lines[: most - 1], self.shortened(" ".join(lines[most - 1 :]), size, room, weight)], size

    def shortened(self, text: str, size: int, room: float, weight: Weight = REGULAR) -> str:
        """`text` cut to `room` pixels, with dots where it was cut."""
        text = self._faces.printable(text)
        if self._length(text, size, weight) <= room:
            return text
        while text and self._length(f"{text}{_DOTS}", size, weight) > room:
            text = text[:-1]
        return f"{text}{_DOTS}"

    def _length(self, printable: str, size: int, weight: Weight) -> float:
        # the simple layout places glyph beside glyph, so that lengths add up
        return sum(self._sign(char, size, weight)[1] for char in printable)

    def _broken(self, word: str, size: int, room: float, weight: Weight) -> list[str]:
        parts = [""]
        for char in word:
            if parts[-1] and self._length(parts[-1] + char, size, weight) > room:
                parts.append("")
            parts[-1] += char
        return parts

    def _sign(self, char: str, size: int, weight: Weight) -> tuple[FreeTypeFont, float]:
        """The font that draws a character, in pixels, and the width of its glyph."""
        key = char, size, weight
        if key not in self._signs:
            font = self._font(self._face(char, weight), size)
            self._signs[key] = font, font.getlength(char)
        return self._signs[key]

    def _face(self, char: str, weight: Weight) -> int:
        """Index of the first font with this glyph; the shipped one of the weight comes before all others."""
        faces = self._faces.faces
        own: list[int] = [index for index, face in enumerate(faces) if (face.family, face.weight) == (FAMILY, weight)]
        order: list[int] = [*own, *range(len(faces))]
        showing = (index for index in order if char == " " or has_glyph(faces[index].font, char))
        return next(showing, order[0])

    def _font(self, index: int, size: int) -> FreeTypeFont:
        if (index, size) not in self._sized:
            self._sized[index, size] = self._faces.faces[index].font.font_variant(size=size)
        return self._sized[index, size]

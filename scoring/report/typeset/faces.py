"""The type of pages and pictures: the fonts that come with the package, then those of a site for other scripts.

A character without a glyph would be shown as an empty box. So every word is checked before it is set, and the
typesetter itself refuses what it cannot show.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import ImageFont
from typst import FontInfo, Fonts

from config.errors import ConfigurationError

FAMILY: Final = "Roboto"
_SIZE: Final = 32
# not a character, so that no font has a glyph for it
_MISSING: Final = "\uffff"


@dataclass(frozen=True, slots=True)
class Face:
    """One font: its family, its weight (400 regular, 500 medium), and the font at some size."""

    family: str
    weight: int
    font: ImageFont.FreeTypeFont


@dataclass(frozen=True)
class Faces:
    """Fonts in the order in which they are searched for a glyph: the shipped ones, then those of the site."""

    families: tuple[str, ...]
    typeset: Fonts
    faces: Sequence[Face]
    _known: dict[str, bool] = field(default_factory=dict)

    def shows(self, char: str) -> bool:
        """True if a font has a glyph for this character."""
        if char not in self._known:
            self._known[char] = char == " " or any(has_glyph(face.font, char) for face in self.faces)
        return self._known[char]

    def legible(self, text: str) -> str:
        """`text` on one line as it can be printed, letters without their accents where they must be; "" when it cannot.

        Nothing is left out of a text: without one of its letters it would be another text.
        """
        letters: list[str] = []
        for char in " ".join(_keep_visible(text).split()):
            parts = char if self.shows(char) else _decompose(char)
            if not parts or not all(self.shows(part) for part in parts):
                return ""
            letters.append(parts)
        return "".join(letters)

    def printable(self, text: str) -> str:
        """`text` on one line, with a question mark for what no font shows."""
        line = " ".join(_keep_visible(text).split())
        return self.legible(line) or "".join(char if char == " " else self.legible(char) or "?" for char in line)

    def lacking(self, text: str) -> str:
        """The characters of a text that cannot be printed."""
        return "".join(
            dict.fromkeys(char for char in _keep_visible(text) if not char.isspace() and not self.legible(char))
        )


@cache
def faces(folder: Path | None = None) -> Faces:
    """The shipped font and those in a folder of the site (`results.fonts`), found in its subfolders too.

    Raises ConfigurationError when the folder cannot be read or has no font that can be used.
    """
    if folder is not None and not folder.is_dir():
        raise ConfigurationError(f"results.fonts: {folder} is no folder that can be read; allowed: a folder with fonts")
    with resources.as_file(resources.files("scoring.report.typeset").joinpath("fonts")) as shipped:
        places = [str(place) for place in (shipped, folder) if place is not None]
        typeset = Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=places)
        # the typesetter knows which files are fonts; each variant of a family may hold other glyphs
        listed = {(font.path, font.index): font for font in typeset.fonts()}
        opened = [face for font in listed.values() if (face := _open(font)) is not None]
    others = tuple(dict.fromkeys(name for name in typeset.families() if name != FAMILY))
    if folder is not None and not others:
        raise ConfigurationError(f"results.fonts: {folder} has no font that can be used; allowed: .ttf, .otf, .ttc")
    families = (FAMILY, *others)
    return Faces(families, typeset, sorted(opened, key=lambda face: families.index(face.family)))


def has_glyph(font: ImageFont.FreeTypeFont, char: str) -> bool:
    """True if a font draws a character as anything but a missing glyph."""
    drawn, missing = font.getmask(char), font.getmask(_MISSING)
    return drawn.size != missing.size or bytes(drawn) != bytes(missing)


def _open(info: FontInfo) -> Face | None:
    """A font for Pillow, from its bytes: the file may be gone when another size is asked for."""
    if info.path is None:
        return None
    try:
        content = BytesIO(Path(info.path).read_bytes())
        # the simple layout: the fastest, and independent of the libraries of the machine
        font = ImageFont.truetype(content, _SIZE, info.index, layout_engine=ImageFont.Layout.BASIC)
    except OSError:
        return None
    return Face(info.family, info.weight, font)


def _keep_visible(text: str) -> str:
    """The text without control and format characters, which have no glyph; the end of a line becomes a space."""
    spaced = (" " if char.isspace() else char for char in text)
    return "".join(char for char in spaced if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"})


def _decompose(char: str) -> str:
    """The letters that a character is made of, without its marks."""
    parts = unicodedata.normalize("NFKD", char)
    return "" if parts == char else "".join(part for part in parts if not unicodedata.combining(part))

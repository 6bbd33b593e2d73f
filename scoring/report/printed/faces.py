"""The type of PDF documents: the one that comes with the package, and what a site adds for names in other scripts.

A sign that no font has would be printed as an empty box. So every word is looked at before it is set, and the
typesetter itself refuses what it cannot show.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from PIL import ImageFont
from typst import Fonts

from config.errors import ConfigurationError

FAMILY: Final = "Roboto"
_SIZE: Final = 32
# not a character, so that no font has a sign for it
_MISSING: Final = "\uffff"


@dataclass(frozen=True)
class Faces:
    """Fonts in the order in which they are asked for a sign: the shipped one, then those of the site."""

    families: tuple[str, ...]
    typeset: Fonts
    fonts: Sequence[ImageFont.FreeTypeFont]
    _known: dict[str, bool] = field(default_factory=dict)

    def shows(self, char: str) -> bool:
        """Whether a font has a sign for this character."""
        if char not in self._known:
            self._known[char] = char == " " or any(_has(font, char) for font in self.fonts)
        return self._known[char]

    def legible(self, text: str) -> str:
        """`text` on one line as it can be printed, letters without their accents where they must be; "" when it cannot.

        Nothing is left out of a text: one that misses a letter would be another one.
        """
        told = []
        for char in " ".join(_visible(text).split()):
            parts = char if self.shows(char) else _taken_apart(char)
            if not parts or not all(self.shows(part) for part in parts):
                return ""
            told.append(parts)
        return "".join(told)

    def printable(self, text: str) -> str:
        """`text` on one line, with a question mark for what no font shows."""
        line = " ".join(_visible(text).split())
        return self.legible(line) or "".join(char if char == " " else self.legible(char) or "?" for char in line)

    def lacking(self, text: str) -> str:
        """The characters of a text that cannot be printed."""
        return "".join(dict.fromkeys(char for char in _visible(text) if not char.isspace() and not self.legible(char)))


@cache
def faces(folder: Path | None = None) -> Faces:
    """The shipped font and those in a folder of the site (`results.fonts`), found in its subfolders too.

    Raises ConfigurationError when the folder cannot be read or has no font that can be used.
    """
    if folder is not None and not folder.is_dir():
        raise ConfigurationError(f"results.fonts: {folder} is no folder that can be read; allowed: a folder with fonts")
    with resources.as_file(resources.files("scoring.report.printed").joinpath("fonts")) as shipped:
        places = [str(place) for place in (shipped, folder) if place is not None]
        typeset = Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=places)
        # the typesetter knows which files are fonts; each variant of a family may hold other signs
        files = dict.fromkeys((font.path, font.index) for font in typeset.fonts() if font.path is not None)
        opened = [font for path, index in files if (font := _opened(path, index)) is not None]
    others = dict.fromkeys(name for name in typeset.families() if name != FAMILY)
    if folder is not None and not others:
        raise ConfigurationError(f"results.fonts: {folder} has no font that can be used; allowed: .ttf, .otf, .ttc")
    return Faces((FAMILY, *others), typeset, opened)


def _opened(path: str, index: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(path, _SIZE, index, layout_engine=ImageFont.Layout.BASIC)
    except OSError:
        return None


def _has(font: ImageFont.FreeTypeFont, char: str) -> bool:
    drawn, missing = font.getmask(char), font.getmask(_MISSING)
    return drawn.size != missing.size or bytes(drawn) != bytes(missing)


def _visible(text: str) -> str:
    """Without control and format characters, which have no sign; a line's end is a space."""
    spaced = (" " if char.isspace() else char for char in text)
    return "".join(char for char in spaced if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"})


def _taken_apart(char: str) -> str:
    """The letters that a character is made of, without its marks."""
    parts = unicodedata.normalize("NFKD", char)
    return "" if parts == char else "".join(part for part in parts if not unicodedata.combining(part))

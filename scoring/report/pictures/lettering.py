"""Words on a picture: the type that comes with the package, and how words are made to fit."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Final, Literal

from PIL import ImageFont

Face = Literal["Regular", "Medium"] | Path
"""A weight of the type that comes with the package, or a font file of the site."""

_SUFFIXES: Final = frozenset({".ttf", ".otf", ".ttc", ".otc"})


@cache
def font(size: int, face: Face = "Regular") -> ImageFont.FreeTypeFont:
    """The type in pixels: the one of the package is the same on every machine."""
    source = face if isinstance(face, Path) else BytesIO(_shipped(face))
    # the simple layout: as quick as can be, and no library of the machine has a say
    return ImageFont.truetype(source, size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _shipped(face: str) -> bytes:
    return resources.files("scoring.report.printed").joinpath(f"fonts/Roboto-{face}.ttf").read_bytes()


@cache
def face_for(text: str, folder: Path | None) -> Face | None:
    """The type of the package when it has every sign of `text`, else the first font of a site's folder that has.

    None when there is none. Files that are no fonts are passed over.
    """
    if _shows(text, "Medium"):
        return "Medium"
    own = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES) if folder is not None else []
    return next((path for path in own if _is_font(path) and _shows(text, path)), None)


def _is_font(path: Path) -> bool:
    try:
        font(16, path)
    except (OSError, ValueError):
        return False
    return True


def _shows(text: str, face: Face) -> bool:
    return all(_has_sign(char, face) for char in text)


@cache
def legible(text: str, face: Face = "Regular") -> str:
    """`text` with what the type has no sign for taken apart into letters that it has, else left out."""
    told = "".join(char if _has_sign(char, face) else _nearest(char, face) for char in text)
    return " ".join(told.split())


@cache
def _has_sign(char: str, face: Face) -> bool:
    # no font has a sign for this one, so it shows what a missing sign looks like
    missing = font(16, face).getmask("\uffff")
    drawn = font(16, face).getmask(char)
    return char.isspace() or drawn.size != missing.size or bytes(drawn) != bytes(missing)


def _nearest(char: str, face: Face) -> str:
    parts = unicodedata.normalize("NFKD", char)
    return "".join(part for part in parts if part != char and _has_sign(part, face) and not unicodedata.combining(part))


def width(text: str, size: int, face: Face = "Regular") -> float:
    """Length of a line of words in pixels."""
    return sum(_advance(char, size, face) for char in text)


@cache
def _advance(char: str, size: int, face: Face) -> float:
    # the simple layout sets sign beside sign, so that lengths add up
    return font(size, face).getlength(char)


def wrapped(text: str, size: int, room: float, face: Face = "Regular") -> list[str]:
    """Lines of `text` that fit `room` pixels; a longer word is broken."""
    lines: list[str] = []
    for word in legible(text, face).split():
        candidate = f"{lines[-1]} {word}" if lines else word
        if lines and width(candidate, size, face) <= room:
            lines[-1] = candidate
        else:
            lines += _broken(word, size, room, face)
    return lines


def _broken(word: str, size: int, room: float, face: Face) -> list[str]:
    parts = [""]
    for char in word:
        if parts[-1] and width(parts[-1] + char, size, face) > room:
            parts.append("")
        parts[-1] += char
    return parts


def fitted(text: str, room: float, most: int, sizes: tuple[int, ...], face: Face = "Regular") -> tuple[list[str], int]:
    """Lines and the largest of the falling `sizes` at which `text` takes at most `most` lines; else cut, with dots."""
    for size in sizes:
        lines = wrapped(text, size, room, face)
        if len(lines) <= most:
            return lines, size
    return [*lines[: most - 1], shortened(" ".join(lines[most - 1 :]), size, room, face)], size


def shortened(text: str, size: int, room: float, face: Face = "Regular") -> str:
    """`text` cut to `room` pixels, with dots where it was cut."""
    text = legible(text, face)
    if width(text, size, face) <= room:
        return text
    while text and width(f"{text}...", size, face) > room:
        text = text[:-1]
    return f"{text}..."

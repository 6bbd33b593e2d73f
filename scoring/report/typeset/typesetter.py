"""From a template and its values to a PDF or to pictures: the same bytes for the same input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

from typst import Compiler, TypstError

from scoring.report.common.colours import Palette, hexadecimal
from scoring.report.typeset.faces import Faces

# one point of a page is one pixel of its picture
_PPI: Final = 72.0
_SHARED: Final = ("style.typ", "charts.typ", "result.typ")

Values = Mapping[str, Any]
"""Input of a template: values that JSON can hold."""
Files = Mapping[str, bytes]
"""Pictures by the names that the values give them."""


def set_pdf(template: str, values: Values, files: Files, *, faces: Faces, palette: Palette, created: datetime) -> bytes:
    """A template with its values as PDF: tagged and archivable.

    Nothing is read but the package's own templates and fonts and what `faces` names. Raises ValueError when it cannot
    be set.
    """
    moment = created.replace(microsecond=0)
    (content,) = _compile(template, values, files, faces, palette, format="pdf", timestamp=moment)
    # servers that ignore Encapsulated Document Length mistake a last byte that ends no line for padding; ISO 19005-2
    # allows one end of line after the last marker
    return content if content.endswith(b"\n") else content + b"\n"


def set_pictures(template: str, values: Values, files: Files, *, faces: Faces, palette: Palette) -> list[bytes]:
    """The pages of a template with its values as PNG, a pixel for each point. Raises ValueError as `set_pdf` does."""
    return _compile(template, values, files, faces, palette, format="png")


def _compile(
    template: str,
    values: Values,
    pictures: Files,
    faces: Faces,
    palette: Palette,
    *,
    format: Literal["pdf", "png"],  # noqa: A002  # the library's word
    timestamp: datetime | None = None,
) -> list[bytes]:
    colours = {name: hexadecimal(colour) for name, colour in asdict(palette).items()}
    printable = {**_printable(values, faces), "families": faces.families, "palette": colours}
    # the library's annotations allow paths alone; its documentation also allows a dictionary of files
    files: Any = {name: _template(name) for name in _SHARED}
    files |= {"main.typ": _template(template), "values.json": json.dumps(printable, ensure_ascii=False).encode()}
    # the library accepts only text as files: a picture is a list of its bytes
    files |= {name: json.dumps(list(picture)).encode() for name, picture in pictures.items()}
    try:
        # one for each page: it holds its in-memory files for one compilation, and takes under a millisecond to create
        compiler = Compiler(files, font_paths=faces.typeset, ignore_system_fonts=True)
        # PDF/A-2a (ISO 19005-2) for archives and PDF/UA-1 (ISO 14289-1) for readers by voice
        pages = compiler.compile(
            format=format, ppi=_PPI, pdf_standards=["a-2a", "ua-1"] if format == "pdf" else [], timestamp=timestamp
        )
    except TypstError as error:
        raise ValueError(f"{template} cannot be set: {error.message}") from error
    if pages is None:
        raise ValueError(f"{template} has no page")
    return [pages] if isinstance(pages, bytes) else pages


def _printable(value: Any, faces: Faces) -> Any:
    """The values with every text as far as a font can show it: a header may hold anything."""
    if isinstance(value, str):
        return faces.printable(value)
    if isinstance(value, Mapping):
        return {key: _printable(one, faces) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(one, faces) for one in value]
    return value


@cache
def _template(name: str) -> bytes:
    return resources.files("scoring.report.typeset").joinpath("templates", name).read_bytes()

"""From a template and its values to a PDF: tagged, archivable, the same bytes for the same input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, Final

from typst import Compiler, TypstError

from scoring.report.printed.faces import Faces

STANDARDS: Final = ("a-2a", "ua-1")
"""PDF/A-2a (ISO 19005-2) for archives and PDF/UA-1 (ISO 14289-1) for readers by voice."""

_COMMON: Final = ("style.typ", "charts.typ")


def pdf(
    template: str, values: Mapping[str, Any], pictures: Mapping[str, bytes], *, faces: Faces, created: datetime
) -> bytes:
    """Set `template` with `values` (what JSON can hold) and `pictures` (files that the values name).

    Nothing is read but the package's own templates and fonts and what `faces` names. Raises ValueError when it cannot
    be set.
    """
    content = json.dumps({**_printable(values, faces), "families": faces.families}, ensure_ascii=False)
    # the annotations of the library know paths alone; a dictionary of files is documented beside them
    files: Any = {name: _template(name) for name in _COMMON}
    files |= {"main.typ": _template(template), "values.json": content.encode()}
    # the library takes text alone as files: a picture is a list of its bytes
    files |= {name: json.dumps(list(picture)).encode() for name, picture in pictures.items()}
    try:
        compiler = Compiler(files, font_paths=faces.typeset, ignore_system_fonts=True)
        made = compiler.compile(format="pdf", pdf_standards=list(STANDARDS), timestamp=created.replace(microsecond=0))
    except TypstError as error:
        raise ValueError(f"{template} cannot be set: {error.message}") from error
    if not isinstance(made, bytes):
        raise ValueError(f"{template} gave no PDF")  # noqa: TRY004  # not an argument's type: the library's answer
    # servers that ignore Encapsulated Document Length take a last byte that ends no line for padding; ISO 19005-2
    # allows one end of line after the last marker
    return made if made.endswith(b"\n") else made + b"\n"


def _printable(value: Any, faces: Faces) -> Any:
    """The values with every text as far as a font shows it: a header may hold anything."""
    if isinstance(value, str):
        return faces.printable(value)
    if isinstance(value, Mapping):
        return {key: _printable(one, faces) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(one, faces) for one in value]
    return value


@cache
def _template(name: str) -> bytes:
    return resources.files("scoring.report.printed").joinpath("templates", name).read_bytes()

"""Technique in reports of version 0.1.0: a line of prose, where later reports have coded items.

The line is, for instance: "Maker Model, 120 kVp, 60 mAs, kernel Qr36, 48 slices, thickness 3 mm, field of view 250 mm,
spacing 3 mm, pixel 0.4 x 0.4 mm". This module is for reading those reports alone and never changes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from dicom.coding import Code
from scoring.report.sr import codes
from scoring.report.sr.technique import Technique
from scoring.report.sr.tree import Item, read_texts

_TECHNIQUE: Final = Code("TECHNIQUE", codes.PRIVATE_SCHEME, "Technique")
_FLAG: Final = Code("FLAG", codes.PRIVATE_SCHEME, "Quality flag")
_PARAMETERS: Final = Code("111002", "DCM", "Algorithm Parameters")
_CONVENTION: Final = "Convention: "
_NOT_GATED: Final = "[gating_unknown]"
_KVP: Final = re.compile(r"(?:^|, )([\d.]+) kVp(?:,|$)")
_KERNEL: Final = re.compile(r"(?:^|, )kernel (.+?), \d+ slices")
_THICKNESS: Final = re.compile(r", thickness ([\d.]+) mm")
_SPACING: Final = re.compile(r", spacing ([\d.]+) mm")
_SCANNER: Final = re.compile(
    r"^(?!(?:[\d.]+ (?:kVp|mAs)|\d+ slices)(?:,|$)|kernel )(.+?), (?:[\d.]+ (?:kVp|mAs)|kernel |\d+ slices)"
)


def read_technique(items: Sequence[Item]) -> Technique | None:
    """The technique from the line of prose; None where there is no such line."""
    line = next(iter(read_texts(items, _TECHNIQUE)), "")
    if not line:
        return None
    return Technique(
        kvp=_number(_KVP, line),
        kernel=_word(_KERNEL, line),
        scanner=_word(_SCANNER, line),
        slice_thickness_mm=_number(_THICKNESS, line),
        spacing_mm=_number(_SPACING, line),
        gated=not any(_NOT_GATED in flag for flag in read_texts(items, _FLAG)),
    )


def read_convention(items: Sequence[Item]) -> str | None:
    """The scoring convention from the parameters of the algorithm (TID 4019)."""
    lines = (line for line in read_texts(items, _PARAMETERS) if line.startswith(_CONVENTION))
    return next((line.removeprefix(_CONVENTION) for line in lines), None)


def _word(pattern: re.Pattern[str], line: str) -> str | None:
    match = pattern.search(line)
    return None if match is None else match[1]


def _number(pattern: re.Pattern[str], line: str) -> float | None:
    match = pattern.search(line)
    try:
        return None if match is None else float(match[1])
    except ValueError:
        return None

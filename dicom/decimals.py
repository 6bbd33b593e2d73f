"""Decimal numbers as text, the value representation DS (PS3.5 6.2), also with the decimal comma that some writers put.

Index, scoring and documents read them through this module, so that they never disagree about where a slice lies.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

_DECIMAL: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# a comma where the Standard has a point; two commas in one value separate something else
_WITH_COMMA: Final = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?")


def parse_decimal(text: str) -> float | None:
    """Parse one value, padded with spaces or NULs; None unless it is a finite number.

    Only the Standard's characters count, and a decimal comma: Python's own spellings (nan, 1_000) are no numbers.
    """
    bare = text.strip(" \0\t\r\n")
    if _WITH_COMMA.fullmatch(bare):
        bare = bare.replace(",", ".")
    if not _DECIMAL.fullmatch(bare):
        return None
    value = float(bare)
    return value if math.isfinite(value) else None


def parse_decimals(parts: Sequence[str], count: int | None = None) -> tuple[float, ...] | None:
    """Parse every value, or return None unless they are `count` (None: one or more) finite numbers."""
    values = [parse_decimal(part) for part in parts]
    numbers = tuple(value for value in values if value is not None)
    return numbers if numbers and len(numbers) == len(values) and count in (None, len(numbers)) else None

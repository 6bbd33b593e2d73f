"""Tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table; columns after the first are right-aligned numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def number(value: float, digits: int = 1, *, sign: bool = False) -> str:
    """Format a number, or a dash for NaN; zero has no minus sign."""
    if not math.isfinite(value):
        return "-"
    text = f"{value:{'+' if sign else ''},.{digits}f}"
    return text if float(text.replace(",", "")) else f"{0:.{digits}f}"


def percent(value: float, digits: int = 1, *, sign: bool = False) -> str:
    """Format a share in per cent."""
    text = number(100 * value, digits, sign=sign)
    return text if text == "-" else f"{text} %"


def share(count: int, of: int) -> str:
    """Format count and share, as `7 of 10 (70.0 %)`."""
    return f"{count} of {of}" + (f" ({percent(count / of)})" if of else "")

"""A table of the statement, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def format_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table; a cell with a bar or a line break would end early, so neither may stand in one.

    Raises ValueError for such a cell, and for a row with another number of cells than the head.
    """
    lines = [_format_row(heads), _format_row(["---"] * len(heads))]
    for row in rows:
        if len(row) != len(heads) or any("|" in cell or "\n" in cell for cell in row):
            raise ValueError(f"not a row of the table {' | '.join(heads)}: {row}")
        lines.append(_format_row(row))
    return "\n".join(lines)


def code(text: object) -> str:
    """Mark a value as it is written in a file or on the wire."""
    return f"`{text}`"


def yes(value: object) -> str:
    """Return Y or N, as the Standard's template has it."""
    return "Y" if value else "N"


def _format_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

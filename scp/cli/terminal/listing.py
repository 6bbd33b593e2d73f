"""Lists of rows on standard output: a table for a person, JSON for a script."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from scp.cli.terminal.output import say
from scp.outside_text import escape, escape_json

_PIPE_WIDTH: Final = 220
"""Width when standard output is not a terminal, so that rows with long UIDs stay on one line."""


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under bold column heads."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    console = Console()
    Console(width=console.width if console.is_terminal else _PIPE_WIDTH, markup=False, highlight=False).print(table)


def print_json(rows: Iterable[dict[str, object]]) -> None:
    """Print a JSON array of objects; times in UTC, as ISO 8601."""
    text = json.dumps(list(rows), indent=2, ensure_ascii=False, default=_encode)
    say(*escape_json(text).split("\n"))


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    raise TypeError(f"no JSON for {type(value).__name__}")

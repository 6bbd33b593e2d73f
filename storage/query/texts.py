"""Texts of the index against single values, lists and wildcards (PS3.4 C.2.2.2.1, C.2.2.2.2, C.2.2.2.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_


def match_texts(
    column: ColumnElement[str], values: Sequence[str], dialect: str, *, wildcards: bool = True
) -> ColumnElement[bool]:
    """Match any of the values, with regard to case; * and ? are wildcards if `wildcards`."""
    patterns = [value for value in values if wildcards and ("*" in value or "?" in value)]
    exact = [value for value in values if value not in patterns]
    conditions = [_match_pattern(column, pattern, dialect) for pattern in patterns]
    if exact:
        conditions.append(column.in_(exact))
    return or_(*conditions)


def _match_pattern(column: ColumnElement[str], pattern: str, dialect: str) -> ColumnElement[bool]:
    """Match a pattern case-sensitively: SQLite's LIKE is not, but its GLOB is and has the same * and ?."""
    short = re.sub(r"\*+", "*", pattern)
    if dialect == "sqlite":
        matched = column.op("GLOB", is_comparison=True)(short.replace("[", "[[]"))
    else:
        escaped = re.sub(r"([%_!])", r"!\1", short)
        matched = column.like(escaped.replace("*", "%").replace("?", "_"), escape="!")
    beginning = re.split(r"[*?]", short, maxsplit=1)[0]
    # Neither database uses an index for a pattern given as a parameter or within an OR; for a range it always does.
    return and_(*_match_beginning(column, beginning), matched)


def _match_beginning(column: ColumnElement[str], text: str) -> list[ColumnElement[bool]]:
    """Match the texts that begin with `text`, as a range of code points."""
    if not text:
        return []
    last = ord(text[-1])
    if last in (0xD7FF, 0x10FFFF):
        # The next character does not exist, or is a surrogate, which no database stores.
        return [column >= text]
    return [column >= text, column < text[:-1] + chr(last + 1)]

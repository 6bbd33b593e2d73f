"""A search a page at a time, for clients that come back for the next one (PS3.18 8.3.4.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from storage.database.engine import Database
from storage.database.models import InstanceRow, SeriesRow, StudyRow
from storage.query.search import Search


@dataclass(frozen=True, slots=True)
class Page:
    """Matches as text by keyword, and how many more there are after them."""

    matches: Sequence[Mapping[str, Any]]
    remaining: int


def read_page(db: Database, search: Search, *, offset: int, limit: int) -> Page:
    """Read the matches from `offset` on, at most `limit`; studies with the newest first. Raises Transient."""
    statement, columns = search.build_statement(db.engine.dialect.name)
    with db.reading() as session:
        rows = session.execute(statement.order_by(_order(search)).offset(offset).limit(limit + 1)).all()
        remaining = 0
        if len(rows) > limit:
            total = session.scalar(select(func.count()).select_from(statement.subquery())) or 0
            remaining = max(0, total - offset - limit)
    return Page([dict(zip(columns, row, strict=True)) for row in rows[:limit]], remaining)


def _order(search: Search) -> ColumnElement[int]:
    """Order by when a study, series or object was first seen, which no later one changes."""
    if search.level == "IMAGE":
        return InstanceRow.id.asc()
    return SeriesRow.id.asc() if search.level == "SERIES" else StudyRow.id.desc()

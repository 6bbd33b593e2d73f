"""Whether an error says that the database cannot be reached, and nothing about what was asked of it."""

from __future__ import annotations

import sys
from typing import Final

from sqlalchemy.exc import DBAPIError

_GONE: Final = frozenset({"57P01", "57P02", "57P03"})
"""SQLSTATE of PostgreSQL: admin_shutdown, crash_shutdown, cannot_connect_now; those of class 08 say it, too."""


def is_unreachable(error: BaseException | None) -> bool:
    """Return whether an error, or one that it was raised from, came of a connection that is lost or cannot be made."""
    while error is not None:
        if isinstance(error, DBAPIError) and (error.connection_invalidated or _is_lost(error.orig)):
            return True
        if _is_lost(error):
            return True
        error = error.__cause__
    return False


def _is_lost(error: BaseException | None) -> bool:
    """Return whether an error of the driver is one of the connection; SQLite, which is a file, has none."""
    driver = sys.modules.get("psycopg")  # an optional dependency, loaded by whoever has a connection
    if driver is None or not isinstance(error, (driver.OperationalError, driver.InterfaceError)):
        return False
    state = getattr(error, "sqlstate", None)
    return state is None or state.startswith("08") or state in _GONE

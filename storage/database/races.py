"""Transactions that lost a race against another process, and are repeated: then they see what the other one did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError

from config.errors import Transient

Outcome = TypeVar("Outcome")

_TRIES: Final = 5
_LOST: Final = frozenset({"40001", "40P01"})
"""SQLSTATE of a transaction that PostgreSQL gave up for another one: serialization_failure, deadlock_detected."""


def repeat_lost(transact: Callable[[], Outcome]) -> Outcome:
    """Do a transaction, again where another process entered the same row first, or held what this one waited for.

    Raises what the last attempt raises.
    """
    for _ in range(_TRIES - 1):
        try:
            return transact()
        except IntegrityError:
            pass
        except Transient as error:
            if not _is_lost(error.__cause__):
                raise
    return transact()


def _is_lost(cause: BaseException | None) -> bool:
    return isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) in _LOST

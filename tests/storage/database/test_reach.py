"""Errors of a connection are told from those of what was asked."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from storage.database.reach import is_unreachable

LOST = psycopg.OperationalError("connection is bad: no such file")


def of_library(cause: Exception, *, invalidated: bool = False) -> DBAPIError:
    return OperationalError("SELECT 1", {}, cause, connection_invalidated=invalidated)


def raised_from(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (LOST, True),
        (of_library(LOST), True),
        (of_library(Exception("?"), invalidated=True), True),
        (raised_from(RuntimeError("no outcome"), of_library(LOST)), True),
        (psycopg.OperationalError("server closed the connection unexpectedly"), True),
        (psycopg.InterfaceError("the connection is closed"), True),
        (psycopg.errors.AdminShutdown("terminating connection"), True),
        (psycopg.errors.CannotConnectNow("the database system is starting up"), True),
        (psycopg.errors.ConnectionFailure("lost"), True),
        (None, False),
        (ValueError("oops"), False),
        (psycopg.errors.DiskFull("no space left"), False),
        (psycopg.errors.QueryCanceled("statement timeout"), False),
        (of_library(psycopg.errors.DeadlockDetected("deadlock")), False),
        (of_library(Exception("database is locked")), False),
    ],
    ids=repr,
)
def test_only_a_lost_connection_says_that_the_database_is_away(error, expected):
    assert is_unreachable(error) is expected

"""Drift for pages and metrics that ask often: looked up anew every few minutes."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakKeyDictionary

from scp.validating.drifting import Drift, watch_drift
from scp.web.services import Services
from storage.database.engine import Database

_LASTING: Final = timedelta(minutes=10)

_known: Final[WeakKeyDictionary[Database, tuple[datetime, Drift]]] = WeakKeyDictionary()
_lock: Final = threading.Lock()


def find_drift(services: Services) -> Drift:
    """Return what became of the figures, at most ten minutes old; one request at a time looks it up.

    Raises Transient when the database does not answer.
    """
    with _lock:
        now = services.clock()
        known = _known.get(services.database)
        if known is None or now - known[0] >= _LASTING:
            known = (now, watch_drift(services.installation))
            _known[services.database] = known
        return known[1]


def forget(services: Services) -> None:
    """Look it up anew the next time: a decision was taken, or readings have come."""
    with _lock:
        _known.pop(services.database, None)

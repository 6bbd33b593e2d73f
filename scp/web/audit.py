"""Who looked at what, and who changed it, in the audit log."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from fastapi import Request

from scp.web.identity import find_person
from scp.web.services import find_services
from storage.database import audit

NOBODY: Final = "local"
"""Whoever sits at the machine of a node without accounts."""
_ONE_LOOK: Final = timedelta(minutes=10)
MOST_VIEWS: Final = 10_000


def note(request: Request, kind: str, text: str = "", *, series_instance_uid: str = "") -> None:
    """Record that the person who asks did something; `text` never holds a patient's name or ID."""
    services = find_services(request)
    name = _name(request)
    audit.record(services.database, services.clock(), kind, text, series_instance_uid=series_instance_uid, person=name)


def note_view(request: Request, series_instance_uid: str) -> None:
    """Record that the person who asks was shown data of a patient: the page or the images of a series.

    Once in ten minutes for each person, series and kind of page: who scrolls through a series looks at it once.
    """
    page = request.url.path.split("/")[1]
    views: RecentViews = request.app.state.views
    if views.is_new((_name(request), series_instance_uid, page), find_services(request).clock()):
        note(request, "viewed", page, series_instance_uid=series_instance_uid)


class RecentViews:
    """What was looked at a short while ago; the memory for it is bounded. Safe to share between threads."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, ...], datetime] = OrderedDict()
        self._lock = threading.Lock()

    def is_new(self, view: tuple[str, ...], now: datetime) -> bool:
        """Return whether a view is to be recorded, and remember it if so."""
        with self._lock:
            seen = self._seen.get(view)
            if seen is not None and now - seen < _ONE_LOOK:
                return False
            self._seen.pop(view, None)
            self._seen[view] = now
            while len(self._seen) > MOST_VIEWS:
                self._seen.popitem(last=False)
            return True


def _name(request: Request) -> str:
    person = find_person(request)
    return "" if person is None else person.account or NOBODY

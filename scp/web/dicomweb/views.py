"""Who was sent what, in the audit log: once for a person and a series, not for each of its thousand frames."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from fastapi import Request

from scp.web.audit import note, note_view
from scp.web.identity import find_person
from storage.auditing import statements
from storage.auditing.statements import RETRIEVED, Retrieved

_SECONDS: Final = 600.0
_MOST: Final = 10_000


class Views:
    """Notes a view unless it was noted within the last ten minutes; thread-safe. `clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: dict[tuple[str, str, int], float] = {}
        self._lock = threading.Lock()

    def note(self, request: Request, series_instance_uids: Iterable[str]) -> None:
        """Record that the person who asks is sent objects of these series. Raises Transient."""
        for uid in series_instance_uids:
            if self._is_due(request, uid):
                note_view(request, uid)

    def note_transfer(self, request: Request, retrieved: Retrieved, *, single: bool) -> None:
        """Record that the person who asks is sent objects of a study as DICOM files. Raises Transient.

        Each request is recorded; but of those for a `single` object one in ten minutes for a person and a series, like
        a view: some clients ask for a series object by object.
        """
        series = retrieved.series[0]
        if not single or self._is_due(request, f"{RETRIEVED} {series}"):
            note(request, RETRIEVED, statements.write(retrieved), series_instance_uid=series)

    def _is_due(self, request: Request, what: str) -> bool:
        person = find_person(request)
        key = (person.account if person else "", what, id(request.app.state.services))
        now = self._clock()
        with self._lock:
            if now - self._noted.get(key, -_SECONDS) < _SECONDS:
                return False
            if len(self._noted) >= _MOST:
                self._noted.clear()
            self._noted[key] = now
            return True


VIEWS: Final = Views()

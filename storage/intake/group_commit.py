"""Group commit: one transaction, and one synchronisation of each folder, for all objects that wait at the moment.

A thread that comes while nobody commits commits at once, alone; those that come meanwhile wait, and the first of them
commits for all the others. So nothing waits when there is no one to share with, and no thread is needed for it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from config.errors import Rejected
from dicom import status
from storage.database.engine import Database
from storage.intake.arrivals import Arrival
from storage.intake.instances import Registered, register_all
from storage.objects.files import Files

log = structlog.get_logger(__name__)

_LARGEST_GROUP: Final = 256


@dataclass(eq=False, slots=True)
class _Ticket:
    """One waiting arrival. `woken` is released when the answer stands, or when its thread is to commit."""

    arrival: Arrival
    woken: threading.Lock = field(default_factory=threading.Lock)
    answer: Registered | Rejected | None = None


class Intake:
    """Enters settled files into the index; safe for any number of threads."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files
        self._lock = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._committing = False

    def enter(self, arrival: Arrival) -> Registered:
        """Make the name of a settled file durable and register it; when this returns, Success may be answered.

        Raises Rejected (0xA700) when the disk or the database does not take it.
        """
        ticket = _Ticket(arrival)
        with self._lock:
            self._waiting.append(ticket)
            leads = not self._committing
            self._committing = True
            if not leads:
                ticket.woken.acquire()
        if not leads:
            ticket.woken.acquire()
        if ticket.answer is None:
            self._lead()
        if isinstance(ticket.answer, Registered):
            return ticket.answer
        raise ticket.answer or Rejected(status.OUT_OF_RESOURCES, "internal error, see the node's log")

    def _lead(self) -> None:
        """Commit what waits, tell the waiting threads, and hand on to one that came meanwhile."""
        with self._lock:
            group, self._waiting = self._waiting[:_LARGEST_GROUP], self._waiting[_LARGEST_GROUP:]
        try:
            for ticket, answer in zip(group, self._commit([ticket.arrival for ticket in group]), strict=True):
                ticket.answer = answer
        finally:
            with self._lock:
                self._committing = bool(self._waiting)
                following = self._waiting[:1]
            for ticket in (*group, *following):
                if ticket.answer is None and ticket in group:
                    ticket.answer = Rejected(status.OUT_OF_RESOURCES, "internal error, see the node's log")
                if ticket.woken.locked():
                    ticket.woken.release()

    def _commit(self, arrivals: Sequence[Arrival]) -> Sequence[Registered | Rejected]:
        try:
            self._files.sync(arrival.stored.path for arrival in arrivals)
            return register_all(self._database, self._files, arrivals)
        except Rejected as error:
            return [error] * len(arrivals)
        except Exception:  # one object must not refuse the others: each is tried alone
            if len(arrivals) == 1:
                log.exception("object not registered", instance=arrivals[0].header.sop_instance_uid)
                return [Rejected(status.OUT_OF_RESOURCES, "internal error, see the node's log")]
            return [answer for arrival in arrivals for answer in self._commit([arrival])]

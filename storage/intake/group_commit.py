"""Group commit: one transaction, and one fsync of each folder, for all objects that are waiting.

A thread that arrives while no commit is running commits at once, alone; those that arrive meanwhile wait, and the first
of them commits for all. So an object never waits unless there is a commit to share, and no extra thread is needed.
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
    """One waiting arrival; `woken` is released when the outcome is known, or when its thread has to commit."""

    arrival: Arrival
    woken: threading.Lock = field(default_factory=threading.Lock)
    answer: Registered | Rejected | None = None


class Intake:
    """Registers settled files in the index; thread-safe."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files
        self._lock = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._committing = False

    def enter(self, arrival: Arrival) -> Registered:
        """Make the name of a settled file durable and register it; once this returns, Success may be answered.

        Raises Rejected (0xA700) when the disk or the database refuses it.
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
        """Commit all waiting arrivals, wake their threads, and pass the lead to one that arrived meanwhile."""
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
        except Exception:  # one bad object must not fail the others: each is tried alone
            if len(arrivals) == 1:
                log.exception("object not registered", instance=arrivals[0].header.sop_instance_uid)
                return [Rejected(status.OUT_OF_RESOURCES, "internal error, see the node's log")]
            return [answer for arrival in arrivals for answer in self._commit([arrival])]

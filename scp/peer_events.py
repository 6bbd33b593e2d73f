"""What peers do, on its way into the audit log: entered by a thread of its own, so that peers do not wait for that.

Events are entered within a second, many in one transaction. What must be there before something happens is entered at
once, and waited for, though not for long. While the database takes none they wait, up to a limit;
those above it are counted, told, and their number is entered in their place. Repeats of the same event are entered
together with their number every ten minutes. Whoever kills the process loses what came in the last second, and the
repeats that were being counted.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, Protocol

import structlog

from config.errors import Transient
from scp import metrics
from scp.gathering import Gathering
from storage.auditing import statements
from storage.database import audit
from storage.database.audit import Event
from storage.database.engine import Database

log = structlog.get_logger(__name__)

GATHER_SECONDS: Final = 600.0
"""How long repeats of the same event are counted before they are entered."""
MOST_WAITING: Final = 2000
ENTER_SECONDS: Final = 2.0
"""How long is waited for an event that should be entered before its peer is served."""
MOST_KNOWN: Final = 256
"""Events of one kind whose repeats are known."""

_BATCH: Final = 200
_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0


@dataclass(frozen=True, slots=True)
class PeerEvent:
    """An event to be entered; `make_text` makes its text of the number of times that it came.

    Repeats are known by `same`; None: it is entered each time. `instead` is entered in its place when too many that
    differ are known already: who refuses a thousand hosts says so once.
    """

    kind: str
    make_text: Callable[[int], str]
    peer_ae: str = ""
    series_instance_uid: str = ""
    sop_instance_uid: str = ""
    same: Hashable = None
    instead: PeerEvent | None = None


Note = Callable[[PeerEvent], None]
"""Takes an event; neither waits nor raises."""


class Enter(Protocol):
    """Takes events, and returns once they are entered, or cannot be in time; never raises."""

    def __call__(self, *events: PeerEvent) -> None:
        """Take events."""


def ignore(*_: PeerEvent) -> None:
    """Take events where no audit log of peers is kept."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An event that is to be entered."""

    at: datetime
    event: PeerEvent
    count: int


class PeerEvents:
    """Enters events from the first one to `stop`; thread-safe. `monotonic` is seconds."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._waiting: deque[_Waiting] = deque()
        self._gatherings: dict[str, Gathering[PeerEvent]] = {}
        self._appended = self._entered = self._urgent = 0  # waiting events counted from the first one on
        self._lost = 0
        self._is_away = False
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="audit of peers", daemon=True)

    def note(self, event: PeerEvent) -> None:
        """Take an event; neither waits nor raises."""
        with self._changed:
            if event.same is None:
                self._append(event, 1)
            else:
                self._gather(event)
            self._wake()

    def enter(self, *events: PeerEvent) -> None:
        """Take events and return once they are entered, or cannot be within `ENTER_SECONDS`; never raises.

        While the database is away they wait like all others, and nobody for them: a log that cannot be written keeps no
        peer from its images.
        """
        if not events:
            return
        with self._changed:
            for event in events:
                self._append(event, 1)
            number = self._appended
            if self._is_away or self._stopping:
                return
            self._urgent = number
            self._wake()
            self._changed.wait_for(
                lambda: self._entered >= number or self._is_away or self._stopping, timeout=ENTER_SECONDS
            )

    def stop(self) -> None:
        """Enter what waits and the repeats counted so far, and end. What the database does not take now is lost."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        with self._changed:
            for gathering in self._gatherings.values():
                for event, count in gathering.collect_all():
                    self._append(event, count)
        if not self._enter_all():
            metrics.AUDIT_LOST.inc(len(self._waiting))
            log.error("events of peers are not in the audit log", count=len(self._waiting) + self._lost)

    def _wake(self) -> None:
        if self._thread.ident is None and not self._stopping:
            self._thread.start()
        self._changed.notify_all()

    def _append(self, event: PeerEvent, count: int) -> None:
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(_Waiting(self._clock(), event, count))
            self._appended += 1
            return
        if not self._lost:
            log.error("events of peers are lost to the audit log: the database takes none", waiting=MOST_WAITING)
        self._lost += 1
        metrics.AUDIT_LOST.inc()

    def _gather(self, event: PeerEvent) -> None:
        gathering = self._gatherings.setdefault(event.kind, Gathering(MOST_KNOWN, GATHER_SECONDS))
        if event.instead is not None and not gathering.knows(event.same):
            event = event.instead
        for due, count in gathering.take(event.same, event, self._monotonic()):
            self._append(due, count)

    def _run(self) -> None:
        pause = _PAUSE
        while self._await_work(pause):
            pause = _PAUSE if self._enter_all() else min(pause * 2, _LONGEST_PAUSE)

    def _await_work(self, pause: float) -> bool:
        """Wait until there is something to enter, and `pause` seconds more for what comes with it; False at the end."""
        with self._changed:
            self._collect()
            while not self._stopping and not self._waiting:
                self._changed.wait(self._find_wait())
                self._collect()
            self._changed.wait_for(lambda: self._stopping or self._urgent > self._entered, pause)
            return not self._stopping

    def _collect(self) -> None:
        now = self._monotonic()
        for gathering in self._gatherings.values():
            for event, count in gathering.collect(now):
                self._append(event, count)

    def _find_wait(self) -> float | None:
        times = [at for gathering in self._gatherings.values() if (at := gathering.find_next()) is not None]
        return max(0.0, min(times) - self._monotonic()) if times else None

    def _enter_all(self) -> bool:
        """Enter all that waits; False when the database does not take it now."""
        while self._waiting:
            try:
                if not self._enter():
                    return False
            except Exception:  # the edge of the thread: what one event does must not keep out the others
                log.exception("events of peers cannot be entered in the audit log")
                self._drop_batch()
        return True

    def _enter(self) -> bool:
        """Enter what waits, at most a batch; False when the database does not take it now."""
        with self._changed:
            batch, lost = list(islice(self._waiting, _BATCH)), self._lost
        events = [_make_event(waiting) for waiting in batch]
        if lost:
            text = statements.write(statements.Lost(lost))
            events.append(Event(self._clock(), statements.LOST, "", "", "", text))
        try:
            audit.record_all(self._database, events)
        except Transient as error:
            if not self._is_away:  # told once; the next word is that it goes on
                log.warning("events of peers wait for the audit log", reason=str(error))
            with self._changed:
                self._is_away = True
                self._urgent = 0
                self._changed.notify_all()
            return False
        with self._changed:
            for _ in batch:
                self._waiting.popleft()
            self._lost -= lost
            self._entered += len(batch)
            self._changed.notify_all()
        if self._is_away:
            log.info("events of peers go on into the audit log", lost=lost)
            self._is_away = False
        return True

    def _drop_batch(self) -> None:
        with self._changed:
            for _ in range(min(_BATCH, len(self._waiting))):
                self._waiting.popleft()
                self._entered += 1
                self._lost += 1
                metrics.AUDIT_LOST.inc()


def _make_event(waiting: _Waiting) -> Event:
    event = waiting.event
    return Event(
        waiting.at,
        event.kind,
        event.series_instance_uid,
        event.sop_instance_uid,
        event.peer_ae,
        event.make_text(waiting.count),
    )

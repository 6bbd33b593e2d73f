"""One receiver process, seen from the node: started, listened to, started again when it ends."""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

import structlog

from config.settings import Settings
from scp.child_process import FIRST_PAUSE, LONGEST_PAUSE, await_end
from scp.counting import sum_counters
from scp.installation import Installation
from scp.receivers.link import (
    Adopt,
    Counters,
    CountersWanted,
    MoveAnswered,
    MoveEnded,
    MoveWanted,
    News,
    Ready,
    SeatAnswered,
    SeatWanted,
    Stop,
)
from scp.receivers.pipe import Pipe
from scp.reception.seats import Seats
from scp.reception.server import Ports
from scp.reception.watch import Holder
from scp.services.retrieve.slots import Slots

log = structlog.get_logger(__name__)

_CONTEXT: Final = multiprocessing.get_context("spawn")
_ENDING_SECONDS: Final = 40.0
_ANSWER_SECONDS: Final = 2.0


@dataclass(eq=False, slots=True)
class _Remote:
    """An association of a receiver."""

    alive: bool = True

    def is_alive(self) -> bool:
        """Return whether the receiver has not reported its end."""
        return self.alive


class Supervised:
    """One of the processes, and whichever takes its place when it ends."""

    def __init__(
        self,
        number: int,
        installation: Installation,
        seats: Seats,
        slots: Slots,
        received: Callable[[str, Holder | None], None],
        announced: Callable[[str], None],
    ) -> None:
        self._name = f"coronode-receiver-{number}"
        self._settings = installation.settings
        self._owner = installation.owner
        self._seats = seats
        self._slots = slots
        self._received = received
        self._announced = announced
        self._ports = Ports()
        self._associations: dict[int, _Remote] = {}
        self._moves: dict[int, str] = {}
        self._pipe: Pipe | None = None
        self._answers: queue.Queue[Counters] = queue.Queue()
        self._asked = 0
        self._asking = threading.Lock()
        self._latest = self._ended = b""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self.is_ready = threading.Event()

    def start(self, ports: Ports) -> None:
        """Start the process."""
        self._ports = ports
        self._thread.start()

    def adopt(self, settings: Settings) -> None:
        """Let the process, and those that take its place, go on by another configuration."""
        self._settings = settings
        self._send(Adopt(settings))

    def tell_to_stop(self) -> None:
        """Tell the process to end."""
        self._stop.set()
        self._send(Stop())

    def join(self) -> None:
        """Wait for its end."""
        if self._thread.ident is not None:
            self._thread.join()

    def ask_counters(self) -> list[bytes]:
        """Return the counters of the process, the latest known if it does not answer, and those of its predecessors."""
        with self._asking:
            self._asked += 1
            if self.is_ready.is_set() and self._send(CountersWanted(self._asked)):
                self._wait_for_counters(self._asked)
            return [text for text in (self._latest, self._ended) if text]

    def _wait_for_counters(self, number: int) -> None:
        try:
            while (told := self._answers.get(timeout=_ANSWER_SECONDS)).number != number:
                pass
        except queue.Empty:
            return
        self._latest = told.text

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            self._attend()
            if self._stop.is_set():
                return
            if self.is_ready.is_set():
                pause = FIRST_PAUSE
            self._forget()
            log.error("a receiver process has ended; it is started again", receiver=self._name, seconds=pause)
            self._stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _forget(self) -> None:
        """Take back the seats and slots of a process that has ended; its counters stay."""
        self.is_ready.clear()
        for association in self._associations.values():
            association.alive = False
        self._associations = {}
        for destination in self._moves.values():
            self._slots.give_back(destination)
        self._moves = {}
        with self._asking:
            self._ended = sum_counters(self._ended, self._latest) if self._ended else self._latest
            self._latest = b""

    def _attend(self) -> None:
        """Run one process until it ends."""
        ours, theirs = _CONTEXT.Pipe()
        arguments = (theirs, self._settings, self._owner(), self._ports.plain, self._ports.tls)
        process = _CONTEXT.Process(target=_serve, args=arguments, name=self._name)
        process.start()
        theirs.close()
        self._pipe = Pipe(ours)
        try:
            if self._stop.is_set():
                self._send(Stop())
            self._listen(ours)
        finally:
            await_end(process, _ENDING_SECONDS)
            ours.close()

    def _listen(self, pipe: Connection) -> None:
        while True:
            try:
                self._take(pipe.recv())
            except (EOFError, OSError):
                return
            except Exception:  # the edge of the thread: what one message does must not end the others
                log.exception("a message of a receiver process failed", receiver=self._name)

    def _take(self, said: object) -> None:
        if isinstance(said, SeatWanted):
            remote = _Remote()
            refusal = self._seats.take(remote, said.peer)
            if refusal is None:
                self._associations[said.association] = remote
            self._send(SeatAnswered(said.association, refusal))
        elif isinstance(said, MoveWanted):
            if is_free := self._slots.take(said.destination, 0):
                self._moves[said.move] = said.destination
            self._send(MoveAnswered(said.move, is_free))
        elif isinstance(said, MoveEnded):
            if (destination := self._moves.pop(said.move, None)) is not None:
                self._slots.give_back(destination)
        elif isinstance(said, News):
            self._take_news(said)
        elif isinstance(said, Counters):
            self._answers.put(said)
        elif isinstance(said, Ready):
            self.is_ready.set()

    def _take_news(self, news: News) -> None:
        for series_instance_uid, association in news.instances:
            holder = None if association is None else self._associations.get(association)
            self._received(series_instance_uid, holder)
        for series_instance_uid in news.announced:
            self._announced(series_instance_uid)
        for association in news.ended:
            remote = self._associations.pop(association, None)
            if remote is not None:
                remote.alive = False

    def _send(self, message: object) -> bool:
        pipe = self._pipe
        if pipe is None:
            return False
        try:
            pipe.send(message)
        except OSError:
            return False
        return True


def _serve(*arguments: object) -> None:
    from scp.receivers import process  # noqa: PLC0415  # the imports belong to that process

    process.serve(*arguments)  # type: ignore[arg-type]

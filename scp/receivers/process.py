"""What runs in a receiver process: the services for peers, on ports that the node has bound."""

from __future__ import annotations

import os
import signal
import socket
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait

import structlog

from config.errors import ConfigurationError
from config.settings import Settings
from dicom.process import configure_process
from scp import lasting, logs, metrics, privacy
from scp.installation import Installation, utc_now
from scp.receivers.link import Adopt, Counters, CountersWanted, MoveAnswered, Ready, SeatAnswered, Stop
from scp.receivers.moves import AskedSlots
from scp.receivers.pipe import Pipe
from scp.receivers.reception import Reception
from scp.receivers.reporter import AskedSeats, Reporter
from scp.reception.server import Ports
from storage.database.opening import open_database
from storage.series.store import open_store

log = structlog.get_logger(__name__)


def serve(
    connection: Connection, settings: Settings, owner: str, plain: socket.socket | None, tls: socket.socket | None
) -> None:
    """Serve associations until the node says to stop, or is gone; `owner` is the member of the group that it is."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # they are for the node, which ends this process
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    privacy.create_closed()
    configure_process()
    logs.configure(settings.node.log_level, settings.node.log_format)
    logs.capture_last_words()
    Receiver(Pipe(connection), settings, owner, Ports(plain, tls)).run()


class Receiver:
    """The services of the node in a process of its own; the node keeps what is one for all."""

    def __init__(self, pipe: Pipe, settings: Settings, owner: str, ports: Ports) -> None:
        self._pipe = pipe
        self._seats = AskedSeats(pipe)
        self._slots = AskedSlots(pipe)
        self._reporter = Reporter(pipe, self._seats)
        self._database = open_database(settings)
        self._files = open_store(settings, self._database, owner=owner)
        self._reception = Reception(
            Installation(settings, self._database, self._files, utc_now, lambda: owner),
            received=self._reporter.note_instance,
            announced=self._reporter.note_announcement,
            seats=self._seats,
            slots=self._slots,
            ports=ports,
        )

    def run(self) -> None:
        """Serve, and do what the node says, until it says to stop or is gone."""
        self._reporter.start()
        self._reception.server.start()
        lasting.freeze()
        try:
            self._pipe.send(Ready())
            self._obey()
        except (EOFError, OSError):  # the node is gone
            pass
        finally:
            self._reception.server.stop()
            self._reception.close()
            self._reporter.stop()
            self._files.close()
            self._database.close()

    def _obey(self) -> None:
        while True:
            said = self._pipe.connection.recv()
            if isinstance(said, Stop):
                return
            if isinstance(said, SeatAnswered):
                if not self._seats.note(said):
                    self._reporter.give_back(said.association)
            elif isinstance(said, MoveAnswered):
                self._slots.note(said)
            elif isinstance(said, Adopt):
                self._adopt(said.settings)
            elif isinstance(said, CountersWanted):
                self._pipe.send(Counters(said.number, metrics.render()))

    def _adopt(self, settings: Settings) -> None:
        logs.configure(settings.node.log_level, settings.node.log_format)
        try:
            self._reception.adopt(settings)
        except ConfigurationError as error:  # the node could read the files a moment ago
            log.error("configuration not taken up by a receiver process", reason=str(error))


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)

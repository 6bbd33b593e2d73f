"""Keeps the audit log: records what was received, seals new events, hands messages to the collector and to files."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from config.errors import Transient
from config.settings import Settings
from scp.auditing.files import Folder
from scp.auditing.message import format_message
from scp.auditing.origin import Origin
from scp.auditing.syslog import Collector, format_line, make_context
from scp.group.duties import Duties, EveryDuty
from scp.installation import Installation
from scp.rounds import Rounds
from storage.auditing import arrivals, chain, readers, trail
from storage.auditing.trail import Entry
from storage.database import audit

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 10.0
_LONGEST_PAUSE: Final = 300.0
_AT_ONCE: Final = 200
_SEALED_AT_ONCE: Final = 1000
_FORGOTTEN_EVERY: Final = timedelta(hours=1)
_REPEATED: Final = 100
"""Messages that are sent again after a connection has ended: what lay in its buffers may not have arrived."""


@dataclass(frozen=True, slots=True)
class Sink:
    """Where messages go, under the name by which the index knows how far it has got."""

    name: str
    write: Callable[[Sequence[Entry]], None]
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class _Trouble:
    """How often in a row a sink has taken nothing, and how many seconds it is left alone."""

    count: int = 0
    waits: float = 0.0


_NO_TROUBLE: Final = _Trouble()


class Auditor:
    """Works every few seconds from `start` to `stop`, in one process of a group."""

    def __init__(self, installation: Installation, duties: Duties | None = None) -> None:
        """Raises ConfigurationError when a file of the configuration cannot be used."""
        self._settings = installation.settings
        self._database = installation.database
        self._clock = installation.clock
        self._duties = duties or EveryDuty()
        self._origin = make_origin(self._settings)
        self._collector = Collector(self._settings.audit)
        if self._settings.audit.is_secure:
            make_context(self._settings.audit)
        self._sinks = list(self._list_sinks())
        self._troubles: dict[str, _Trouble] = {}
        self._forgotten_at: datetime | None = None
        failed, again = "looking at the audit log failed", "the audit log is looked at again"
        self._rounds = Rounds("audit", self.look, _LOOK_SECONDS, failed=failed, again=again)

    def start(self, text: str) -> None:
        """Record the start of the node, and begin."""
        self._note("started", text)
        self._rounds.start()

    def stop(self) -> None:
        """Record the stop of the node, and hand on what there is."""
        if not self._rounds.has_begun:
            return
        self._rounds.stop()
        self._note("stopped", "")
        try:
            self.look()
        except Transient as error:
            log.warning("audit messages wait for the next start", reason=str(error))
        self._collector.close()

    def look(self) -> None:
        """Record, seal and hand on what is new. Raises Transient when the database does not answer."""
        if not self._duties.holds("audit"):
            return
        while arrivals.record_arrivals(self._database, self._clock()):
            pass
        while chain.seal(self._database, self._clock()) == _SEALED_AT_ONCE:
            pass
        for sink in self._sinks:
            self._hand_on(sink)
        self._forget()

    def _hand_on(self, sink: Sink) -> None:
        """Hand on what a sink has not had. One that takes nothing is tried again later, ever more rarely."""
        trouble = self._troubles.get(sink.name, _NO_TROUBLE)
        if trouble.waits > 0 and not self._rounds.is_stopping:
            self._troubles[sink.name] = replace(trouble, waits=trouble.waits - _LOOK_SECONDS)
            return
        after = readers.find_position(self._database, sink.name) or 0
        if trouble.count:
            after = max(0, after - sink.repeats)
        try:
            while entries := trail.list_entries(self._database, after=after, limit=_AT_ONCE):
                sink.write(entries)
                after = entries[-1].position
                readers.move(self._database, sink.name, after, self._clock())
        except Transient as error:
            count = trouble.count + 1
            pause = min(_LOOK_SECONDS * 2**count, _LONGEST_PAUSE)
            self._troubles[sink.name] = _Trouble(count, pause)
            if count == 1:  # told once; the next word is that it goes on
                log.warning("audit messages wait", sink=sink.name, reason=str(error))
            return
        if self._troubles.pop(sink.name, None) is not None:
            log.info("audit messages go on", sink=sink.name)

    def _list_sinks(self) -> Iterator[Sink]:
        audit_settings = self._settings.audit
        if audit_settings.collector is not None:
            yield Sink(
                f"collector {audit_settings.collector}",
                lambda entries: self._collector.send(self._format(entries)),
                _REPEATED,
            )
        if audit_settings.folder is not None:
            folder = Folder(audit_settings.folder)
            yield Sink(
                f"folder {audit_settings.folder}",
                lambda entries: folder.write(
                    [(entry.event.at, line) for entry, line in zip(entries, self._format(entries), strict=True)]
                ),
            )

    def _format(self, entries: Sequence[Entry]) -> list[str]:
        return [
            format_line(format_message(entry, self._origin), entry.event.at, entry.position, self._origin.host)
            for entry in entries
        ]

    def _forget(self) -> None:
        """Forget events that are older than the configuration asks for, and that every sink has had."""
        keep, now = self._settings.audit.keep_days, self._clock()
        if keep is None or (self._forgotten_at is not None and now - self._forgotten_at < _FORGOTTEN_EVERY):
            return
        self._forgotten_at = now
        had = [readers.find_position(self._database, sink.name) or 0 for sink in self._sinks]
        count = chain.forget_before(self._database, now - timedelta(days=keep), last=min(had, default=None))
        if count:
            log.info("events of the audit log forgotten", count=count, keep_days=keep)

    def _note(self, kind: str, text: str) -> None:
        try:
            audit.record(self._database, self._clock(), kind, text)
        except Transient as error:
            log.warning("not in the audit log", kind=kind, reason=str(error))


def make_origin(settings: Settings) -> Origin:
    """Return who writes the messages of a node."""
    name = settings.audit.source_id or settings.node.ae_title
    return Origin(settings.node.ae_title, socket.gethostname(), name, settings.audit.patient_ids)

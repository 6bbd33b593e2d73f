"""What stands where, for Prometheus: read from the tables by the process that is asked, not counted by any."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from config.errors import Transient
from config.settings import MIB
from scp.installation import Installation
from storage.backup.noting import Noted, find_backup
from storage.database.opening import list_database_files
from storage.database.ping import measure_database
from storage.outbox.deliveries import DeliveryState
from storage.overview.stages import UNSENT, WAITING, Stages, read_stages
from storage.series.states import State

_FRESH_SECONDS: Final = 5.0
"""Several scrapers cost no more than one."""
_PATIENCE_SECONDS: Final = 3.0
"""Prometheus waits ten seconds for the whole page by default."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What the tables said: when, by the monotonic clock; nothing where the database did not answer."""

    at: float
    stages: Stages | None
    database_bytes: int = 0
    backup: Noted | None = None


class Gauges:
    """Renders the gauges of an installation; thread-safe.

    The tables are read at most once in five seconds, and waited for at most three: a database that hangs costs its own
    figures, and no other.
    """

    def __init__(
        self,
        installation: Installation,
        *,
        clock: Callable[[], float] = time.monotonic,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._installation = installation
        self._clock = clock
        self._patience = patience_seconds
        self._lock = threading.Lock()
        self._last: _Read | None = None
        self._reader: threading.Thread | None = None

    def render(self) -> bytes:
        """Return the gauges in the text format of Prometheus."""
        registry = CollectorRegistry()
        read = self._read()
        up = Gauge("coronode_database_up", "1 while the database answers, else 0", registry=registry)
        up.set(read is not None and read.stages is not None)
        if read is not None and read.stages is not None:
            _render_series(registry, read.stages, self._installation.clock().timestamp())
            self._render_outbox(registry, read.stages)
            size = Gauge("coronode_database_bytes", "Bytes that the database takes on its disk", registry=registry)
            size.set(read.database_bytes)
            _render_backup(registry, read.backup)
        self._render_disk(registry)
        return generate_latest(registry)

    def _read(self) -> _Read | None:
        """Return what the tables say, or said within the last seconds; None when they do not answer in time."""
        with self._lock:
            if self._is_fresh():
                return self._last
            if self._reader is None or not self._reader.is_alive():  # one that hangs is not joined by a second
                self._reader = threading.Thread(target=self._ask, name="gauges", daemon=True)
                self._reader.start()
            self._reader.join(self._patience)
            return self._last if self._is_fresh() else None

    def _is_fresh(self) -> bool:
        return self._last is not None and self._clock() - self._last.at < _FRESH_SECONDS

    def _ask(self) -> None:
        database = self._installation.database
        try:
            self._last = _Read(self._clock(), read_stages(database), measure_database(database), find_backup(database))
        except (Transient, OSError):  # it is told by coronode_database_up, and logged by whoever needs the database
            self._last = _Read(self._clock(), None)

    def _render_outbox(self, registry: CollectorRegistry, stages: Stages) -> None:
        """Render the outbox: every destination of the configuration, and each other that something waits for."""
        number = Gauge(
            "coronode_outbox_deliveries",
            "Documents that have not reached their destination: pending, sending, dead",
            ["destination", "state"],
            registry=registry,
        )
        age = Gauge(
            "coronode_outbox_oldest_seconds",
            "Age of the oldest pending delivery, 0 without any",
            ["destination"],
            registry=registry,
        )
        for destination in self._installation.settings.results.destinations:
            age.labels(destination).set(0)
            for state in UNSENT:
                number.labels(destination, state).set(0)
        now = self._installation.clock()
        for item in stages.unsent:
            number.labels(item.destination, item.state).set(item.count)
            if item.state is DeliveryState.PENDING:
                age.labels(item.destination).set(max(0.0, (now - item.oldest).total_seconds()))

    def _render_disk(self, registry: CollectorRegistry) -> None:
        free = Gauge("coronode_disk_free_bytes", "Free disk: of objects, of the index", ["holds"], registry=registry)
        total = Gauge("coronode_disk_total_bytes", "Size of the disk", ["holds"], registry=registry)
        reserve = Gauge("coronode_disk_reserve_bytes", "Free disk below which nothing is received", registry=registry)
        settings = self._installation.settings
        reserve.set(settings.node.reserve_mb * MIB)
        files = list_database_files(settings)
        for holds, folder in {"objects": self._installation.files.root, "index": _first_folder(files)}.items():
            if folder is None:
                continue
            try:
                usage = shutil.disk_usage(folder)
            except OSError:  # a disk that does not answer has no figures
                continue
            free.labels(holds).set(usage.free)
            total.labels(holds).set(usage.total)


def _render_series(registry: CollectorRegistry, stages: Stages, now: float) -> None:
    number = Gauge("coronode_series", "Series by state", ["state"], registry=registry)
    for state in State:
        number.labels(state).set(stages.series.get(state, 0))
    age = Gauge(
        "coronode_series_oldest_seconds",
        "How long the oldest series of a state has waited, 0 without any: receiving, complete, scoring",
        ["state"],
        registry=registry,
    )
    for state in WAITING:
        since = stages.waiting_since.get(state)
        age.labels(state).set(0 if since is None else max(0.0, now - since.timestamp()))
    quarantined = Gauge("coronode_quarantine_objects", "Objects in quarantine", registry=registry)
    quarantined.set(stages.quarantined)
    last = Gauge(
        "coronode_last_received_timestamp_seconds",
        "When the last object was received, seconds since 1970; 0 before the first",
        registry=registry,
    )
    last.set(0 if stages.last_received is None else stages.last_received.timestamp())


def _render_backup(registry: CollectorRegistry, noted: Noted | None) -> None:
    last = Gauge(
        "coronode_backup_last_success_timestamp_seconds",
        "From which moment the last whole backup is, seconds since 1970; 0 before the first",
        registry=registry,
    )
    last.set(0 if noted is None else noted.taken_at.timestamp())


def _first_folder(files: list[Path]) -> Path | None:
    return files[0].parent if files else None

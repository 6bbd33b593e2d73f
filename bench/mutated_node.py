"""The node's services on one port, for `bench.mutate`: without scoring and delivery, with a destination for C-MOVE."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete

from bench.conversations import DEAD, SINK
from config.settings import Settings
from dicom.process import configure_process
from dicom.uids import random_uid
from scp import logs
from scp.delivery.commitment import CommitmentAsker
from scp.delivery.retry import Retry
from scp.installation import Installation
from scp.reception.admission import Admission
from scp.reception.server import Server
from scp.services import commitment_reports, verification
from scp.services.commitment import CommitmentScp
from scp.services.commitment_reports import CommitmentReports
from scp.services.mpps import MppsScp
from scp.services.query import QueryScp
from scp.services.rejection_notes import RejectionNotes
from scp.services.retrieve.service import RetrieveScp
from scp.services.storage import StorageScp
from scp.services.storage_rules import StorageRules
from storage.database.announcement_rows import (
    ExpectationRow,
    ExpectedInstanceRow,
    PerformedSeriesRow,
    PerformedStepRow,
    PerformedStudyRow,
)
from storage.database.commitment_rows import CommitmentRow
from storage.database.engine import Database
from storage.objects.files import Files

_STAY_SECONDS = 0.005
_GROWING = (
    CommitmentRow,
    ExpectedInstanceRow,
    ExpectationRow,
    PerformedSeriesRow,
    PerformedStudyRow,
    PerformedStepRow,
)


@dataclass(frozen=True)
class Served:
    """A listening node and its data."""

    port: int
    database: Database
    incoming: tuple[Path, ...]

    def tidy(self) -> None:
        """Forget what grows without end: each stream tells of the same series and study once more.

        Of one AE title a limited number of requests for commitment may be unanswered.
        """
        with self.database.session() as session:
            for rows in _GROWING:
                session.execute(delete(rows))

    def find_faults(self) -> list[str]:
        """Return what is left behind, and damage to the database."""
        left = [f"temporary file {path.name} remains" for folder in self.incoming for path in folder.glob("*/[!.]*")]
        with self.database.reading() as session:
            checked = session.connection().exec_driver_sql("PRAGMA integrity_check").scalar()
        return left + ([] if checked == "ok" else [f"database: {checked}"])


@contextmanager
def serve() -> Iterator[Served]:
    """Serve a node that accepts every caller, and a second one, to which it may move objects."""
    logs.configure("critical", "text")
    configure_process()
    # a peer of these streams either answers at once or never
    commitment_reports._STAY_SECONDS = _STAY_SECONDS  # type: ignore[misc]  # noqa: SLF001
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as unused:
        dead = unused.getsockname()[1]
        unused.close()
        with _start(Path(folder) / "sink", SINK, {}) as (sink, sink_files, _):
            peers = {
                name: {"ae_title": name, "host": "127.0.0.1", "port": port}
                for name, port in ((SINK, sink.port), (DEAD, dead))
            }
            peers["SCANNER"] = {"ae_title": "SCANNER", "host": "127.0.0.1", "commit": True}
            with _start(Path(folder) / "node", "CORONODE", peers) as (server, files, database):
                yield Served(server.port, database, (files.root / "incoming", sink_files.root / "incoming"))


@contextmanager
def _start(
    folder: Path, ae_title: str, peers: dict[str, dict[str, object]]
) -> Iterator[tuple[Server, Files, Database]]:
    node = {"port": 0, "ae_title": ae_title, "accept_unknown_peers": True, "data_dir": folder, "reserve_mb": 0}
    node |= {"acse_timeout": 1, "dimse_timeout": 2, "network_timeout": 4}
    settings = Settings(node=node, peers=peers)
    folder.mkdir()
    database = Database.open(f"sqlite:///{folder}/index.sqlite", durable=False)
    database.migrate()
    files = Files(folder / "objects", durable=False)
    server = _make_server(Installation(settings, database, files))
    server.start()
    try:
        yield server, files, database
    finally:
        server.stop()
        database.close()


def _make_server(installation: Installation) -> Server:
    settings, database, files = installation.settings, installation.database, installation.files
    reports = CommitmentReports(installation, pause=lambda _: timedelta(days=1), announced=_ignore)
    asker = CommitmentAsker(installation, retry=Retry.from_settings(settings.results), make_uid=random_uid)
    notes = RejectionNotes(
        database,
        files,
        reasons=settings.selection.rejection_notes,
        peers=tuple(settings.peers.values()),
        clock=_now,
        touched=_ignore,
    )
    rules = StorageRules(notes=notes)
    storage = StorageScp(database, files, clock=_now, received=lambda _uid, _holder: None, rules=rules)
    services = (
        verification.provide(),
        storage.provide(),
        QueryScp(database, files, settings.node.ae_title).provide(),
        RetrieveScp(database, files, settings.node, settings.peers).provide(),
        CommitmentScp(reports, asker.take).provide(),
        MppsScp(database, clock=_now, make_uid=random_uid, announced=_ignore).provide(),
    )
    return Server(settings.node, Admission.from_settings(settings), services)


def _now() -> datetime:
    return datetime.now(UTC)


def _ignore(series_instance_uid: str) -> None:
    del series_instance_uid

"""What `coronode doctor` checks of disk and database, and what waits there for a person."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import CoronodeError
from scp.cli.finding import Finding, failed, passed

if TYPE_CHECKING:
    from config.settings import Settings
    from storage.database.engine import Database
    from storage.objects.files import Files


def check_storage(settings: Settings) -> Iterator[Finding]:
    """Check disk, database, what waits in it for a person, and who can read all of it; nothing is made or changed."""
    from config.settings import MIB
    from storage.database.opening import connect_database, list_database_files
    from storage.migrations import HEAD
    from storage.series.store import open_store

    if (index := next(iter(list_database_files(settings)), None)) is not None and not index.exists():
        yield _check_place(index.parent)
        return
    try:
        database = connect_database(settings)
        if (revision := database.read_revision()) != HEAD:
            shown = f"are at revision {revision}" if revision else "are not there yet"
            finding = f"its tables {shown}; the node brings them to {HEAD} at its next start, after a backup"
            yield Finding(ok=True, check="database", finding=finding, warning=True)
            database.close()
            return
        files = open_store(settings, database)
        free = files.free_bytes() // MIB
        enough = free > settings.node.reserve_mb
        advice = "" if enough else f", below node.reserve_mb = {settings.node.reserve_mb}: make room, or lower the key"
        yield Finding(ok=enough, check="disk", finding=f"{free} MiB free in {files.root}{advice}")
        yield _check_objects(files)
        yield passed("database", database.engine.url.render_as_string(hide_password=True))
        yield _check_quarantine(database)
        yield _check_work(database)
        yield _check_commitments(database)
        yield _check_pauses(database)
        database.close()
        yield _check_modes(settings)
    except CoronodeError as error:
        yield failed("storage", str(error))


def _check_objects(files: Files) -> Finding:
    try:
        files.check()
    except OSError as error:
        advice = "nothing is taken in until it is there; check storage.blobs_url and [storage.s3]"
        return failed("objects", f"{files.place}: {error.strerror}; {advice}")
    return passed("objects", f"kept in {files.place}")


def _check_modes(settings: Settings) -> Finding:
    from scp.privacy import list_open

    left = list_open(settings)
    if not left:
        return passed("privacy", "data folder, database and objects are closed to other users")
    advice = "the node closes what belongs to its user at each start, the rest needs chmod -R go="
    return failed("privacy", f"other users can read or enter {', '.join(map(str, left))}; {advice}")


def _check_quarantine(database: Database) -> Finding:
    from scp.cli.terminal.contradictions import format_count
    from storage.series.quarantine import count_quarantined, list_quarantined_series

    count = count_quarantined(database)
    if not count:
        return passed("quarantine", "empty")
    entries = list_quarantined_series(database)
    missing = sum(not entry.known for entry in entries)
    finding = f"{format_count(count)} of {len(entries)} series contradict stored ones"
    if missing:
        finding += f"; of {missing} of the series nothing is stored"
    advice = "see coronode quarantine list, then coronode quarantine release or delete"
    return Finding(ok=True, check="quarantine", finding=f"{finding}; {advice}", warning=True)


def _check_work(database: Database) -> Finding:
    from storage.series.states import list_unfinished

    waiting = [item for item in list_unfinished(database) if item.wait_until is not None]
    if not waiting:
        return passed("work", "no series waits after a fault of disk or database")
    finding = (
        f"{len(waiting)} series cannot be scored or reported for now, the oldest because of: {waiting[0].wait_reason}"
    )
    return failed("work", f"{finding}; once that is repaired the node goes on by itself")


def _check_commitments(database: Database) -> Finding:
    from storage.commitments.commitments import CommitmentState, count
    from storage.outbox.deliveries import DeliveryState, count_deliveries

    found = []
    if uncommitted := count_deliveries(database, DeliveryState.UNCOMMITTED):
        plural = "s" if uncommitted > 1 else ""
        found.append(f"{uncommitted} document{plural} not committed: coronode outbox list --state uncommitted")
    if owed := count(database, CommitmentState.DEAD) + count(database, CommitmentState.WAITING):
        plural = "s" if owed > 1 else ""
        found.append(f"{owed} request{plural} of a peer could not be answered: coronode outbox commitments list")
    if not found:
        return passed("commitments", "nothing waits for an operator")
    return Finding(ok=True, check="commitments", finding="; ".join(found), warning=True)


def _check_pauses(database: Database) -> Finding:
    from storage.outbox.pauses import list_pauses

    pauses = list_pauses(database)
    if not pauses:
        return passed("outbox", "no destination is paused")
    names = ", ".join(f"{item.destination} since {item.since:%Y-%m-%d %H:%M} UTC" for item in pauses)
    return Finding(ok=True, check="outbox", finding=f"paused: {names}; coronode outbox resume NAME", warning=True)


def _check_place(folder: Path) -> Finding:
    """Check where the node will make its database."""
    there = next(place for place in (folder, *folder.parents) if place.is_dir())
    if os.access(there, os.W_OK | os.X_OK):
        return passed("database", f"none yet in {folder}; the node makes it at its first start")
    finding = f"none yet in {folder}, and {there} cannot be written by this user; let the node's user write there"
    return failed("database", finding)

"""What is missing, changed or too much after everything has come to rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Final

from pydicom import dcmread

from bench.killing.index import Rows
from bench.killing.objects import Objects
from bench.killing.patients import Patient

_AWAY: Final = ("OperationalError", "config.errors.Transient")


def find_losses(rows: Rows, objects: Objects, patient: Patient, reports: Mapping[str, list[bytes]]) -> Iterator[str]:
    """Yield everything of a patient that is missing, changed or duplicated.

    `reports` are the copies of SRs that the PACS has, by SOP Instance UID.
    """
    series = patient.series_instance_uid
    paths: dict[str, list[str]] = {}
    for uid, path in rows(
        "SELECT i.sop_instance_uid, i.path FROM instances i JOIN series s ON s.id = i.series_id"
        " WHERE s.series_instance_uid = ?",
        series,
    ):
        paths.setdefault(uid, []).append(path)
    for uid in sorted(patient.acknowledged):
        there = paths.get(uid, [])
        content = objects.read(there[0]) if len(there) == 1 else None
        if len(there) != 1:
            yield f"{uid}: acknowledged, {len(there)} times in the index"
        elif content is None:
            yield f"{uid}: acknowledged, its file is missing"
        elif not content.endswith(patient.payload(uid)) or _uid(content) != uid:
            yield f"{uid}: acknowledged, stored with other bytes"
    results = rows("SELECT version, sr_sop_instance_uid FROM results WHERE series_instance_uid = ?", series)
    states = rows("SELECT state, version FROM series WHERE series_instance_uid = ?", series)
    if list(map(tuple, states)) != [("delivered", 1)]:
        yield f"{series}: state and version are {states}, expected delivered, 1"
    if len(reports) != 1 or [uid for _, uid in results] != list(reports):
        yield f"{series}: the PACS has {sorted(reports)}, the index {results}"
    yield from (f"{uid}: sent again with other bytes" for uid, copies in reports.items() if len(set(copies)) > 1)


def find_surplus(rows: Rows, objects: Objects) -> Iterator[str]:
    """Yield files without a row, rows without a file, and half-written files; nothing is being received."""
    indexed = {path for (path,) in rows("SELECT path FROM instances")}
    kept = {path for (path,) in rows("SELECT path FROM quarantine")}
    there = objects.list_names()
    wanted = {path for path in indexed | kept if path.startswith(("instances/", "quarantine/"))}
    yield from (f"{path}: a file without a row" for path in sorted(there - indexed - kept))
    yield from (f"{path}: a row without a file" for path in sorted(wanted - there))
    yield from find_half_written(objects)


def find_half_written(objects: Objects) -> Iterator[str]:
    """Yield files that a process has left half-written."""
    yield from (f"half-written file {path.name}" for path in objects.list_half_written())


def find_claims(rows: Rows) -> Iterator[str]:
    """Yield work that is still claimed, or waits, although everything has been done and every node has stopped."""
    for state, count in rows("SELECT state, count(*) FROM deliveries GROUP BY state"):
        if state != "delivered":
            yield f"{count} deliveries are {state}"
    doubled = rows(
        "SELECT series_instance_uid, version, destination, count(*) FROM deliveries"
        " GROUP BY series_instance_uid, version, destination HAVING count(*) > 1"
    )
    yield from (f"{series} version {version}: {count} deliveries to {to}" for series, version, to, count in doubled)


def find_members_left(rows: Rows) -> Iterator[str]:
    """Yield what members of a group have left behind although all of them have stopped."""
    for table in ("members", "duties", "open_associations"):
        if count := rows(f"SELECT count(*) FROM {table}")[0][0]:  # noqa: S608  # one of three names
            yield f"{count} rows left in {table}"


def find_tracebacks(log: str) -> Iterator[str]:
    """Yield the tracebacks in a log that do not come from a database that was away."""
    for line in log.splitlines():
        if "Traceback" in line and not any(word in line for word in _AWAY):
            yield f"a traceback in the log: {line[-300:]}"


def _uid(content: bytes) -> str:
    return str(dcmread(BytesIO(content), stop_before_pixels=True).SOPInstanceUID)

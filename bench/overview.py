"""Lists of the pages: measured over many series, or varied ones to look at.

    python bench/overview.py fill FOLDER --series 200
    python bench/overview.py time FOLDER --series 100000 --instances 10 --out overview.md

`fill` makes a data folder for `coronode serve`, with every state, long names, names of other scripts, markup where text
belongs, and missing dates. `time` measures each list over such a folder and prints how the database reads it.
"""
# ruff: noqa: PLR2004  # the shares of what is varied are named by what they make

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Table, event, insert

from dicom.text import fold
from scp.web.overview.query import PAGE_SIZE, Query
from storage.database.engine import Database
from storage.database.models import AuditRow, DeliveryRow, InstanceRow, QuarantineRow, ResultRow, SeriesRow, StudyRow
from storage.overview import errands, listing, marks

ROOT: Final = "1.2.826.0.1.3680043.10.9999"
NAMES: Final = (
    "Mustermann^Max",
    "Doe^Jane^^Dr.",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "כהן^דוד",
    "العربي^محمد",
    "<script>alert(1)</script>^\"onmouseover='x'",
    "von der Hohenlohe-Langenburg-Schillingsfürst^Maximiliane Friederike Wilhelmine Charlotte",
    "O'Brien^Seán",
    "Ångström^Åsa",
    "",
    "Test^{{ 7*7 }}",
    "Nguyễn^Thị Minh Khai",
)
DESCRIPTIONS: Final = (
    "CaSc 3.0 Br36 S3",
    "CT Calcium Score 3.0 Qr36 70%",
    "",
    "<img src=x onerror=alert(1)>",
    "心臓 3mm",
)
REASONS: Final = (
    ("thickness", {"variant": "thick", "thickness_mm": 7.5, "limit_mm": 5.0}, "7.5 mm slices: thicker than 5 mm"),
    ("contrast", {"variant": "blood", "blood_hu": 310.0}, "The blood measures 310 HU"),
    ("localizer", {}, "A localizer, not an axial series"),
    ("crashed", {"ending": "exit code -9"}, "The scoring process ended: exit code -9"),
    ("rejected_by_note", {"variant": "quality", "by": "PACS", "count": 40}, "PACS rejected the images"),
)
STATES: Final = ("delivered",) * 10 + (
    "receiving",
    "complete",
    "scoring",
    "scored",
    "scored",
    "not_scorable",
    "not_scorable",
    "undeliverable",
    "kept",
)
_BATCH: Final = 5000


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("fill", "time"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--instances", type=int, default=0, help="rows of objects for each series")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    database = _open(given.folder, given.series, given.instances)
    if given.what == "time":
        lines = list(_measure(database, given.rounds))
        print("\n".join(lines))
        if given.out:
            given.out.write_text("\n".join(lines) + "\n", "utf-8")
    database.close()


def _open(folder: Path, count: int, instances: int) -> Database:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "coronode.sqlite"
    is_new = not file.exists()
    database = Database.open(f"sqlite:///{file}", durable=False)
    database.migrate()
    (folder / "objects" / "instances").mkdir(parents=True, exist_ok=True)
    (folder / "instances").mkdir(exist_ok=True)
    if is_new:
        _fill(database, count, instances)
    return database


def _fill(database: Database, count: int, instances: int) -> None:
    chance = random.Random(1)  # noqa: S311  # the same rows each time
    now = datetime.now(UTC)
    for first in range(0, count, _BATCH):
        rows: dict[type, list[dict[str, Any]]] = {}
        for number in range(first, min(first + _BATCH, count)):
            for kind, row in _make_rows(number, count, instances, now, chance):
                rows.setdefault(kind, []).append(row)
        with database.session() as session:
            for kind, many in rows.items():
                session.execute(insert(kind), many)


def _make_rows(
    number: int, count: int, instances: int, now: datetime, chance: random.Random
) -> Iterator[tuple[type, dict[str, Any]]]:
    received = now - timedelta(seconds=(count - number) * 900)
    study = number // 2
    state = "delivered" if number == 0 else chance.choice(STATES)
    study_uid, series_uid = f"{ROOT}.{study}", f"{ROOT}.{study}.{number}"
    if number % 20 == 7:
        series_uid = f"{series_uid}.".ljust(64, "7")
    if number % 2 == 0:
        yield StudyRow, _make_study(study, study_uid, received, chance)
    score = (
        None if state not in ("delivered", "scored", "undeliverable") else chance.choice((0.0, 0.4, 57.3, 184, 942.7))
    )
    series = _blank(SeriesRow) | {
        "id": number + 1,
        "study_id": study + 1,
        "series_instance_uid": series_uid,
        "modality": "SR" if state == "kept" else "CT",
        "series_number": str(number % 9 + 1),
        "series_description": chance.choice(DESCRIPTIONS),
        "manufacturer": "Siemens Healthineers",
        "manufacturer_model_name": "NAEOTOM Alpha",
        "origin": "received",
        "state": state,
        "version": 0 if state == "receiving" else 1,
        "instance_count": 40,
        "calling_ae": chance.choice(("CT1", "CT2", "PACS", "LONGEST_AE_TITLE")),
        "first_received_at": received - timedelta(seconds=30),
        "last_received_at": received,
        "completed_at": None if state == "receiving" else received + timedelta(seconds=60),
        "updated_at": received + timedelta(seconds=90),
        "agatston": score,
        "category": "" if score is None else _categorise(score),
        "wants_review": score is not None and chance.random() < 0.2,
        "reader": "Dr. Meier" if score is not None and chance.random() < 0.3 else "",
    }
    if state == "not_scorable":
        code, values, words = chance.choice(REASONS)
        series |= {"reason_code": code, "reason_values": json.dumps(values), "reason": words}
    elif state == "kept":
        series |= {"reason_code": "kept", "reason": "modality SR"}
    elif state == "receiving" and chance.random() < 0.7:
        series |= {"wait_until": now + timedelta(minutes=12), "wait_reason": "3 slices missing inside the series"}
    yield SeriesRow, series
    yield from _make_companions(number, series, received, instances, chance)


def _make_study(number: int, uid: str, received: datetime, chance: random.Random) -> dict[str, Any]:
    name = NAMES[number % len(NAMES)]
    if number >= len(NAMES) and name and "=" not in name:
        name = f"{name} {number}"
    return _blank(StudyRow) | {
        "id": number + 1,
        "study_instance_uid": uid,
        "patient_id": "" if number % 17 == 5 else f"PID{number:07}",
        "patient_name": name,
        "patient_name_folded": fold(name),
        "patient_birth_date": "" if number % 5 == 1 else f"19{30 + number % 50}0{number % 9 + 1}17",
        "patient_sex": chance.choice("MFO"),
        "study_date": "" if number % 13 == 3 else f"{received:%Y%m%d}",
        "study_time": f"{received:%H%M%S}",
        "accession_number": "" if number % 11 == 4 else f"A{number:08}",
        "study_description": "CT Herz nativ",
    }


def _make_companions(
    number: int, series: dict[str, Any], received: datetime, instances: int, chance: random.Random
) -> Iterator[tuple[type, dict[str, Any]]]:
    uid = series["series_instance_uid"]
    for kind in ("complete", series["state"]):
        yield (
            AuditRow,
            _blank(AuditRow) | {"at": received, "kind": kind, "series_instance_uid": uid, "text": "version 1"},
        )
    if series["agatston"] is not None:
        yield (
            ResultRow,
            _blank(ResultRow) | {"series_instance_uid": uid, "version": 1, "status": "scored", "created_at": received},
        )
        states = {"delivered": "delivered", "scored": "pending", "undeliverable": "dead"}
        for kind in ("sr", "overlay"):
            yield DeliveryRow, _make_delivery(number, uid, kind, states[series["state"]], received, chance)
    if number % 60 == 11:
        yield (
            QuarantineRow,
            _blank(QuarantineRow)
            | {
                "sop_instance_uid": f"{uid[:50]}.9",
                "series_instance_uid": uid,
                "study_instance_uid": f"{ROOT}.{number // 2}",
                "path": f"quarantine/{number}",
                "size": 1,
                "sha256": str(number),
                "reason_code": chance.choice(("other_bytes", "repeated_uid", "other_series")),
                "calling_ae": "CT1",
                "received_at": received,
            },
        )
    for image in range(instances):
        yield (
            InstanceRow,
            _blank(InstanceRow)
            | {
                "series_id": number + 1,
                "sop_instance_uid": f"{uid[:54]}.{number}.{image}",
                "size": 1,
                "received_at": received,
            },
        )


def _make_delivery(
    number: int, uid: str, kind: str, state: str, received: datetime, chance: random.Random
) -> dict[str, Any]:
    failing = state == "dead" or (state == "pending" and chance.random() < 0.6)
    return _blank(DeliveryRow) | {
        "series_instance_uid": uid,
        "version": 1,
        "sop_instance_uid": f"{ROOT}.8.{number}.{kind == 'sr':d}",
        "kind": kind,
        "path": "p",
        "destination": chance.choice(("PACS", "RIS")),
        "state": state,
        "attempts": 12 if failing else 0,
        "next_attempt_at": received + timedelta(minutes=30),
        "last_error": "PACS at 10.1.2.3:104: connection refused" if failing else "",
        "created_at": received,
        "updated_at": received,
        "commit_attempts": 0,
        "commit_requests": 0,
    }


def _blank(kind: Any) -> dict[str, Any]:
    """Return empty values for the columns that have no default."""
    table: Table = kind.__table__
    return {
        column.name: None if column.nullable else ""
        for column in table.columns
        if column.name != "id" and column.server_default is None
    }


def _categorise(score: float) -> str:
    return "0" if score == 0 else "1-100" if score <= 100 else "101-400" if score <= 400 else ">400"


def _measure(database: Database, rounds: int) -> Iterator[str]:
    lists = {
        "first page": {},
        "page 200": {"page": "200"},
        "not scorable": {"state": "not_scorable"},
        "over 400": {"category": ">400"},
        "one sender": {"sender": "CT2"},
        "sorted by score": {"sort": "-score"},
        "sorted by patient": {"sort": "patient"},
        "sorted by study": {"sort": "-study"},
        "study days": {"date_from": "2025-01-01", "date_to": "2025-01-31"},
        "a name": {"q": "mustermann 123"},
        "an accession number": {"q": "A00000042"},
        "nothing": {"q": "xyzzy"},
    }
    yield "| list | ms rows | ms count | read by |"
    yield "| --- | --- | --- | --- |"
    for name, fields in lists.items():
        query = Query.parse(fields)
        rows = _time(lambda query=query: _list(database, query), rounds)
        count = _time(lambda query=query: listing.count_series(database, query.to_selection()), rounds)
        yield f"| {name} | {rows:.1f} | {count:.1f} | {_explain(database, query)} |"
    for name, action in {
        "states": lambda: listing.count_states(database),
        "senders": lambda: listing.list_senders(database),
        "marks": lambda: marks.read_marks(database),
        "destinations": lambda: errands.list_lines(database),
    }.items():
        yield f"| {name} | {_time(action, rounds):.1f} | | |"


def _list(database: Database, query: Query) -> object:
    return listing.list_series(
        database,
        query.to_selection(),
        order=query.sort,
        descending=query.descending,
        limit=PAGE_SIZE,
        offset=query.offset,
    )


def _time(action: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


def _explain(database: Database, query: Query) -> str:
    statements: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        statements.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        _list(database, query)
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    statement, parameters = statements[-1]
    with database.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "; ".join(str(row[-1]) for row in plan)


if __name__ == "__main__":
    main()

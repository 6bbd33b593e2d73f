"""What was received, as events: how many objects of a series came from whom, read from the index.

Receiving itself writes no event, which would cost it a row for each object.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from pydicom.uid import UID
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.auditing import readers
from storage.database import audit
from storage.database.engine import Database
from storage.database.models import InstanceRow, SeriesRow

KIND: Final = "received"
SETTLED: Final = timedelta(seconds=60)
"""Objects are recorded so long after they came: by then no transaction enters an earlier one."""

_NAME: Final = "arrivals"
_AT_ONCE: Final = 5000


def record_arrivals(db: Database, now: datetime) -> int:
    """Record objects that came since the last time, at most five thousand, and return their number.

    A database of an earlier version begins with what comes from now on.
    """
    newest = _find_newest(db)
    if readers.find_position(db, _NAME) == newest:  # an idle node writes nothing
        return 0
    with db.session() as session:
        reader = readers.lock(session, _NAME, now, first=newest)
        # numbers of deleted objects are given once more
        reader.position = min(reader.position, newest)
        rows = session.execute(
            select(
                InstanceRow.id,
                InstanceRow.sop_class_uid,
                InstanceRow.calling_ae,
                InstanceRow.received_at,
                SeriesRow.series_instance_uid,
                SeriesRow.origin,
            )
            .join(SeriesRow, SeriesRow.id == InstanceRow.series_id)
            .where(InstanceRow.id > reader.position)
            .order_by(InstanceRow.id)
            .limit(_AT_ONCE)
        ).all()
        counts: dict[tuple[str, str], Counter[str]] = {}
        last: dict[tuple[str, str], datetime] = {}
        for row in rows:
            # a time that lies ahead is of a clock that has been set back since
            if timedelta() <= now - row.received_at < SETTLED:
                break
            reader.position = row.id
            if row.origin == "received":
                key = row.series_instance_uid, row.calling_ae
                counts.setdefault(key, Counter())[row.sop_class_uid] += 1
                last[key] = min(row.received_at, now)
        for key, classes in counts.items():
            _record(session, last[key], *key, classes)
        reader.updated_at = now
        return sum(sum(classes.values()) for classes in counts.values())


def _find_newest(db: Database) -> int:
    with db.reading() as session:
        return session.scalar(select(func.max(InstanceRow.id))) or 0


def _record(session: Session, at: datetime, series_instance_uid: str, calling_ae: str, classes: Counter[str]) -> None:
    words = ", ".join(f"{count} {UID(sop_class_uid).name}" for sop_class_uid, count in sorted(classes.items()))
    audit.record(session, at, KIND, words, series_instance_uid=series_instance_uid, peer_ae=calling_ae)

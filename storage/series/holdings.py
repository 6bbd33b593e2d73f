"""Which objects of a series are here, whatever has become of them."""

from __future__ import annotations

from sqlalchemy import select

from storage.database.engine import Database
from storage.database.models import InstanceRow, QuarantineRow, SeriesRow


def list_held(db: Database, series_instance_uid: str) -> dict[str, int]:
    """List the objects of a series by SOP Instance UID, with their size in bytes.

    Those in quarantine count: they have come, and would go there again. Raises Transient.
    """
    stored = (
        select(InstanceRow.sop_instance_uid, InstanceRow.size)
        .join(SeriesRow)
        .where(SeriesRow.series_instance_uid == series_instance_uid)
    )
    aside = select(QuarantineRow.sop_instance_uid, QuarantineRow.size).where(
        QuarantineRow.series_instance_uid == series_instance_uid
    )
    with db.reading() as session:
        rows = [*session.execute(aside), *session.execute(stored)]
    return {row.sop_instance_uid: row.size for row in rows}

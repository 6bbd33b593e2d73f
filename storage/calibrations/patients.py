"""Which series are of one patient, told without naming anybody."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Final

from sqlalchemy import select

from storage.database.engine import Database
from storage.database.models import SeriesRow, StudyRow

_AT_ONCE: Final = 500


def identify(db: Database, series_instance_uids: Collection[str]) -> dict[str, str]:
    """Return a digest of the patient of each series that is here: equal for one patient, else of the study."""
    wanted = sorted(set(series_instance_uids))
    found = {}
    with db.reading() as session:
        for first in range(0, len(wanted), _AT_ONCE):
            query = (
                select(
                    SeriesRow.series_instance_uid,
                    StudyRow.patient_id,
                    StudyRow.issuer_of_patient_id,
                    StudyRow.study_instance_uid,
                )
                .join(StudyRow, SeriesRow.study_id == StudyRow.id)
                .where(SeriesRow.series_instance_uid.in_(wanted[first : first + _AT_ONCE]))
            )
            for uid, patient_id, issuer, study in session.execute(query):
                known = f"patient\0{issuer}\0{patient_id}" if patient_id else f"study\0{study}"
                found[uid] = hashlib.sha256(known.encode()).hexdigest()
    return found

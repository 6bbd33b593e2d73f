"""Sealed events in the order of the chain, with what an audit message says of their study."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from storage.database.audit import Event, to_event
from storage.database.auditing_rows import AuditLinkRow
from storage.database.engine import Database
from storage.database.models import AuditRow, SeriesRow, StudyRow


@dataclass(frozen=True, slots=True)
class Entry:
    """An event and its link; the study of its series, and the patient's ID with its issuer, "" where there is none."""

    position: int
    digest: str
    event: Event
    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str


def list_entries(db: Database, *, after: int, limit: int) -> list[Entry]:
    """List the entries that follow a position."""
    query = (
        select(
            AuditLinkRow.position,
            AuditLinkRow.digest,
            AuditRow,
            StudyRow.study_instance_uid,
            StudyRow.patient_id,
            StudyRow.issuer_of_patient_id,
        )
        .join(AuditRow, AuditRow.id == AuditLinkRow.audit_id)
        .outerjoin(SeriesRow, SeriesRow.series_instance_uid == AuditRow.series_instance_uid)
        .outerjoin(StudyRow, StudyRow.id == SeriesRow.study_id)
        .where(AuditLinkRow.position > after)
        .order_by(AuditLinkRow.position)
        .limit(limit)
    )
    with db.reading() as session:
        return [
            Entry(position, digest, to_event(row), *(value or "" for value in (study, patient, issuer)))
            for position, digest, row, study, patient, issuer in session.execute(query)
        ]

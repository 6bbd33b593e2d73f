"""The row of a series, and that of its study, opened by the first object of it."""

from __future__ import annotations

from collections.abc import Mapping

from pydicom.uid import UID
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from storage.database.models import SeriesRow, StudyRow
from storage.intake.arrivals import Arrival
from storage.series import removals
from storage.series.states import State


def open_series(session: Session, arrival: Arrival) -> int:
    """Add a series, and its study where that is new, from its first object, and return its row's ID."""
    header = arrival.header
    study_id = session.scalar(select(StudyRow.id).where(StudyRow.study_instance_uid == header.study_instance_uid))
    if study_id is None:
        study_id = session.execute(insert(StudyRow).values(**header.study).returning(StudyRow.id)).scalar_one()
    else:
        fill_study(session, study_id, header.study)
    if arrival.origin == "made":
        reason = "made here"
    elif header.is_ct_image:
        reason = ""
    elif header.modality in ("CT", ""):
        reason = f"not a CT image: {UID(header.sop_class_uid).name}"
    else:
        reason = f"modality {header.modality}"
    query = insert(SeriesRow).values(
        **header.series,
        deleted_count=removals.count(session, header.series_instance_uid),
        study_id=study_id,
        origin=arrival.origin,
        state=State.KEPT if reason else State.RECEIVING,
        version=0,
        reason_code="kept" if reason else "",
        reason=reason,
        wait_until=None,
        wait_reason="",
        flags="",
        instance_count=0,
        calling_ae=arrival.calling_ae,
        first_received_at=arrival.now,
        last_received_at=arrival.now,
        completed_at=None,
        updated_at=arrival.now,
    )
    return session.execute(query.returning(SeriesRow.id)).scalar_one()


def fill_study(session: Session, study_id: int, values: Mapping[str, str]) -> None:
    """Fill in attributes that earlier objects left empty; values from the first object stay."""
    row = session.get_one(StudyRow, study_id)
    for column, value in values.items():
        if value and not getattr(row, column):
            setattr(row, column, value)

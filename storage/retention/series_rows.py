"""Every row of a series, in whichever table: what `results` and a patient's deletion take with them."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from storage.database.announcement_rows import ExpectationRow, ExpectedInstanceRow, PerformedSeriesRow
from storage.database.lifecycle_rows import DocumentRow, RejectionRow
from storage.database.models import DeliveryRow, InstanceRow, ResultRow, SeriesRow, StudyRow
from storage.database.review_rows import ReviewEditRow, ReviewRow
from storage.database.source_rows import SourceCountRow
from storage.database.validation_rows import ReadingRow

_BY_UID = (ResultRow, DeliveryRow, DocumentRow, ReadingRow, SourceCountRow, PerformedSeriesRow)


def list_document_series(session: Session, series_instance_uid: str) -> list[int]:
    """List the series (IDs of their rows) of the documents that were made of a series."""
    documents = select(DocumentRow.sop_instance_uid).where(DocumentRow.series_instance_uid == series_instance_uid)
    made = select(InstanceRow.series_id).where(InstanceRow.sop_instance_uid.in_(documents)).distinct()
    return list(session.scalars(made))


def delete_objects(session: Session, series_id: int) -> None:
    """Delete the rows of all objects of a series (ID of its row); their files are noted before."""
    session.execute(delete(InstanceRow).where(InstanceRow.series_id == series_id))


def delete_result(session: Session, series_instance_uid: str, *, with_rejections: bool = False) -> None:
    """Delete results, reviews, readings, deliveries and announcements of a series.

    With `with_rejections` also what rejection notes say of its objects, which else stay out if they come again.
    """
    reviews = select(ReviewRow.id).where(ReviewRow.series_instance_uid == series_instance_uid)
    session.execute(delete(ReviewEditRow).where(ReviewEditRow.review_id.in_(reviews)))
    session.execute(delete(ReviewRow).where(ReviewRow.series_instance_uid == series_instance_uid))
    expected = select(ExpectationRow.id).where(ExpectationRow.series_instance_uid == series_instance_uid)
    session.execute(delete(ExpectedInstanceRow).where(ExpectedInstanceRow.expectation_id.in_(expected)))
    session.execute(delete(ExpectationRow).where(ExpectationRow.series_instance_uid == series_instance_uid))
    for table in (*_BY_UID, *((RejectionRow,) if with_rejections else ())):
        session.execute(delete(table).where(table.series_instance_uid == series_instance_uid))


def delete_series(session: Session, series_id: int) -> None:
    """Delete the row of a series without objects, and its study when it was the last of it."""
    study_id = session.scalars(delete(SeriesRow).where(SeriesRow.id == series_id).returning(SeriesRow.study_id)).one()
    left = session.scalar(select(func.count()).select_from(SeriesRow).where(SeriesRow.study_id == study_id))
    if not left:
        session.execute(delete(StudyRow).where(StudyRow.id == study_id))

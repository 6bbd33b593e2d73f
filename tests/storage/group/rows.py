"""A series in the index that has been scored, without its objects."""

from __future__ import annotations

from sqlalchemy import insert

from storage.database.engine import Database
from storage.database.models import SeriesRow, StudyRow
from tests.storage.conftest import START


def add_series(db: Database, series_instance_uid: str, state: str = "scored") -> None:
    """Add a series of a study of its own."""
    texts = {column.name: "" for column in StudyRow.__table__.columns if column.name != "id"}
    with db.session() as session:
        study = session.execute(
            insert(StudyRow).values(texts | {"study_instance_uid": series_instance_uid + ".0"}).returning(StudyRow.id)
        ).scalar_one()
        required = {
            column.name: ""
            for column in SeriesRow.__table__.columns
            if column.name != "id" and not column.nullable and column.server_default is None
        }
        session.execute(
            insert(SeriesRow).values(
                required
                | {
                    "study_id": study,
                    "series_instance_uid": series_instance_uid,
                    "state": state,
                    "version": 1,
                    "instance_count": 0,
                    "first_received_at": START,
                    "last_received_at": START,
                    "updated_at": START,
                }
            )
        )

"""The series that released objects belong to: opened, or moved to their study, with their attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from config.errors import Permanent
from storage.database.models import InstanceRow, SeriesRow, StudyRow
from storage.intake.arrivals import Arrival
from storage.intake.opening import open_series
from storage.objects.header import InstanceHeader


def place_series(session: Session, arrivals: Sequence[Arrival]) -> int:
    """Return the row ID of the series of these objects; study and series take over their attributes.

    A series that is known in another study is moved to theirs. Raises Permanent when it has objects without a
    counterpart among them, because the objects of a series belong to one study (PS3.3 7.3.1, figure 7-2a).
    """
    # a series with images is described by one of them, not by what accompanies them
    first = next((arrival for arrival in arrivals if arrival.header.is_ct_image), arrivals[0])
    header = first.header
    known = session.execute(
        select(SeriesRow.id, SeriesRow.study_id, StudyRow.study_instance_uid)
        .join(StudyRow)
        .where(SeriesRow.series_instance_uid == header.series_instance_uid)
        .with_for_update(of=SeriesRow)
    ).one_or_none()
    if known is None:
        return open_series(session, first)
    study_id: int = known.study_id
    if known.study_instance_uid != header.study_instance_uid:
        _check_whole(session, known.id, arrivals)
        study_id = _move(session, known.id, known.study_id, header)
    session.execute(update(StudyRow).where(StudyRow.id == study_id).values(_filled(header.study)))
    session.execute(update(SeriesRow).where(SeriesRow.id == known.id).values(_filled(header.series)))
    return int(known.id)


def _check_whole(session: Session, series_id: int, arrivals: Sequence[Arrival]) -> None:
    held = set(session.scalars(select(InstanceRow.sop_instance_uid).where(InstanceRow.series_id == series_id)))
    left = len(held - {arrival.header.sop_instance_uid for arrival in arrivals})
    if left:
        raise Permanent(
            f"series {arrivals[0].header.series_instance_uid} is known in another study, and {left} of its {len(held)} "
            "objects there have no counterpart among those to be released: a series cannot belong to two studies"
        )


def _move(session: Session, series_id: int, before: int, header: InstanceHeader) -> int:
    """Move a series to the study of `header`; a study without a series is removed. Returns the study's row ID."""
    study_id = session.scalar(select(StudyRow.id).where(StudyRow.study_instance_uid == header.study_instance_uid))
    if study_id is None:
        study_id = session.execute(insert(StudyRow).values(**header.study).returning(StudyRow.id)).scalar_one()
    session.execute(update(SeriesRow).where(SeriesRow.id == series_id).values(study_id=study_id))
    if not session.scalar(select(func.count()).select_from(SeriesRow).where(SeriesRow.study_id == before)):
        session.delete(session.get_one(StudyRow, before))
    return int(study_id)


def _filled(values: Mapping[str, str]) -> dict[str, str]:
    return {column: value for column, value in values.items() if value}

"""Putting an object aside that contradicts one that was stored before: the first stays, nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from storage.database import audit
from storage.database.models import InstanceRow, QuarantineRow, SeriesRow, StudyRow
from storage.intake.arrivals import Arrival
from storage.objects.files import Files
from storage.series import removals
from storage.series.quarantine import Contradiction


@dataclass(frozen=True, slots=True)
class Holder:
    """The object that holds a SOP Instance UID; `size` is that of its file, which names its sender."""

    id: int
    sha256: str
    path: str
    size: int
    transfer_syntax_uid: str
    image_position_patient: str
    instance_number: str
    series_instance_uid: str
    study_instance_uid: str
    origin: str


def find_holder(session: Session, sop_instance_uid: str) -> Holder | None:
    """Find the object that holds a SOP Instance UID; None when the UID is new."""
    row = session.execute(
        select(
            InstanceRow.id,
            InstanceRow.sha256,
            InstanceRow.path,
            InstanceRow.size,
            InstanceRow.transfer_syntax_uid,
            InstanceRow.image_position_patient,
            InstanceRow.instance_number,
            SeriesRow.series_instance_uid,
            StudyRow.study_instance_uid,
            SeriesRow.origin,
        )
        .join(SeriesRow, InstanceRow.series_id == SeriesRow.id)
        .join(StudyRow, SeriesRow.study_id == StudyRow.id)
        .where(InstanceRow.sop_instance_uid == sop_instance_uid)
    ).one_or_none()
    return None if row is None else Holder(*tuple(row))


def compare(holder: Holder, arrival: Arrival) -> Contradiction:
    """Say how an arrival with other bytes contradicts the object that holds its UID."""
    header = arrival.header
    if holder.series_instance_uid != header.series_instance_uid:
        return Contradiction.OTHER_SERIES
    if holder.study_instance_uid != header.study_instance_uid:
        return Contradiction.OTHER_STUDY
    if _is_another_image(holder, header.image):
        return Contradiction.REPEATED_UID
    if holder.transfer_syntax_uid != header.transfer_syntax_uid:
        return Contradiction.OTHER_ENCODING
    return Contradiction.OTHER_BYTES


def put_aside(session: Session, files: Files, arrival: Arrival, reason: Contradiction) -> str:
    """Move an arrival's file into quarantine and note why; repeating it is harmless. Returns its new name."""
    header, stored = arrival.header, arrival.stored
    path = files.quarantine(stored.path)
    removals.reclaim(session, files, path)
    known = session.scalar(
        select(QuarantineRow.id).where(
            QuarantineRow.sop_instance_uid == header.sop_instance_uid, QuarantineRow.sha256 == stored.sha256
        )
    )
    if known is None:
        session.execute(
            insert(QuarantineRow).values(
                sop_instance_uid=header.sop_instance_uid,
                series_instance_uid=header.series_instance_uid,
                study_instance_uid=header.study_instance_uid,
                path=path,
                size=stored.size,
                sha256=stored.sha256,
                reason_code=reason,
                calling_ae=arrival.calling_ae,
                received_at=arrival.now,
            )
        )
        audit.record(
            session,
            arrival.now,
            "quarantined",
            reason,
            series_instance_uid=header.series_instance_uid,
            sop_instance_uid=header.sop_instance_uid,
            peer_ae=arrival.calling_ae,
        )
    return path


def _is_another_image(holder: Holder, image: Mapping[str, str]) -> bool:
    """Compare the positions in the patient; the instance numbers where one of them has no position.

    A correction or another encoding keeps the place; an archive may write its numbers in another form.
    """
    places = _read_place(holder.image_position_patient), _read_place(image["image_position_patient"])
    if not all(places):
        places = _read_place(holder.instance_number), _read_place(image["instance_number"])
    return places[0] != places[1]


def _read_place(text: str) -> tuple[float | str, ...]:
    try:
        return tuple(round(float(part), 2) for part in text.split("\\"))
    except ValueError:
        return (text,) if text else ()

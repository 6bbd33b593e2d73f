"""The outbox as a list: deliveries with the patients of their series."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, func, select

from storage.database.engine import Database
from storage.database.models import DeliveryRow, SeriesRow, StudyRow
from storage.outbox.deliveries import Delivery, DeliveryState, to_delivery

MOST_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Sending:
    """A delivery, and the name and study date of the patient, as DICOM writes them."""

    delivery: Delivery
    patient_name: str
    study_date: str


def list_sendings(
    db: Database, states: Collection[DeliveryState], destination: str = "", *, limit: int = 50, offset: int = 0
) -> list[Sending]:
    """List deliveries in these states, newest first, to one destination if asked."""
    page = select(DeliveryRow.id).where(*_list_conditions(states, destination)).order_by(DeliveryRow.id.desc())
    chosen = page.limit(limit).offset(offset).subquery()
    query = (
        select(DeliveryRow, StudyRow.patient_name, StudyRow.study_date)
        .join(chosen, chosen.c.id == DeliveryRow.id)
        .outerjoin(SeriesRow, SeriesRow.series_instance_uid == DeliveryRow.series_instance_uid)
        .outerjoin(StudyRow, StudyRow.id == SeriesRow.study_id)
        .order_by(DeliveryRow.id.desc())
    )
    with db.reading() as session:
        return [Sending(to_delivery(row), name or "", day or "") for row, name, day in session.execute(query)]


def count_sendings(db: Database, states: Collection[DeliveryState], destination: str = "") -> int:
    """Count what `list_sendings` lists, up to `MOST_COUNTED` and one more."""
    found = select(DeliveryRow.id).where(*_list_conditions(states, destination)).limit(MOST_COUNTED + 1)
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def list_numbers(db: Database, state: DeliveryState, destination: str, *, limit: int) -> list[int]:
    """List the numbers of the oldest deliveries in a state to a destination."""
    query = select(DeliveryRow.id).where(*_list_conditions((state,), destination)).order_by(DeliveryRow.id)
    with db.reading() as session:
        return list(session.scalars(query.limit(limit)))


def _list_conditions(states: Collection[DeliveryState], destination: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [DeliveryRow.state.in_(states)]
    if destination:
        found.append(DeliveryRow.destination == destination)
    return found

"""Images of a series that is no longer being received, or was not a scan so far."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from storage.database import audit
from storage.database.models import SeriesRow
from storage.intake.arrivals import Arrival
from storage.series import lifecycle
from storage.series.states import REPORTED


def take_late(session: Session, arrival: Arrival, state: str, *, has_lost: bool) -> bool:
    """Return a series to receiving for a late slice, and return whether it was.

    One that has a result and `has_lost` its images since keeps that result: a part of it, or the same again, would
    replace it by less. `coronode series rescore` scores it when all of it is here.
    """
    if has_lost and state in REPORTED:
        note_arrival(session, arrival, "returned", "its images had been deleted: the result stays")
        return False
    lifecycle.return_to_receiving(session, arrival.header.series_instance_uid, arrival.now)
    note_arrival(session, arrival, "late-slice", f"the series was {state}")
    return True


def begin_scan(session: Session, series_id: int, arrival: Arrival) -> None:
    """Turn a series whose objects so far only accompany a scan into that scan, described by its first image."""
    session.execute(update(SeriesRow).where(SeriesRow.id == series_id).values(**arrival.header.series))
    lifecycle.return_to_receiving(session, arrival.header.series_instance_uid, arrival.now)


def note_arrival(session: Session, arrival: Arrival, kind: str, text: str) -> None:
    """Note in the audit log what an arrival did to its series."""
    audit.record(
        session,
        arrival.now,
        kind,
        text,
        series_instance_uid=arrival.header.series_instance_uid,
        sop_instance_uid=arrival.header.sop_instance_uid,
        peer_ae=arrival.calling_ae,
    )

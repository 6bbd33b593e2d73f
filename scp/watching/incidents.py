"""What needs a person, by the tables, the disk and the certificates: a pure function of what was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from config.alerts import AlertSettings
from storage.outbox.alerts import Incident
from storage.outbox.deliveries import DeliveryState
from storage.overview.stages import Stages
from storage.series.states import State

CERTIFICATE_ENDS_WITHIN: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Sight:
    """What was read: stages, free and reserved bytes of the disk, the end of each file of certificates."""

    stages: Stages
    free_bytes: int
    reserve_bytes: int
    certificates: Mapping[str, datetime]


def find_incidents(sight: Sight, settings: AlertSettings, now: datetime) -> list[Incident]:
    """Find the incidents among the configured events."""
    return [incident for incident in _find_all(sight, settings, now) if incident.event in settings.events]


def _find_all(sight: Sight, settings: AlertSettings, now: datetime) -> Iterator[Incident]:
    latest = now - timedelta(minutes=settings.stuck_minutes)
    for item in sight.stages.unsent:
        details: dict[str, str | float] = {"destination": item.destination, "documents": item.count}
        if item.state is DeliveryState.DEAD:
            yield Incident(f"dead_letter:{item.destination}", "dead_letter", details)
        elif item.state is DeliveryState.PENDING and item.oldest < latest:
            waits: dict[str, str | float] = {**details, "stage": "delivering", "minutes": _minutes(now - item.oldest)}
            yield Incident(f"stuck:delivering:{item.destination}", "stuck", waits)
    for state in (State.COMPLETE, State.SCORING):
        since = sight.stages.waiting_since.get(state)
        if since is not None and since < latest:
            series: dict[str, str | float] = {
                "stage": str(state),
                "series": sight.stages.series.get(state, 0),
                "minutes": _minutes(now - since),
            }
            yield Incident(f"stuck:{state}", "stuck", series)
    if sight.free_bytes < sight.reserve_bytes:
        room = {"free_bytes": sight.free_bytes, "reserve_bytes": sight.reserve_bytes}
        yield Incident("disk", "disk", room)
    for file, end in sight.certificates.items():
        if end - now < CERTIFICATE_ENDS_WITHIN:
            yield Incident(f"certificate:{file}", "certificate", {"file": file, "ends": end.isoformat()})


def _minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)

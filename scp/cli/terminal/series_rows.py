"""The rows of `coronode series list`, those of series included that lie in quarantine as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scp.cli.terminal.contradictions import describe_missing
from storage.series.quarantine import QuarantinedSeries
from storage.series.states import SeriesState

COLUMNS: Final = ("series", "state", "images", "Agatston", "received (UTC)", "note")
QUARANTINED: Final = "quarantined"
"""Listed like a state, for a series of which nothing was stored."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A series of the index with its Agatston score, or one that only the quarantine knows; or both."""

    state: SeriesState | None
    total: float | None = None
    aside: QuarantinedSeries | None = None

    @property
    def last_received_at(self) -> datetime:
        """When its latest object arrived that was stored, or else quarantined."""
        item = self.state or self.aside
        if item is None:
            raise ValueError("a row without a series")
        return item.last_received_at


def format_cells(row: Listed) -> tuple[str, ...]:
    """Format a row of the table."""
    received = f"{row.last_received_at:%Y-%m-%d %H:%M:%S}"
    item, aside = row.state, row.aside
    if item is None:
        return (aside.series_instance_uid, QUARANTINED, "0", "", received, describe_missing(aside)) if aside else ()
    notes = [item.reason or item.wait_reason or "; ".join(item.flags)]
    if aside is not None:
        notes.append(f"{aside.count} in quarantine")
    return (
        item.series_instance_uid,
        item.state,
        str(item.instance_count),
        "" if row.total is None else f"{row.total:.1f}",
        received,
        "; ".join(filter(None, notes)),
    )


def list_fields(row: Listed) -> dict[str, object]:
    """List the fields of a row for a script."""
    item, aside = row.state, row.aside
    if item is None:
        return _list_missing(aside) if aside else {}
    return {
        "series_instance_uid": item.series_instance_uid,
        "study_instance_uid": item.study_instance_uid,
        "state": item.state,
        "reason_code": item.reason_code or None,
        "reason": item.reason or None,
        "version": item.version,
        "modality": item.modality,
        "description": item.description,
        "images": item.instance_count,
        "quarantined": aside.count if aside else 0,
        "agatston": row.total,
        "calling_ae": item.calling_ae,
        "last_received_at": item.last_received_at,
        "wait_until": item.wait_until,
        "wait_reason": item.wait_reason or None,
        "flags": list(item.flags),
    }


def _list_missing(aside: QuarantinedSeries) -> dict[str, object]:
    return {
        "series_instance_uid": aside.series_instance_uid,
        "study_instance_uid": aside.study_instance_uid,
        "state": QUARANTINED,
        "reason_code": ",".join(aside.reasons),
        "reason": describe_missing(aside),
        "version": 0,
        "modality": "",
        "description": "",
        "images": 0,
        "quarantined": aside.count,
        "agatston": None,
        "calling_ae": aside.calling_ae,
        "last_received_at": aside.last_received_at,
        "wait_until": None,
        "wait_reason": None,
        "flags": [],
    }

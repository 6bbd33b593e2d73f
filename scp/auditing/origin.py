"""Who writes audit messages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """AE title, machine, the name of this source, and whether patients' IDs are written."""

    ae_title: str
    host: str
    source_id: str
    patient_ids: bool = False

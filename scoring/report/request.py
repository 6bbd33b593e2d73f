"""What the caller decides about the documents of one result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from config.settings import ResultsSettings


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The document that a new one replaces (PS3.3 C.17.2, Predecessor Documents Sequence)."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """One version of the documents of a result.

    `version` counts the results of a series from 1. `created` needs a time zone; with the same `created`
    a document is made again byte for byte. `device_uid` names the installation (TID 1004); None takes the
    one of the software. Raises ValueError for a version below 1 or a `created` without time zone.
    """

    version: int
    created: datetime
    predecessor: Predecessor | None = None
    series_number: int = ResultsSettings().series_number
    series_description: str = ResultsSettings().series_description
    warning_text: str = ResultsSettings().warning_text
    device_uid: str | None = None

    def __post_init__(self) -> None:
        """Refuse what would make an invalid or ambiguous document."""
        if self.version < 1:
            raise ValueError(f"the version of a result counts from 1, not {self.version}")
        if self.created.utcoffset() is None:
            raise ValueError("the time of creation of a document needs a time zone")

"""What became of one study, and the line about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from scp.fetching.wanted import Wanted

Ending = Literal["fetched", "already_here", "skipped", "not_found", "refused", "failed"]
"""skipped: the archive has the study, and no series of it was selected; refused: the archive does not give it."""

COLUMNS: Final = (
    "peer",
    "requested_study_instance_uid",
    "requested_accession_number",
    "requested_patient_id",
    "requested_study_date",
    "studies",
    "study_instance_uid",
    "outcome",
    "series_found",
    "series_selected",
    "skipped",
    "objects_expected",
    "objects_before",
    "objects_received",
    "objects_missing",
    "bytes",
    "seconds",
    "finished_at",
    "message",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one study of a request, which found `studies` in all; without a study, the end of the request.

    `series_selected` are Series Instance UIDs, `skipped` says why each other series was left. Of the selected series
    the archive has `expected` objects: `before` were here, `received` have come, of `size` bytes in all, and `missing`
    have not.
    """

    wanted: Wanted
    ending: Ending
    studies: int = 0
    study_instance_uid: str = ""
    series_found: int = 0
    series_selected: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    expected: int = 0
    before: int = 0
    received: int = 0
    missing: int = 0
    size: int = 0
    seconds: float = 0.0
    message: str = ""

    @property
    def is_good(self) -> bool:
        """True unless the study is not here although it was asked for."""
        return self.ending in {"fetched", "already_here", "skipped"}

    def to_row(self, peer: str, at: datetime) -> list[str]:
        """Return the cells of `COLUMNS`, each on one line."""
        cells = (
            peer,
            self.wanted.study_instance_uid,
            self.wanted.accession_number,
            self.wanted.patient_id,
            self.wanted.study_date,
            self.studies,
            self.study_instance_uid,
            self.ending,
            self.series_found,
            " ".join(self.series_selected),
            "; ".join(self.skipped),
            self.expected,
            self.before,
            self.received,
            self.missing,
            self.size,
            f"{self.seconds:.1f}",
            at.astimezone().isoformat(timespec="seconds"),
            self.message,
        )
        return [" ".join(str(cell).split()) for cell in cells]

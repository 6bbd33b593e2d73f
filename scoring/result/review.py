"""What a reader did to an automatic result."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Review:
    """A reader's signature under a result, and how it differs from the automatic one that was reviewed.

    `reader` is the name as it is printed, `account` the login name, empty where the node has no accounts; `signed_at`
    is ISO 8601 with its offset. `automatic_version` is the version of the series that the automatic result has,
    `automatic_agatston` its total. The rest are numbers of lesions: found automatically and `rejected`, left out
    automatically and `accepted`, `added` where nothing was listed, given another artery (`moved`), `trimmed` in single
    slices, and cut in two (`split`).
    """

    reader: str
    account: str
    signed_at: str
    automatic_version: int
    automatic_agatston: float
    rejected: int = 0
    accepted: int = 0
    added: int = 0
    moved: int = 0
    trimmed: int = 0
    split: int = 0

    @property
    def is_unchanged(self) -> bool:
        """True if the reader confirmed the automatic result as it was."""
        return not any((self.rejected, self.accepted, self.added, self.moved, self.trimmed, self.split))

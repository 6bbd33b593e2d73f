"""Words for the reasons of the quarantine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from storage.series.quarantine import Contradiction, QuarantinedSeries

WORDS: Final[dict[Contradiction, str]] = {
    Contradiction.REPEATED_UID: "another image of the series has the same SOP Instance UID",
    Contradiction.OTHER_ENCODING: "the same place of the series, in another transfer syntax",
    Contradiction.OTHER_BYTES: "the same place of the series, with another header or other pixels",
    Contradiction.OTHER_SERIES: "the SOP Instance UID is known in another series",
    Contradiction.OTHER_STUDY: "the series is known in another study",
    Contradiction.REPLACED: "replaced by an object that was released from quarantine",
}


def format_reasons(reasons: Iterable[Contradiction]) -> str:
    """Format reasons as codes, each with its words."""
    return "; ".join(f"{reason}: {WORDS[reason]}" for reason in reasons)


def format_count(count: int) -> str:
    """Format a number of objects."""
    return f"{count} object{'' if count == 1 else 's'}"


def describe_missing(entry: QuarantinedSeries) -> str:
    """Describe a series that is not in the index because all of its objects were quarantined."""
    elsewhere = f"; held by series {', '.join(entry.held_by)}" if entry.held_by else ""
    return f"{format_count(entry.count)} in quarantine, none stored: {format_reasons(entry.reasons)}{elsewhere}"

"""Readings come in from a file: read, matched and recorded."""

from __future__ import annotations

from scp.installation import Installation
from scp.validating.matching import Matched, Provenance, match
from scp.validating.table import read_table
from storage.database import audit
from storage.validation import readings

SOURCE_LENGTH = 200


def take_table(
    installation: Installation,
    content: bytes,
    source: str,
    *,
    reader: str = "",
    person: str = "",
    dry_run: bool = False,
) -> Matched:
    """Record the readings of a CSV file, all usable rows in one transaction, or only say what would be recorded.

    Raises UnusableTable when the file as a whole cannot be used.
    """
    now = installation.clock()
    rows, refused = read_table(content)
    provenance = Provenance("file", source[:SOURCE_LENGTH], now, person, reader)
    matched = match(installation.database, rows, provenance)
    everything = tuple(sorted((*refused, *matched.refused), key=lambda one: one.line))
    if not dry_run and matched.readings:
        readings.add(installation.database, matched.readings)
        audit.record(installation.database, now, "readings", f"{len(matched.readings)} from a file", person=person)
    return Matched(matched.readings, everything)


def take_back(installation: Installation, source: str, *, person: str = "") -> int:
    """Take back every reading of a source, and return how many that were."""
    now = installation.clock()
    count = readings.withdraw(installation.database, source, now)
    if count:
        audit.record(installation.database, now, "readings_withdrawn", f"{count} of a source", person=person)
    return count

"""From rows of a table to readings of series that are here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scp.validating.table import Refused, Row
from scp.work.documents import NOBODY_EXPECTS_A_SCORE
from storage.database.engine import Database
from storage.series.states import REPORTED, State
from storage.validation import readings
from storage.validation.readings import Reading, Target


@dataclass(frozen=True, slots=True)
class Matched:
    """What a file brought: new readings, and the rows that are not used."""

    readings: tuple[Reading, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where readings are from, and who records them when; `reader` is that of rows that name none."""

    origin: str
    source: str
    recorded_at: datetime
    recorded_by: str = ""
    reader: str = ""


def match(database: Database, rows: Sequence[Row], provenance: Provenance) -> Matched:
    """Find the series of each row, and refuse rows that mean none or several, or repeat what is here.

    Two readings are the same where series, reader and day are; of two with other values only the first of a file is
    used, and the later recorded one replaces what was recorded before.
    """
    targets = _by_name(readings.find_targets(database, [row.name for row in rows]))
    refused: list[Refused] = []
    found: dict[tuple[str, str, str], tuple[int, Reading]] = {}
    for row in rows:
        chosen = _choose(row, targets.get(row.name, []))
        if isinstance(chosen, Refused):
            refused.append(chosen)
            continue
        reading = _make(row, chosen, provenance)
        key = _key(reading)
        if key in found:
            line, earlier = found[key]
            refused.append(Refused.repeated(row.line, line, same=earlier.values == reading.values))
        else:
            found[key] = (row.line, reading)
    known = _list_known(database, [reading for _, reading in found.values()])
    new: list[Reading] = []
    for line, reading in found.values():
        if known.get(_key(reading)) == reading.values:
            refused.append(Refused(line, "row_known"))
        else:
            new.append(reading)
    return Matched(tuple(new), tuple(sorted(refused, key=lambda one: one.line)))


def _by_name(found: Iterable[Target]) -> Mapping[str, list[Target]]:
    named: defaultdict[str, list[Target]] = defaultdict(list)
    for target in found:
        names = (target.series_instance_uid, target.study_instance_uid, target.accession_number)
        for name in dict.fromkeys(filter(None, names)):
            named[name].append(target)
    return named


def _choose(row: Row, candidates: Sequence[Target]) -> Target | Refused:
    """Choose the series that a row means: the one that was scored, else the one that should have been."""
    if row.column == "case":
        return Refused(row.line, "row_case")
    candidates = [one for one in candidates if _is_named(row, one)]
    scored = [one for one in candidates if State(one.state) in REPORTED]
    meant = scored or [one for one in candidates if one.reason_code not in NOBODY_EXPECTS_A_SCORE] or candidates
    if not meant:
        return Refused(row.line, "row_unknown", {"name": row.name})
    if len(meant) > 1:
        return Refused(row.line, "row_several", {"name": row.name, "count": len(meant)})
    return meant[0]


def _is_named(row: Row, target: Target) -> bool:
    """Return whether a row names a series in its own column: an accession number may look like a UID."""
    return bool(getattr(target, row.column) == row.name)


def _make(row: Row, target: Target, provenance: Provenance) -> Reading:
    return Reading(
        series_instance_uid=target.series_instance_uid,
        origin=provenance.origin,
        source=provenance.source,
        reader=row.reader or provenance.reader,
        read_on=row.read_on,
        total=row.total,
        LM=row.arteries.get("LM"),
        LAD=row.arteries.get("LAD"),
        LCX=row.arteries.get("LCX"),
        RCA=row.arteries.get("RCA"),
        recorded_at=provenance.recorded_at,
        recorded_by=provenance.recorded_by,
    )


def _key(reading: Reading) -> tuple[str, str, str]:
    return reading.series_instance_uid, reading.reader.casefold(), reading.read_on


def _list_known(database: Database, new: Sequence[Reading]) -> dict[tuple[str, str, str], tuple[float | None, ...]]:
    """The values that count of what is here already: the latest recorded of each series, reader and day."""
    here = readings.list_readings(database, series_instance_uids=[one.series_instance_uid for one in new])
    return {_key(reading): reading.values for reading in here}

"""From readings, signed reviews and results to pairs: one for each series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scoring.result import ARTERIES, Artery
from scoring.validation.assessment import LeftOut
from scoring.validation.pair import Origin, Pair, Values
from scp.validating.automatic import Automatic, judge, read_automatic
from storage.database.engine import Database
from storage.reviews.reviews import list_signed
from storage.series.states import State
from storage.validation import readings, scored
from storage.validation.readings import Reading


@dataclass(frozen=True, slots=True)
class Theirs:
    """A reader's values of a series, whatever they came by."""

    series_instance_uid: str
    values: Values
    reader: str
    origin: Origin
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Paired:
    """Pairs, and the readings that have no part in the figures."""

    pairs: tuple[Pair, ...]
    left_out: tuple[LeftOut, ...]


def pair_all(theirs: Iterable[Theirs], ours: Mapping[str, Automatic], pending: frozenset[str] = frozenset()) -> Paired:
    """Pair each series with one reading: an independent one before a signed review, the first before later ones.

    `pending` are the series that are here without a result yet.
    """
    chosen: dict[str, Theirs] = {}
    left_out: list[LeftOut] = []
    for one in sorted(theirs, key=lambda reading: reading.origin == "review"):
        if one.series_instance_uid in chosen:
            left_out.append(LeftOut(one.series_instance_uid, "other_reader"))
        else:
            chosen[one.series_instance_uid] = one
    pairs = []
    for uid, one in chosen.items():
        automatic = ours.get(uid)
        if automatic is None:
            left_out.append(LeftOut(uid, "no_result" if uid in pending else "no_longer_here"))
        elif automatic.values is None:
            left_out.append(LeftOut(uid, "not_scorable", automatic.reason_code))
        else:
            pairs.append(_pair(automatic, automatic.values, one))
    return Paired(tuple(pairs), tuple(left_out))


def _pair(ours: Automatic, values: Values, theirs: Theirs) -> Pair:
    return Pair(
        series_instance_uid=theirs.series_instance_uid,
        study_instance_uid=ours.study_instance_uid,
        ours=values,
        theirs=theirs.values,
        ours_range=ours.range,
        scan=ours.scan,
        origin=theirs.origin,
        reader=theirs.reader,
        flags=ours.flags,
    )


def pair_stored(database: Database, *, since: datetime | None = None, reader: str | None = None) -> Paired:
    """Pair what is in the index: readings recorded, and reviews signed, since a moment, by one reader if asked."""
    here = readings.list_readings(database)
    uids = {one.series_instance_uid for one in here}
    known = _read_versions(database, uids)
    theirs = [*_keep_latest(here), *known.signed]
    if since is not None:
        theirs = [one for one in theirs if one.recorded_at is None or one.recorded_at >= since]
    if reader is not None:
        theirs = [one for one in theirs if one.reader.casefold() == reader.casefold()]
    targets = readings.find_targets(database, [one.series_instance_uid for one in theirs])
    pending = {one.series_instance_uid for one in targets if one.state != State.NOT_SCORABLE}
    refused = {one.series_instance_uid: one.reason_code for one in targets if one.state == State.NOT_SCORABLE}
    paired = pair_all(theirs, known.automatic, frozenset(pending))
    return Paired(paired.pairs, tuple(_explain(one, refused) for one in paired.left_out))


def _explain(one: LeftOut, refused: Mapping[str, str]) -> LeftOut:
    """Say of a series without any score that it could not be scored, where that is so."""
    if one.why == "no_longer_here" and one.series_instance_uid in refused:
        return LeftOut(one.series_instance_uid, "not_scorable", refused[one.series_instance_uid])
    return one


def _keep_latest(here: Sequence[Reading]) -> list[Theirs]:
    """The readings as values, each as it was corrected last."""
    found = []
    for one in readings.keep_corrected(here):
        arteries: dict[Artery, float] = {
            artery: value for artery in ARTERIES if (value := getattr(one, artery)) is not None
        }
        origin: Origin = one.origin  # type: ignore[assignment]  # what the index holds was written from this type
        found.append(Theirs(one.series_instance_uid, judge(one.total, arteries), one.reader, origin, one.recorded_at))
    return found


@dataclass(frozen=True, slots=True)
class _Versions:
    """The latest automatic result of each series, and what readers signed."""

    automatic: Mapping[str, Automatic]
    signed: tuple[Theirs, ...]


def _read_versions(database: Database, uids: Iterable[str]) -> _Versions:
    """Read the results of these series and of every signed review."""
    reviews = {one.series_instance_uid: one for one in list_signed(database)}
    automatic: dict[str, Automatic] = {}
    signed: list[Theirs] = []
    for version in scored.iterate_versions(database, {*uids, *reviews}):
        if not version.score_json:
            continue
        read = read_automatic(version.score_json)
        review = reviews.get(version.series_instance_uid)
        if not read.is_signed:
            automatic[version.series_instance_uid] = read
        elif review is not None and review.signed_version == version.version and read.values is not None:
            signed.append(Theirs(version.series_instance_uid, read.values, review.reader, "review", review.signed_at))
    return _Versions(automatic, tuple(signed))

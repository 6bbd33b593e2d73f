"""A score beside the earlier ones of the same patient: the change, and whether a repeated scan alone explains it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from config.errors import Value
from dicom.dates import parse_date
from scoring.result import Change, Difference, Earlier, Score, Statement
from scoring.risk.limits import added_spread, agatston_limit, volume_limit
from scoring.risk.spread import USUAL_SPACING_MM

USUAL_BMI: Final = 27.0
"""Body mass index, kg/m2, where the images give none."""

SHORTEST_DAYS: Final = 90
"""Days below which no yearly rate is given: it would be the noise of two scans, multiplied."""

NOISE_BELOW: Final = 10.0
"""Scores below it are within the variation of repeated scans: 95 % limit of 18 at a score of 10 (Chung, AJR 2008)."""

PROGRESSION_ROOT: Final = 2.5
"""Growth of the square root of the volume, mm3 ** 0.5, that studies call progression (KOICA registry)."""

_YEAR_DAYS: Final = 365.25
# as the catalogue names them
_GATING: Final = {True: "gated", False: "not_gated"}


def compare(
    score: Score, history: Iterable[Earlier], *, bmi: float | None = None, notes: Sequence[Statement] = ()
) -> Change | None:
    """The change since the latest of the earlier scores; None when there is none, or the scan has no date or no score.

    Only dates before that of the scan count, and only other studies. Of each study one earlier score stays, the one
    that is most comparable to this one. `bmi` (kg/m2) goes into the limits of a repeated scan; `notes` follow those of
    the comparison itself.
    """
    scanned = parse_date(score.series.date)
    if scanned is None or score.agatston is None:
        return None
    kept = _choose_per_study(score, history, scanned)
    earlier = parse_date(kept[-1].date) if kept else None
    if earlier is None:
        return None
    then, now = kept[-1], score.agatston.total
    days = (scanned - earlier).days
    volumes = _volumes(score, then)
    root = None if volumes is None else round(math.sqrt(volumes[1]) - math.sqrt(volumes[0]), 4)
    masses = None if then.mass_mg is None or score.mass_mg is None else (then.mass_mg, score.mass_mg.total)
    index = USUAL_BMI if bmi is None else bmi
    noise = max(then.agatston, now) < NOISE_BELOW
    limit = None if noise else agatston_limit(then.agatston, index, _spacings(score, then))
    unlike, unknown = _count_differences(score, then)
    return Change(
        date=then.date,
        interval_days=days,
        agatston=_difference(then.agatston, now, days, limit),
        volume_mm3=None
        if volumes is None
        else _difference(*volumes, days, None if noise else volume_limit(volumes[0], index)),
        mass_mg=None if masses is None else _difference(*masses, days, None),
        root_volume=root,
        progression=None if root is None or noise else root >= PROGRESSION_ROOT,
        differences=tuple(unlike),
        notes=(*_notes(score, then, days, unlike, unknown, assumed=bmi is None), *notes),
        citations=tuple(_citations(root)),
        bmi=index,
        bmi_origin="assumed" if bmi is None else "header",
        history=tuple(kept),
    )


def earlier_of(score: Score, scanned: date, *, origin: str, sop_instance_uid: str = "") -> Earlier | None:
    """A score as an earlier one to compare with; None without a number. `sop_instance_uid` is that of its report."""
    if score.agatston is None:
        return None
    series, provenance = score.series, score.provenance
    thickness, spacing = _measure_slices(score)
    return Earlier(
        date=scanned.isoformat(),
        agatston=score.agatston.total,
        volume_mm3=None if score.volume_mm3 is None else score.volume_mm3.total,
        mass_mg=None if score.mass_mg is None else score.mass_mg.total,
        origin=origin,
        study_instance_uid=series.study_instance_uid,
        sop_instance_uid=sop_instance_uid,
        slice_thickness_mm=thickness,
        spacing_mm=spacing,
        kvp=series.kvp,
        kernel=series.kernel,
        scanner=_scanner(score),
        software=_software(score),
        convention=provenance.convention,
        gated=series.gated,
        volume_definition=provenance.volume_definition,
    )


def _spacings(score: Score, then: Earlier) -> tuple[float | None, float | None]:
    """Slice spacing in mm of both scans, the earlier first."""
    return then.spacing_mm, _measure_slices(score)[1]


def _difference(then: float, now: float, days: int, limit: float | None) -> Difference:
    absolute = round(now - then, 4)
    return Difference(
        then=then,
        now=now,
        absolute=absolute,
        per_year=round(absolute * _YEAR_DAYS / days, 4) if days >= SHORTEST_DAYS else None,
        limit=limit,
        exceeds_limit=None if limit is None else abs(absolute) > limit,
    )


def _choose_per_study(score: Score, history: Iterable[Earlier], scanned: date) -> list[Earlier]:
    """The scores that may be compared, the oldest first; of two on one day the more comparable one comes last."""
    best: dict[str, Earlier] = {}
    for item in history:
        scanned_on = parse_date(item.date)
        if scanned_on is None or scanned_on >= scanned or item.study_instance_uid == score.series.study_instance_uid:
            continue
        study = item.study_instance_uid or item.sop_instance_uid
        if study not in best or _comparability(score, item) > _comparability(score, best[study]):
            best[study] = item
    return sorted(best.values(), key=lambda item: (item.date, _comparability(score, item)))


def _comparability(score: Score, item: Earlier) -> tuple[int, bool, float, str, str]:
    """Sort key, greater is better: few differences or unknowns, a volume, slices near 3 mm; then anything definite."""
    unlike, unknown = _count_differences(score, item)
    thickness = math.inf if item.slice_thickness_mm is None else abs(item.slice_thickness_mm - USUAL_SPACING_MM)
    doubts = len(unlike) + len(unknown)
    return -doubts, item.volume_mm3 is not None, -thickness, item.sop_instance_uid, repr(item)


def _volumes(score: Score, then: Earlier) -> tuple[float, float] | None:
    """Volume then and now in mm3, None where one is not known or their definitions differ."""
    if then.volume_mm3 is None or score.volume_mm3 is None or _defined_otherwise(score, then):
        return None
    return then.volume_mm3, score.volume_mm3.total


def _defined_otherwise(score: Score, then: Earlier) -> bool:
    return then.volume_definition not in {None, score.provenance.volume_definition}


@dataclass(frozen=True, slots=True)
class _Fact:
    """One property of both scans that affects a score; None where it is not known for a scan."""

    name: str
    then: str | float | None
    now: str | float | None
    is_equal: bool
    variant: str
    unit: str = ""

    def differs(self) -> Statement:
        """The statement that the two scans differ in it."""
        known = (("then", self.then), ("now", self.now), ("unit", self.unit or None))
        values: dict[str, Value] = {name: value for name, value in known if value is not None}
        return Statement("differs", {"variant": self.variant, "what": self.name, **values})


def _count_differences(score: Score, then: Earlier) -> tuple[list[Statement], list[str]]:
    """The differences between the two scans, and the names of the properties known for only one of them."""
    unlike, unknown = [], []
    for fact in _facts(score, then):
        if fact.then is None or fact.now is None:
            unknown += [fact.name] if fact.then is not fact.now else []
        elif not fact.is_equal:
            unlike.append(fact.differs())
    return unlike, unknown


def _facts(score: Score, then: Earlier) -> Iterator[_Fact]:
    """Everything known about the two scans that affects a score."""
    series, origin = score.series, score.provenance
    thickness, spacing = _measure_slices(score)
    yield _text_fact("convention", then.convention, origin.convention)
    yield _size_fact("slice_thickness", then.slice_thickness_mm, thickness, "mm", 0.05)
    yield _size_fact("slice_spacing", then.spacing_mm, spacing, "mm", 0.05)
    yield _size_fact("tube_voltage", then.kvp, series.kvp, "kV", 0.5)
    yield _text_fact("kernel", then.kernel, series.kernel)
    yield _text_fact("scanner", then.scanner, _scanner(score))
    before = None if then.gated is None else _GATING[then.gated]
    yield _Fact("gating", before, _GATING[series.gated], then.gated == series.gated, "term")
    yield _text_fact("software", then.software, _software(score))


def _measure_slices(score: Score) -> tuple[float | None, float | None]:
    """Thickness and spacing (mm) of the slices that were scored: those of the slabs where images were averaged."""
    slab_mm, spacing = score.provenance.slab_mm, score.series.spacing_mm
    if slab_mm is not None:
        return slab_mm, slab_mm
    return score.series.slice_thickness_mm, None if spacing is None else spacing[0]


def _scanner(score: Score) -> str | None:
    return " ".join(filter(None, (score.series.manufacturer, score.series.model))) or None


def _software(score: Score) -> str:
    return f"{score.provenance.software} {score.provenance.version}"


def _text_fact(name: str, before: str | None, after: str | None) -> _Fact:
    is_equal = (before or "").casefold() == (after or "").casefold()
    return _Fact(name, before or None, after or None, is_equal, "text")


def _size_fact(name: str, before: float | None, after: float | None, unit: str, tolerance: float) -> _Fact:
    is_equal = before is not None and after is not None and abs(before - after) <= tolerance
    return _Fact(name, before, after, is_equal, "size", unit)


def _notes(
    score: Score, then: Earlier, days: int, unlike: Sequence[Statement], unknown: Sequence[str], *, assumed: bool
) -> Iterator[Statement]:
    if score.agatston is not None and max(then.agatston, score.agatston.total) < NOISE_BELOW:
        yield Statement.build("both_small", limit=NOISE_BELOW)
    else:
        if assumed:
            yield Statement.build("bmi_assumed", bmi=USUAL_BMI)
        thickest = max((spacing for spacing in _spacings(score, then) if spacing is not None), default=0.0)
        if added_spread(then.agatston, thickest) > 0:
            yield Statement.build("limit_widened", spacing_mm=round(thickest, 2), usual_mm=USUAL_SPACING_MM)
    if days < SHORTEST_DAYS:
        yield Statement.build("scans_close", days=SHORTEST_DAYS)
    if unlike:
        yield Statement.build("scans_differ")
    if unknown:
        yield Statement.build("known_for_one", what=tuple(unknown))
    if then.volume_mm3 is not None and _defined_otherwise(score, then):
        yield Statement.build("volumes_not_compared")


def _citations(root: float | None) -> Iterator[Statement]:
    yield Statement.build("limit_source")
    if root is not None:
        yield Statement.build("progression_source")

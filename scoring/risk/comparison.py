"""A score beside the earlier ones of the same patient: what changed, and whether a repeated scan changes as much."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

from dicom.dates import parse_date
from scoring.candidates import conventions
from scoring.result import Score
from scoring.risk.change import Change, Difference, Earlier

USUAL_BMI: Final = 27.0
"""Body mass index, kg/m2, where the images tell none."""

SHORTEST_DAYS: Final = 90
"""Under it no yearly rate is given: it would be the noise of two scans, multiplied."""

NOISE_BELOW: Final = 10.0
"""A score under it is inside the noise of a repeated scan."""

PROGRESSION_ROOT: Final = 2.5
"""Growth of the square root of the volume, mm3 ** 0.5, from which studies speak of progression."""

LIMIT_CITATION: Final = "95 % limit of a repeated scan: Chung et al., AJR 2008 (6,742 pairs of scans)"
PROGRESSION_CITATION: Final = "Progression: KOICA registry, Korean Circ J 2019;49 and PLoS ONE 2021;16:e0248884"

_YEAR_DAYS: Final = 365.25
_USUAL_THICKNESS_MM: Final = 3.0
_GATING: Final = {True: "yes", False: "none in the header"}


def compare(
    score: Score, history: Iterable[Earlier], *, bmi: float | None = None, notes: Sequence[str] = ()
) -> Change | None:
    """The change since the latest of the earlier scores; None when there is none, or the scan has no date or no score.

    Only dates before that of the scan count, and only other studies. Of each study one earlier score stays, the one
    that was made most like this one. `bmi` (kg/m2) goes into the limits of a repeated scan; `notes` follow those of
    the comparison itself.
    """
    scanned = parse_date(score.series.date)
    if scanned is None or score.agatston is None:
        return None
    kept = _one_a_study(score, history, scanned)
    if not kept:
        return None
    then, now = kept[-1], score.agatston.total
    days = (scanned - date.fromisoformat(then.date)).days
    volumes = _volumes(score, then)
    root = None if volumes is None else round(math.sqrt(volumes[1]) - math.sqrt(volumes[0]), 4)
    masses = None if then.mass_mg is None or score.mass_mg is None else (then.mass_mg, score.mass_mg.total)
    index = USUAL_BMI if bmi is None else bmi
    noise = max(then.agatston, now) < NOISE_BELOW
    unlike, unknown = _beside(score, then)
    return Change(
        date=then.date,
        interval_days=days,
        agatston=_difference(then.agatston, now, days, None if noise else agatston_limit(then.agatston, index)),
        volume_mm3=None
        if volumes is None
        else _difference(*volumes, days, None if noise else volume_limit(volumes[0], index)),
        mass_mg=None if masses is None else _difference(*masses, days, None),
        root_volume=root,
        progression=None if root is None or noise else root >= PROGRESSION_ROOT,
        differences=tuple(unlike),
        notes=(*_notes(score, then, days, unlike, unknown, assumed=bmi is None), *notes),
        citations=(LIMIT_CITATION,) if root is None else (LIMIT_CITATION, PROGRESSION_CITATION),
        bmi=index,
        bmi_origin="assumed" if bmi is None else "header",
        history=tuple(kept),
    )


def earlier_of(score: Score, scanned: date, *, origin: str, sop_instance_uid: str = "") -> Earlier | None:
    """A score as one to be compared with; None when it has no number. `sop_instance_uid` is that of its report."""
    if score.agatston is None:
        return None
    series, made = score.series, score.provenance
    return Earlier(
        date=scanned.isoformat(),
        agatston=score.agatston.total,
        volume_mm3=None if score.volume_mm3 is None else score.volume_mm3.total,
        mass_mg=None if score.mass_mg is None else score.mass_mg.total,
        origin=origin,
        study_instance_uid=series.study_instance_uid,
        sop_instance_uid=sop_instance_uid,
        slice_thickness_mm=series.slice_thickness_mm,
        spacing_mm=None if series.spacing_mm is None else series.spacing_mm[0],
        kvp=series.kvp,
        kernel=series.kernel,
        scanner=_scanner(score),
        software=_software(score),
        convention=made.convention,
        gated=series.gated,
    )


def agatston_limit(earlier: float, bmi: float) -> float:
    """95 % limit of a repeated scan for an Agatston score, never below 0 (Chung et al., AJR 2008)."""
    return round(max(0.0, 0.17 * earlier + 4.89 * math.sqrt(earlier) + 0.44 * bmi - 10.84), 4)


def volume_limit(earlier: float, bmi: float) -> float:
    """95 % limit of a repeated scan for a volume in mm3, never below 0 (Chung et al., AJR 2008)."""
    return round(max(0.0, 0.16 * earlier + 4.30 * math.sqrt(earlier) + 0.23 * bmi - 5.00), 4)


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


def _one_a_study(score: Score, history: Iterable[Earlier], scanned: date) -> list[Earlier]:
    """What may be compared, the oldest first; of two scans on one day the more comparable one stands last."""
    best: dict[str, Earlier] = {}
    for item in history:
        taken = parse_date(item.date)
        if taken is None or taken >= scanned or item.study_instance_uid == score.series.study_instance_uid:
            continue
        study = item.study_instance_uid or item.sop_instance_uid
        if study not in best or _comparability(score, item) > _comparability(score, best[study]):
            best[study] = item
    return sorted(best.values(), key=lambda item: (item.date, _comparability(score, item)))


def _comparability(score: Score, item: Earlier) -> tuple[int, bool, float, str, str]:
    """More is better: little that differs or is not known, a volume, slices of about 3 mm; then anything definite."""
    unlike, unknown = _beside(score, item)
    thickness = math.inf if item.slice_thickness_mm is None else abs(item.slice_thickness_mm - _USUAL_THICKNESS_MM)
    doubts = len(unlike) + len(unknown)
    return -doubts, item.volume_mm3 is not None, -thickness, item.sop_instance_uid, repr(item)


def _volumes(score: Score, then: Earlier) -> tuple[float, float] | None:
    """Volume then and now in mm3, None where one is not known or they are defined in different ways."""
    if then.volume_mm3 is None or score.volume_mm3 is None or _defined_otherwise(score, then):
        return None
    return then.volume_mm3, score.volume_mm3.total


def _defined_otherwise(score: Score, then: Earlier) -> bool:
    preset = next((item for name, item in conventions.PRESETS.items() if name == then.convention), None)
    return preset is not None and preset.volume != score.provenance.volume_definition


def _beside(score: Score, then: Earlier) -> tuple[list[str], list[str]]:
    """What was not alike in the two scans, and of what one of them says nothing."""
    unlike, unknown = [], []
    for name, before, after, equal in _facts(score, then):
        if before is None or after is None:
            unknown += [name] if before is not after else []
        elif not equal:
            unlike.append(f"{name}: {before} then, {after} now")
    return unlike, unknown


def _facts(score: Score, then: Earlier) -> Iterator[tuple[str, str | None, str | None, bool]]:
    """Name, then, now and whether both are alike, of all that moves a score."""
    series, made = score.series, score.provenance
    spacing = None if series.spacing_mm is None else series.spacing_mm[0]
    yield _words("scoring convention", then.convention, made.convention)
    yield _size("slice thickness", then.slice_thickness_mm, series.slice_thickness_mm, "mm", 0.05)
    yield _size("distance of the slices", then.spacing_mm, spacing, "mm", 0.05)
    yield _size("tube voltage", then.kvp, series.kvp, "kV", 0.5)
    yield _words("kernel", then.kernel, series.kernel)
    yield _words("scanner", then.scanner, _scanner(score))
    gated = None if then.gated is None else _GATING[then.gated]
    yield _words("ECG gating", gated, _GATING[series.gated])
    yield _words("software", then.software, _software(score))


def _scanner(score: Score) -> str | None:
    return " ".join(filter(None, (score.series.manufacturer, score.series.model))) or None


def _software(score: Score) -> str:
    return f"{score.provenance.software} {score.provenance.version}"


def _words(name: str, before: str | None, after: str | None) -> tuple[str, str | None, str | None, bool]:
    return name, before or None, after or None, (before or "").casefold() == (after or "").casefold()


def _size(
    name: str, before: float | None, after: float | None, unit: str, tolerance: float
) -> tuple[str, str | None, str | None, bool]:
    words = [None if value is None else f"{value:.4g} {unit}" for value in (before, after)]
    alike = before is not None and after is not None and abs(before - after) <= tolerance
    return name, words[0], words[1], alike


def _notes(
    score: Score, then: Earlier, days: int, unlike: Sequence[str], unknown: Sequence[str], *, assumed: bool
) -> Iterator[str]:
    if score.agatston is not None and max(then.agatston, score.agatston.total) < NOISE_BELOW:
        yield (
            f"Both scores are under {NOISE_BELOW:g}, inside the noise of a repeated scan: "
            "whether there was a change cannot be told"
        )
    elif assumed:
        yield f"A body mass index of {USUAL_BMI:g} was assumed for the limits: the images tell none"
    if days < SHORTEST_DAYS:
        yield f"The scans are less than {SHORTEST_DAYS} days apart: no yearly rate is given"
    if unlike:
        yield "The two scans are not alike: part of the change may come from how they were made"
    if unknown:
        yield f"Not known for both scans: {', '.join(unknown)}"
    if then.volume_mm3 is not None and _defined_otherwise(score, then):
        yield "The volumes are not compared: the two scoring conventions define volume differently"

"""The score that a reader's edits leave: everything that follows from the lesions, by the rules of every result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from config.risk import RiskSettings
from scoring.judgement import totals
from scoring.judgement.category import categorise, format_cac_drs
from scoring.judgement.doubt import Doubtful
from scoring.judgement.flags import OF_RESULT, flag_result
from scoring.report.common.catalogue import in_language
from scoring.report.common.texts import load_english
from scoring.result import Flag, Lesion, RejectedCandidate, Review, Score, Statement
from scoring.review.region import REVIEWED, Region, Regions
from scoring.review.scan import Scan
from scoring.risk.comparison import compare
from scoring.risk.context import Context, add_context
from scoring.risk.patient import NOTHING

EARLIER_REVIEW: Final = "signed_review"
"""Code of the flag on an automatic result that replaced a signed one: the next signature lifts it."""


def correct(scan: Scan, automatic: Score, regions: Regions, risk: RiskSettings, review: Review | None = None) -> Score:
    """The score of the regions that count.

    A lesion that was reviewed is certain, and so is what a reader left out: the range tells how a total varies when it
    is measured again, and nothing asks for review any more. Flags on the scan stay. With `review` the score is signed.

    Raises ConfigurationError when the site's own population cannot be used.
    """
    lesions = tuple(_number_lesions(regions))
    total = totals.sum_by_artery(lesions, "agatston", digits=4)
    ends = totals.bound_total(
        [Doubtful(item.measured.agatston, float(item.counted), item.counted, "") for item in regions],
        scan.volume.spacing_mm[0],
    )
    has_mass = scan.factor is not None
    corrected = replace(
        automatic,
        agatston=total,
        agatston_range=(ends.low, ends.high),
        volume_mm3=totals.sum_by_artery(lesions, "volume_mm3", digits=3),
        mass_mg=totals.sum_by_artery(lesions, "mass_mg", digits=4) if has_mass else None,
        mass_integrated_mg=totals.sum_by_artery(lesions, "mass_integrated_mg", digits=4) if has_mass else None,
        lesions=lesions,
        category=categorise(total.total, any_lesion=bool(lesions)),
        cac_drs=format_cac_drs(total.total, [item.artery for item in lesions]),
        rejected=tuple(_number_rejected(regions)),
        review=review,
    )
    cut = any(flag.code == "heart_cut" for flag in automatic.flags)
    flags = (*_list_lasting(automatic.flags), *flag_result(total, lesions, ends, cut=cut))
    standing = add_context(replace(corrected, flags=flags), automatic.patient or NOTHING, Context(risk))
    return in_language(_compare(standing, automatic), load_english())


def count_changes(automatic: Score, regions: Regions) -> dict[str, int]:
    """How the regions differ from the automatic result, as the numbers of `Review`.

    What was done and taken back does not count; each part of a lesion that was split counts by itself.
    """
    artery_of = {str(item.id): item.artery for item in automatic.lesions}
    counted = [item for item in regions if item.counted]
    return {
        "rejected": sum(not item.counted and item.root in artery_of for item in regions),
        "accepted": sum(item.root.startswith("C") for item in counted),
        "added": sum(item.root.startswith("A") for item in counted),
        "moved": sum(item.root in artery_of and item.artery != artery_of[item.root] for item in counted),
        "trimmed": sum(bool(item.trimmed) for item in counted),
        "split": len({item.parent for item in regions if item.parent}),
    }


def _number_lesions(regions: Regions) -> Iterator[Lesion]:
    """The regions that count, numbered from 1 in the order of their first voxel."""
    counted = sorted((item for item in regions if item.counted), key=_find_first)
    for number, item in enumerate(counted, start=1):
        yield replace(item.measured, id=number, artery=item.artery, confidence=REVIEWED)


def _find_first(region: Region) -> tuple[int, ...]:
    return tuple(region.voxels[region.kept][0].tolist())


def _number_rejected(regions: Regions) -> Iterator[RejectedCandidate]:
    """The regions that do not count, the largest first; those that a reader has rejected say so."""
    others = sorted((item for item in regions if not item.counted), key=lambda item: -item.measured.agatston)
    for number, item in enumerate(others, start=1):
        values = item.measured
        yield RejectedCandidate(
            id=number,
            agatston=values.agatston,
            volume_mm3=values.volume_mm3,
            max_hu=values.max_hu,
            centroid_mm=values.centroid_mm,
            slices=values.slices,
            confidence=0.0,
            reason=item.reason or Statement.build("rejected_by_reader"),
            artery=item.artery,
            images=values.images,
            runs=values.runs,
        )


def _list_lasting(flags: Iterable[Flag]) -> Iterator[Flag]:
    """The flags that say something about the scan: those on the numbers are made anew."""
    return (flag for flag in flags if flag.code not in OF_RESULT | {EARLIER_REVIEW})


def _compare(score: Score, automatic: Score) -> Score:
    """The comparison with the earlier scans that the automatic result was compared with."""
    change = automatic.change
    if change is None:
        before = automatic.risk.change_reason if automatic.risk else ()
        return replace(score, change=None, risk=replace(score.risk, change_reason=before) if score.risk else None)
    bmi = None if automatic.patient is None else automatic.patient.bmi
    plain = compare(automatic, change.history, bmi=bmi)
    notes = change.notes[len(plain.notes) :] if plain is not None else ()
    return replace(score, change=compare(score, change.history, bmi=bmi, notes=notes))
